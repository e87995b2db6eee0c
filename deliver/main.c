/* main.c - deliver, as the MTA starts it: the parent, and loading the pipeline in the child.
 *
 * Everything but the C library is behind dlopen(): a half-upgraded libconfuse or pipeline is a
 * failure we can tell (75), not an exit status 127 from the loader, which Postfix bounces. */
#include "deliver/front_options.h"
#include "deliver/library.h"
#include "deliver/parent.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

struct call {
	int argc;
	char **argv;
};

/* The directory we were started from, "" where the system does not tell. */
static void find_own_directory(char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	path[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(path, '/');
	if (slash != NULL)
		*slash = '\0';
}

/* Beside the program in a build tree; else where it was installed, also when the whole tree was
 * moved there. */
static void *open_library(char why[256])
{
	char own[PATH_MAX];
	char path[PATH_MAX + 64] = "";
	static const char *const places[] = {"/" LIBRARY_NAME, "/../lib/ladle/" LIBRARY_NAME};
	find_own_directory(own);
	for (size_t i = 0; own[0] != '\0' && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", own, places[i]);
		if (access(path, F_OK) == 0)
			break;
		path[0] = '\0';
	}
	if (own[0] == '\0' || path[0] == '\0')
		snprintf(path, sizeof(path), "%s/" LIBRARY_NAME, LADLE_LIB_DIR);
	/* Lazily: a delivery uses half of what it could. A function that is missing after all ends
	 * the child, which its parent answers with 75. */
	void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (library == NULL)
		snprintf(why, 256, "%s", dlerror());
	return library;
}

static library_entry *find_entry(const char *name)
{
	char why[256] = "";
	void *library = open_library(why);
	library_entry *entry = NULL;
	/* The way POSIX has for making a function of what dlsym() gives. */
	if (library != NULL)
		*(void **)&entry = dlsym(library, name);
	if (entry == NULL) {
		openlog("deliver", LOG_PID, LOG_MAIL);
		syslog(LOG_ERR, "error: cannot load the pipeline: %s", why);
	}
	return entry;
}

static void send_failure(int notes_fd, const char *text)
{
	struct parent_note note = {.kind = PARENT_STATUS};
	status_set(&note.status, CAUSE_INTERNAL, text);
	(void)!write(notes_fd, &note, sizeof(note));
}

static void work(void *context, int notes_fd)
{
	const struct call *call = context;
	library_entry *entry = find_entry("ladle_deliver");
	if (entry == NULL)
		send_failure(notes_fd, NULL);
	else
		entry(call->argc, call->argv, notes_fd);
}

/* --help, --version, --check and the like deliver nothing and talk to a person: they need no
 * watcher. Only the parser knows them from the value of another option, which may be a stranger's
 * choice. */
static bool is_for_a_person(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct front_options options;
	struct status status;
	bool is_root = getuid() == 0 || geteuid() == 0;
	bool wants_talk =
	    front_options_parse(arena, argc, argv, environ, is_root, &options, &status) &&
	    front_options_wants_talk(&options);
	arena_free(&arena);
	return wants_talk;
}

int main(int argc, char **argv)
{
	struct status status;
	if (is_for_a_person(argc, argv)) {
		library_entry *entry = find_entry("ladle_talk");
		if (entry != NULL)
			return entry(argc, argv, -1);
		fputs("deliver: cannot load the pipeline; the reason is in the mail log\n", stderr);
		return 1;
	}
	parent_run(work, &(struct call){argc, argv}, &status);
	return parent_answer(&status);
}
