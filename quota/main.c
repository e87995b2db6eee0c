/* main.c - mailquota: shows and recalculates the quotas of mailboxes.
 *
 * Each mailbox is looked at by a process of its own: as root it becomes the user, and there is no
 * way back. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "deliver/pipeline_errands.h"
#include "deliver/settings.h"
#include "quota/report.h"
#include "users/users.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS ((int64_t)24 * 3600 * 1000)

enum { EXIT_GOOD, EXIT_SOME_FAILED, EXIT_USAGE };

static const char usage_text[] = "usage: mailquota [-c FILE] [--json] show USER... | -A\n"
                                 "       mailquota [-c FILE] [--json] recalc USER... | -A\n"
                                 "       mailquota --help | --version\n"
                                 "\n"
                                 "  show        how much is used, and how much may be\n"
                                 "  recalc      the same after counting the mailbox\n"
                                 "  -A          all users\n"
                                 "  -c FILE     another configuration than " LADLE_CONFIG_FILE "\n"
                                 "  --json      one object on a line for each user\n";

struct command {
	const char *config_path;
	bool is_anew;
	bool is_json;
	bool is_for_all;
	bool wants_help;
	bool wants_version;
	char **users;
	size_t user_count;
};

static bool parse_command(int argc, char **argv, struct command *out)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0}};
	int option;
	*out = (struct command){0};
	while ((option = getopt_long(argc, argv, "Ac:", options, NULL)) != -1) {
		switch (option) {
		case 'A':
			out->is_for_all = true;
			break;
		case 'c':
			out->config_path = optarg;
			break;
		case 'j':
			out->is_json = true;
			break;
		case 'h':
			out->wants_help = true;
			break;
		case 'v':
			out->wants_version = true;
			break;
		default:
			return false;
		}
	}
	if (out->wants_help || out->wants_version)
		return true;
	if (optind >= argc)
		return false;
	out->is_anew = strcmp(argv[optind], "recalc") == 0;
	out->users = argv + optind + 1;
	out->user_count = (size_t)(argc - optind - 1);
	return (out->is_anew || strcmp(argv[optind], "show") == 0) &&
	       out->is_for_all == (out->user_count == 0);
}

/* -- one mailbox ------------------------------------------------------------------------- */

/* What comes through the pipe. */
struct answer {
	bool is_good;
	struct quota_usage usage;
	struct quota_limit limit;
	struct status status;
};

static void look(
    const struct settings *settings, struct span user, bool is_anew, struct answer *answer_out)
{
	struct pipeline_call call = {.front = "mailquota",
	    .id = "mailquota",
	    .deadline_ms = clock_monotonic_ms() + PATIENCE_MS};
	struct pipeline_recipient recipient = {
	    .envelope.address = {.text = user, .local = user, .domain = SPAN("")},
	    .user_name = user};
	struct pipeline *pipeline = pipeline_open(settings, &answer_out->status);
	answer_out->is_good =
	    pipeline != NULL && pipeline_quota(pipeline, &call, &recipient, is_anew,
	                            &answer_out->usage, &answer_out->limit, &answer_out->status);
	pipeline_close(&pipeline);
}

/* False: what went wrong is in the status, or nothing came at all. */
static bool read_answer(int fd, struct answer *out)
{
	char *at = (char *)out;
	size_t left = sizeof(*out);
	while (left > 0) {
		ssize_t got = read(fd, at, left);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return status_fail(
			    &out->status, CAUSE_INTERNAL, "the process that looked has died");
		at += got;
		left -= (size_t)got;
	}
	return out->is_good;
}

static bool ask(const struct settings *settings, struct span user, bool is_anew, struct answer *out)
{
	int ends[2];
	*out = (struct answer){0};
	if (pipe(ends) != 0)
		return status_errno(&out->status, CAUSE_INTERNAL, errno, "make a pipe");
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		look(settings, user, is_anew, out);
		_exit(file_write_all(ends[1], out, sizeof(*out)) == 0 ? 0 : 1);
	}
	int error = errno;
	close(ends[1]);
	bool is_good = child > 0 ? read_answer(ends[0], out)
	                         : status_errno(&out->status, CAUSE_INTERNAL, error, "fork");
	close(ends[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return is_good;
}

/* -- all that were asked for ------------------------------------------------------------- */

struct run {
	struct arena *arena;
	const struct command *command;
	const struct settings *settings;
	struct span *users;
	size_t user_count;
	bool has_failed;
};

static const char *reason(const struct status *status)
{
	return status->detail[0] != '\0' ? status->detail : status->text;
}

static bool note_user(void *context, const struct user *user)
{
	struct run *run = context;
	if ((run->user_count & (run->user_count - 1)) == 0) {
		size_t room = run->user_count == 0 ? 1 : 2 * run->user_count;
		struct span *users = arena_new_items(run->arena, room, sizeof(*users));
		if (run->user_count > 0)
			memcpy(users, run->users, run->user_count * sizeof(*users));
		run->users = users;
	}
	run->users[run->user_count++] = arena_span(run->arena, user->name);
	return true;
}

static bool find_all(struct run *run)
{
	struct status status;
	struct pipeline *pipeline = pipeline_open(run->settings, &status);
	if (pipeline == NULL) {
		fprintf(stderr, "mailquota: %s\n", reason(&status));
		return false;
	}
	if (!pipeline_walk(pipeline, note_user, run, &status)) {
		fprintf(stderr, "mailquota: not all users: %s\n", reason(&status));
		run->has_failed = true;
	}
	pipeline_close(&pipeline);
	return true;
}

static void take_arguments(struct run *run)
{
	run->user_count = run->command->user_count;
	run->users = arena_new_items(run->arena, run->user_count, sizeof(*run->users));
	for (size_t i = 0; i < run->user_count; i++)
		run->users[i] = span_of(run->command->users[i]);
}

static void print(struct bytes *text)
{
	if (text->len > 0)
		fwrite(text->data, 1, text->len, stdout);
	fflush(stdout);
	bytes_reset(text);
}

static void report_all(struct run *run)
{
	struct quota_report_row *rows = arena_new_items(run->arena, run->user_count, sizeof(*rows));
	struct bytes text = {0};
	for (size_t i = 0; i < run->user_count; i++) {
		struct answer answer;
		rows[i].user = run->users[i];
		rows[i].has_figures =
		    ask(run->settings, run->users[i], run->command->is_anew, &answer);
		rows[i].usage = answer.usage;
		rows[i].limit = answer.limit;
		if (!rows[i].has_figures) {
			run->has_failed = true;
			rows[i].trouble = arena_span(run->arena, span_of(reason(&answer.status)));
			fprintf(stderr, "mailquota: %.*s: %s\n", (int)rows[i].user.len,
			    rows[i].user.data, reason(&answer.status));
		}
		if (run->command->is_json) {
			quota_report_json(&text, &rows[i]);
			print(&text);
		}
	}
	if (!run->command->is_json) {
		quota_report_table(&text, rows, run->user_count);
		print(&text);
	}
	bytes_clear(&text);
}

static int work(const struct command *command)
{
	struct status status;
	struct settings *settings = settings_load(command->config_path, &status);
	int result = EXIT_USAGE;
	struct run run = {.arena = arena_new(), .command = command, .settings = settings};
	if (settings == NULL) {
		fprintf(stderr, "mailquota: %s\n", reason(&status));
	} else if (!command->is_for_all || find_all(&run)) {
		if (!command->is_for_all)
			take_arguments(&run);
		report_all(&run);
		result = run.has_failed || ferror(stdout) ? EXIT_SOME_FAILED : EXIT_GOOD;
	}
	arena_free(&run.arena);
	settings_free(&settings);
	return result;
}

int main(int argc, char **argv)
{
	struct command command;
	if (!parse_command(argc, argv, &command)) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	if (command.wants_help || command.wants_version) {
		fputs(command.wants_help ? usage_text : "mailquota (ladle) " PACKAGE_VERSION "\n",
		    stdout);
		return EXIT_GOOD;
	}
	(void)log_open("stderr", "mailquota", LOG_LEVEL_WARNING);
	return work(&command);
}
