/* program.c - a script's message or text through a program of the site's.
 *
 * Line ends are made what the program expects on the way; nothing is copied on disk. Knows nothing
 * of who may run what. */
#include "mail/program.h"

#include "base/spawn.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)8192)

/* What flows in and out while it runs. */
struct flow {
	const struct program_request *request;
	uint64_t offset; /* in message or input */
	char chunk[CHUNK_BYTES];
	size_t chunk_len;
	size_t chunk_done;
	bool has_cr;      /* the byte before was a CR */
	bool has_pending; /* and was not written yet */
	bool is_at_end;
	uint64_t taken_bytes;
	struct bytes *output;
	struct status *status;
	bool has_trouble;
};

static bool read_descriptor(struct flow *flow)
{
	ssize_t got;
	do {
		got = read(flow->request->input_fd, flow->chunk, CHUNK_BYTES);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return status_errno(flow->status, CAUSE_INTERNAL, errno, "read what is piped");
	flow->chunk_len = (size_t)got;
	return true;
}

static bool read_chunk(struct flow *flow)
{
	const struct program_request *request = flow->request;
	flow->chunk_done = 0;
	flow->chunk_len = 0;
	if (request->input_fd > 0) {
		if (!read_descriptor(flow)) {
			flow->has_trouble = true;
			return false;
		}
	} else if (request->message == NULL) {
		struct span rest = span_from(request->input, (size_t)flow->offset);
		flow->chunk_len = rest.len < CHUNK_BYTES ? rest.len : CHUNK_BYTES;
		if (flow->chunk_len > 0)
			memcpy(flow->chunk, rest.data, flow->chunk_len);
	} else if (!message_read(request->message, flow->offset, flow->chunk, CHUNK_BYTES,
	               &flow->chunk_len, flow->status)) {
		flow->has_trouble = true;
		return false;
	}
	flow->offset += flow->chunk_len;
	flow->is_at_end = flow->chunk_len == 0;
	return true;
}

/* One byte of input as up to two in `data`. */
static size_t put_byte(struct flow *flow, char byte, char *data)
{
	size_t len = 0;
	bool wants_crlf = flow->request->has_crlf;
	if (flow->has_pending && byte != '\n')
		data[len++] = '\r';
	flow->has_pending = !wants_crlf && byte == '\r';
	if (wants_crlf && byte == '\n' && !flow->has_cr)
		data[len++] = '\r';
	if (!flow->has_pending)
		data[len++] = byte;
	flow->has_cr = byte == '\r';
	return len;
}

static ssize_t feed(void *context, char *data, size_t len)
{
	struct flow *flow = context;
	size_t done = 0;
	while (done + 2 <= len && !flow->is_at_end) {
		if (flow->chunk_done == flow->chunk_len && !read_chunk(flow))
			return -1;
		if (flow->is_at_end && flow->has_pending) {
			data[done++] = '\r';
			flow->has_pending = false;
		} else if (!flow->is_at_end) {
			done += put_byte(flow, flow->chunk[flow->chunk_done++], data + done);
		}
	}
	return (ssize_t)done;
}

static bool take(void *context, const char *data, size_t len)
{
	struct flow *flow = context;
	flow->taken_bytes += len;
	if (flow->taken_bytes > flow->request->output_limit)
		return false;
	if (flow->request->output == NULL) {
		bytes_append(flow->output, data, len);
		return true;
	}
	flow->has_trouble = !spool_append(flow->request->output, data, len, flow->status);
	return !flow->has_trouble;
}

/* The name may come from a file of the user's, so it is looked at here too. */
static const char *find_fault(const struct action_program *program, const char *path)
{
	struct stat found;
	if (program->name.len == 0 || span_find(program->name, '/') < program->name.len ||
	    span_find(program->name, '\0') < program->name.len)
		return "that is no name of a program";
	if (lstat(path, &found) != 0)
		return strerror(errno);
	if (!S_ISREG(found.st_mode))
		return "no regular file";
	if ((found.st_mode & S_IWOTH) != 0)
		return "everybody may write it";
	return NULL;
}

static const char *path_of(
    struct arena *arena, const char *directory, const struct action_program *program)
{
	return arena_textf(arena, "%s/%.*s", directory, (int)program->name.len, program->name.data);
}

const char *program_fault(
    struct arena *arena, const char *directory, const struct action_program *program)
{
	return find_fault(program, path_of(arena, directory, program));
}

static const char *const *make_argv(
    struct arena *arena, const char *path, const struct action_program *program)
{
	const char **argv =
	    arena_new_items(arena, program->argument_count + 2, sizeof(const char *));
	argv[0] = path;
	for (size_t i = 0; i < program->argument_count; i++)
		argv[i + 1] = arena_text(arena, program->arguments[i]);
	return argv;
}

static enum program_end conclude(
    const struct flow *flow, const struct spawn_result *result, const char *path)
{
	struct status *status = flow->status;
	switch (result->end) {
	case SPAWN_EXITED:
		if (result->code == 0)
			return PROGRAM_DONE;
		status_detail(status, "program %s: exit status %d", path, result->code);
		return PROGRAM_FAILED;
	case SPAWN_SIGNALLED:
		status_detail(status, "program %s: signal %d", path, result->code);
		return PROGRAM_FAILED;
	case SPAWN_TIMED_OUT:
		status_detail(status, "program %s: it took too long", path);
		return PROGRAM_FAILED;
	case SPAWN_NOT_TAKEN:
		if (flow->has_trouble)
			return PROGRAM_TROUBLE;
		status_detail(status, "program %s: it wrote more than %zu bytes", path,
		    flow->request->output_limit);
		return PROGRAM_FAILED;
	case SPAWN_NOT_FED:
		return PROGRAM_TROUBLE;
	case SPAWN_NOT_STARTED:
		break;
	}
	status_detail(status, "program %s: cannot be started: %s", path, strerror(result->code));
	return result->code == EACCES || result->code == ENOENT || result->code == ENOEXEC
	           ? PROGRAM_UNKNOWN
	           : PROGRAM_TROUBLE;
}

enum program_end program_run(
    const struct program_request *request, struct bytes *output_out, struct status *status)
{
	struct arena *arena = arena_new();
	const char *path = path_of(arena, request->directory, request->program);
	const char *fault = find_fault(request->program, path);
	enum program_end end = PROGRAM_UNKNOWN;
	*status = (struct status){.cause = CAUSE_CONFIGURATION};
	if (fault != NULL) {
		status_detail(status, "program %s: %s", path, fault);
	} else {
		struct flow *flow = ARENA_NEW(arena, struct flow);
		*flow = (struct flow){.request = request, .output = output_out, .status = status};
		const struct spawn_request spawn = {
		    .argv = make_argv(arena, path, request->program),
		    .env = request->env,
		    .directory = request->work_directory,
		    .feed = feed,
		    .take = take,
		    .context = flow,
		    .deadline_ms = request->deadline_ms,
		};
		struct spawn_result result;
		spawn_run(&spawn, &result);
		end = conclude(flow, &result, path);
		bytes_clear(&result.output);
	}
	arena_free(&arena);
	return end;
}

const char *const *program_environment(
    struct arena *arena, const char *const *names, const struct span *values)
{
	size_t count = 0;
	while (names[count] != NULL)
		count++;
	const char **env = arena_new_items(arena, count + 2, sizeof(const char *));
	size_t used = 0;
	env[used++] = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
	for (size_t i = 0; i < count; i++) {
		if (values[i].data != NULL)
			env[used++] = arena_textf(
			    arena, "%s=%.*s", names[i], (int)values[i].len, values[i].data);
	}
	return env;
}
