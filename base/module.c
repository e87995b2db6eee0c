/* module.c - shared objects of ours, loaded on demand.
 *
 * They are looked for relative to the running program: in a build tree deliver's own folder, else
 * the place of an installation that may have been moved as a whole, else where it was meant to
 * be. The first that exists is the one; that it does not load is then an error, no reason to take
 * an older one from elsewhere. */
#include "base/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES (PATH_MAX + 256)
#define TEXT(name) #name
#define RECORD_NAME(name) TEXT(name)

/* The directory of the program, "" where the system does not tell. */
static void find_own_directory(char path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	path[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(path, '/');
	if (slash != NULL)
		*slash = '\0';
}

static void find(const char *name, char path[PATH_BYTES])
{
	static const char *const places[] = {"", "/../lib/ladle", "/../deliver", "/../../deliver"};
	char own[PATH_MAX];
	find_own_directory(own);
	for (size_t i = 0; own[0] != '\0' && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, PATH_BYTES, "%s%s/%s.so", own, places[i], name);
		if (access(path, F_OK) == 0)
			return;
	}
	snprintf(path, PATH_BYTES, "%s/%s.so", LADLE_LIB_DIR, name);
}

const struct module *module_load(const char *name, size_t size, char *why, size_t why_size)
{
	char path[PATH_BYTES];
	find(name, path);
	/* All of it at once: a function that is missing must not end a delivery later on. */
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const struct module *module =
	    library != NULL ? dlsym(library, RECORD_NAME(MODULE_RECORD)) : NULL;
	if (module == NULL) {
		const char *error = dlerror();
		snprintf(why, why_size, "%s", error != NULL ? error : path);
		return NULL;
	}
	if (strcmp(module->version, PACKAGE_VERSION) != 0 || module->size != size) {
		snprintf(why, why_size, "%s is of version %s, this is " PACKAGE_VERSION, path,
		    module->version);
		return NULL;
	}
	return module;
}
