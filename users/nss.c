#include "users/nss.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define CONFIG_MAX ((size_t)64 * 1024)
#define LOCAL_FILE_MAX ((size_t)64 * 1024 * 1024)
#define ENTRY_AT_FIRST 1024
#define ENTRY_MAX ((size_t)256 * 1024) /* of one user: groups are not asked for */

const struct nss *nss_system(void)
{
	static const struct nss system = {"/etc/nsswitch.conf", "/etc/passwd", getpwnam_r};
	return &system;
}

/* -- which services ---------------------------------------------------------------------------- */

static bool is_local_service(struct span service)
{
	/* "compat" may reach out to NIS. */
	static const char *const local[] = {"files", "db", "systemd", "altfiles", "extrausers"};
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		if (span_is(service, local[i]))
			return true;
	}
	return false;
}

/* The first remote service of what follows "passwd:", without actions as "[NOTFOUND=return]". */
static struct span remote_service(struct span services)
{
	bool in_action = false;
	size_t start = 0;
	for (size_t i = 0; i <= services.len; i++) {
		char byte = i < services.len ? services.data[i] : ' ';
		if (byte != ' ' && byte != '\t' && byte != '[' && byte != ']' && byte != '\r')
			continue;
		struct span service = span_first(span_from(services, start), i - start);
		if (service.len > 0 && !in_action && !is_local_service(service))
			return service;
		if (byte == '[' || byte == ']')
			in_action = byte == '[';
		start = i + 1;
	}
	return span_of("");
}

const char *nss_remote_service(const struct nss *nss, struct arena *arena)
{
	struct bytes config = {0};
	struct span line;
	struct span service = span_of("");
	if (file_read_path(nss->config_path, CONFIG_MAX, &config, NULL) != 0) {
		bool is_missing = errno == ENOENT;
		bytes_clear(&config);
		return is_missing ? NULL : "?";
	}
	struct span rest = bytes_span(&config);
	while (service.len == 0 && span_next_line(&rest, &line)) {
		line = span_trim(span_first(line, span_find(line, '#')));
		if (span_starts_with(line, "passwd:"))
			service = remote_service(span_from(line, strlen("passwd:")));
	}
	const char *found = service.len == 0 ? NULL : arena_text(arena, service);
	bytes_clear(&config);
	return found;
}

bool nss_is_local_user(const struct nss *nss, struct span name)
{
	struct bytes file = {0};
	struct span line;
	bool found = false;
	if (file_read_path(nss->local_path, LOCAL_FILE_MAX, &file, NULL) == 0) {
		struct span rest = bytes_span(&file);
		while (!found && span_next_line(&rest, &line))
			found = span_equals(span_first(line, span_find(line, ':')), name);
	}
	bytes_clear(&file);
	return found;
}

/* -- asking ------------------------------------------------------------------------------------ */

/* An answer as it crosses the pipe; name and home follow it. */
struct answer {
	int error;
	bool is_known;
	uid_t uid;
	gid_t gid;
	size_t name_len;
	size_t home_len;
};

/* Appends the answer to `to`. */
static void ask(const struct nss *nss, const char *name, struct bytes *to)
{
	struct bytes memory = {0};
	struct passwd entry;
	struct passwd *found = NULL;
	struct answer answer = {0};
	for (size_t size = ENTRY_AT_FIRST; size <= ENTRY_MAX; size *= 4) {
		bytes_reserve(&memory, size);
		do {
			found = NULL;
			answer.error =
			    nss->getpwnam(name, &entry, memory.data, memory.capacity, &found);
		} while (answer.error == EINTR);
		if (answer.error != ERANGE)
			break;
	}
	if (found != NULL) {
		answer = (struct answer){0, true, entry.pw_uid, entry.pw_gid, strlen(entry.pw_name),
		    entry.pw_dir == NULL ? 0 : strlen(entry.pw_dir)};
		bytes_append(to, &answer, sizeof(answer));
		bytes_append(to, entry.pw_name, answer.name_len);
		bytes_append(to, entry.pw_dir, answer.home_len);
	} else {
		bytes_append(to, &answer, sizeof(answer));
	}
	bytes_clear(&memory);
}

static bool take_answer(struct arena *arena, struct span bytes, const char *name,
    struct nss_user *user_out, struct status *status)
{
	struct answer answer;
	if (bytes.len < sizeof(answer))
		return status_fail(status, CAUSE_CANNOT_TELL,
		    "passwd: the process that asks for \"%s\" died", name);
	memcpy(&answer, bytes.data, sizeof(answer));
	struct span texts = span_from(bytes, sizeof(answer));
	if (answer.name_len > texts.len || answer.home_len != texts.len - answer.name_len)
		return status_fail(
		    status, CAUSE_CANNOT_TELL, "passwd: half an answer for \"%s\"", name);
	if (answer.error != 0)
		return status_errno(
		    status, CAUSE_CANNOT_TELL, answer.error, "passwd: look up \"%s\"", name);
	texts = arena_span(arena, texts);
	*user_out = (struct nss_user){answer.is_known, answer.uid, answer.gid,
	    span_first(texts, answer.name_len), span_from(texts, answer.name_len)};
	return true;
}

/* -- asking with a time limit ------------------------------------------------------------------ */

/* The child must not keep open what others wait to see closed (the MTA's pipe, our status). */
static _Noreturn void run_child(const struct nss *nss, const char *name, int pipe_fd)
{
	struct bytes answer = {0};
#ifdef PR_SET_PDEATHSIG
	prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	int nowhere = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(nowhere, fd);
	dup2(pipe_fd, 3);
#ifdef HAVE_CLOSE_RANGE
	close_range(4, ~0U, 0);
#else
	for (int fd = 4; fd < sysconf(_SC_OPEN_MAX); fd++)
		close(fd);
#endif
	ask(nss, name, &answer);
	_exit(file_write_all(3, answer.data, answer.len) == 0 ? 0 : 1);
}

enum reading { READING_DONE, READING_TIMED_OUT, READING_ERROR };

static enum reading read_answer(int fd, int64_t deadline_ms, struct bytes *answer)
{
	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int ready = poll(&wait, 1, clock_left_ms(deadline_ms));
		if (ready == 0)
			return READING_TIMED_OUT;
		if (ready < 0 && errno == EINTR)
			continue;
		ssize_t got = ready < 0 ? -1 : read(fd, bytes_reserve(answer, 1024), 1024);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || answer->len > ENTRY_MAX)
			return READING_ERROR;
		if (got == 0)
			return READING_DONE;
		answer->len += (size_t)got;
	}
}

/* A child that hangs in the kernel does not even die of SIGKILL at once; it is not waited for,
 * and init buries it after us. */
static void end_child(pid_t pid, enum reading reading)
{
	if (reading == READING_DONE) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return;
	}
	kill(pid, SIGKILL);
	for (int tries = 0; tries < 20 && waitpid(pid, NULL, WNOHANG) == 0; tries++)
		usleep(1000);
}

static bool ask_child(const struct nss *nss, struct arena *arena, const char *name,
    uint64_t timeout_ms, struct nss_user *user_out, struct status *status)
{
	int ends[2];
	struct bytes answer = {0};
	if (pipe2(ends, O_CLOEXEC) != 0)
		return status_errno(status, CAUSE_INTERNAL, errno, "passwd: make a pipe");
	int64_t deadline_ms =
	    clock_monotonic_ms() + (int64_t)(timeout_ms < INT_MAX ? timeout_ms : INT_MAX);
	pid_t pid = fork();
	if (pid == 0)
		run_child(nss, name, ends[1]);
	int error = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return status_errno(status, CAUSE_INTERNAL, error, "passwd: fork");
	}
	enum reading reading = read_answer(ends[0], deadline_ms, &answer);
	error = errno;
	close(ends[0]);
	end_child(pid, reading);
	bool done =
	    reading == READING_DONE
	        ? take_answer(arena, bytes_span(&answer), name, user_out, status)
	    : reading == READING_TIMED_OUT
	        ? status_fail(status, CAUSE_CANNOT_TELL,
	              "passwd: no answer for \"%s\" within %" PRIu64 " ms", name, timeout_ms)
	        : status_errno(status, CAUSE_CANNOT_TELL, error, "passwd: read an answer");
	bytes_clear(&answer);
	return done;
}

bool nss_find(const struct nss *nss, struct arena *arena, const char *name, uint64_t timeout_ms,
    struct nss_user *user_out, struct status *status)
{
	if (timeout_ms > 0)
		return ask_child(nss, arena, name, timeout_ms, user_out, status);
	struct bytes answer = {0};
	ask(nss, name, &answer);
	bool done = take_answer(arena, bytes_span(&answer), name, user_out, status);
	bytes_clear(&answer);
	return done;
}
