/* cmd_filter.c - sieve-lite filter [-n] SCRIPT MAILDIR: a script over mail that is already there.
 *
 * A message leaves its place only when it is durable where the script files it: it gets a second
 * name there (or is written, where the script changed it), everything is synced, and only then
 * the first name goes. So a crash leaves a message twice, never not at all. What cannot be done
 * to mail that arrived long ago (redirect, reject, vacation and the like) is told and not done,
 * and what a script discards is moved to the trash. Messages are taken in batches, so that many
 * share one sync. */
#include "sieve-lite/cmd.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "mail/header.h"
#include "sieve-lite/limits.h"
#include "sieve-lite/mail_file.h"
#include "sieve-lite/report.h"
#include "sieve-lite/script_dirs.h"
#include "store/maildir_name.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_MAX 32
#define COPIES_MAX 34 /* more than a script has actions */
#define FLAGS_MAX 64
#define BAR_WIDTH 30

struct options {
	bool is_dry;
	bool is_deleting; /* what is discarded is removed, not moved to the trash */
	const char *folder;
	const char *trash;
	const char *script;
	const char *maildir;
};

struct tally {
	size_t seen;
	size_t filed;
	size_t changed; /* flags or text */
	size_t discarded;
	size_t troubled;
};

struct session {
	struct options options;
	struct arena *arena;
	const struct sieve_script *script;
	const char *root;   /* absolute */
	struct span source; /* the folder whose mail it is, canonical */
	const char *directory;
	const char **names; /* of the files, "cur/NAME" */
	size_t name_count;
	bool has_bar;
	struct tally tally;
};

/* A message whose copies are under way. */
struct item {
	const char *name;
	const char *path;
	struct store_copy *copies[COPIES_MAX];
	size_t copy_count;
	size_t published_count;
	bool has_failed;
	bool goes; /* from where it was */
	bool is_filed;
	bool is_discarded;
	bool is_changed;
	const char *new_name; /* null: its flags stay */
};

struct batch {
	struct session *session;
	struct arena *arena;
	struct store *store;
	struct item items[BATCH_MAX];
	size_t count;
};

static int trouble(const char *what, const char *why)
{
	fprintf(stderr, "sieve-lite: %s: %s\n", what, why);
	return CMD_TROUBLE;
}

/* -- One message: what the script says --------------------------------------------------------- */

static enum sieve_answer mailbox_exists(void *context, struct span name)
{
	struct batch *batch = context;
	struct span folder;
	struct status why;
	if (!store_folder_name(batch->arena, batch->store, name, &folder, &why))
		return SIEVE_NO;
	enum store_answer answer = store_has_folder(batch->store, folder, &why);
	return answer == STORE_YES ? SIEVE_YES : answer == STORE_NO ? SIEVE_NO : SIEVE_CANNOT_TELL;
}

static bool run_script_over(
    struct batch *batch, const struct mail_file *mail, struct sieve_result *result_out)
{
	const struct sieve_host host = {.context = batch, .mailbox_exists = mailbox_exists};
	const struct sieve_input input = {.message = &mail->message,
	    .envelope = &mail->envelope,
	    .recipient = &mail->recipient,
	    .recipient_delimiter = "+",
	    .now = clock_now(),
	    .host = &host};
	*result_out = (struct sieve_result){0};
	return sieve_run(batch->arena, batch->session->script, &input, result_out) == SIEVE_DONE;
}

/* -- One message: what comes of it ------------------------------------------------------------- */

static void say(const struct batch *batch, const struct item *item, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct batch *batch, const struct item *item, const char *format, ...)
{
	va_list args;
	if (batch->session->has_bar)
		fputs("\r\033[K", stderr);
	va_start(args, format);
	printf("%s: ", item->name);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

static bool fail(struct batch *batch, struct item *item, const char *why)
{
	item->has_failed = true;
	say(batch, item, "left where it is: %s", why);
	return false;
}

static size_t join_flags(const struct item *item, const struct action *action, struct span *flags)
{
	size_t count = maildir_flags_of(span_of(item->name), flags);
	for (size_t i = 0; i < action->flag_count && i < FLAGS_MAX - MAILDIR_FLAG_COUNT; i++)
		flags[count++] = action->flags[i];
	return count;
}

static void file_copy(struct batch *batch, struct item *item, const struct mail_file *mail,
    const struct action *action, struct span folder, bool may_create)
{
	struct span flags[FLAGS_MAX];
	struct status status;
	bool is_changed = action->message != NULL;
	struct store_request request = {
	    .message = is_changed ? action->message : &mail->message,
	    .folder = folder,
	    .may_create = may_create,
	    .flags = flags,
	    .flag_count = join_flags(item, action, flags),
	    .times_of = item->path,
	    .is_same_file = !is_changed,
	    .is_one_of_many = true,
	};
	if (batch->session->options.is_dry || item->has_failed)
		return;
	struct store_copy *copy = store_write(batch->store, &request, &status);
	if (copy == NULL)
		fail(batch, item, status.detail);
	else
		item->copies[item->copy_count++] = copy;
}

/* Gives it the flags beside those it has; null where it has them all. */
static const char *flagged_name(
    struct arena *arena, const struct item *item, const struct action *keep)
{
	struct span flags[FLAGS_MAX];
	char before[MAILDIR_FLAGS_SIZE];
	char after[MAILDIR_FLAGS_SIZE];
	struct span name = span_of(strchr(item->name, '/') + 1);
	maildir_flag_letters(flags, maildir_flags_of(name, flags), before);
	maildir_flag_letters(flags, join_flags(item, keep, flags), after);
	if (strcmp(before, after) == 0)
		return NULL;
	/* Letters that stand for keywords stay too. */
	size_t colon = span_find(name, ':');
	struct span old = span_from(name, colon + 3);
	struct bytes new_name = {0};
	bytes_appendf(&new_name, "cur/%.*s:2,%s", (int)colon, name.data, after);
	for (size_t i = 0; i < old.len; i++) {
		if (old.data[i] >= 'a' && old.data[i] <= 'z')
			bytes_append_byte(&new_name, old.data[i]);
	}
	const char *text = arena_text(arena, bytes_span(&new_name));
	bytes_clear(&new_name);
	return text;
}

static void keep_it(
    struct batch *batch, struct item *item, const struct mail_file *mail, const struct action *keep)
{
	if (keep->message != NULL) {
		say(batch, item, "changed by the script");
		file_copy(batch, item, mail, keep, batch->session->source, false);
		item->goes = item->is_changed = true;
	} else if ((item->new_name = flagged_name(batch->arena, item, keep)) != NULL) {
		item->is_changed = true;
		say(batch, item, "flagged");
	}
}

/* False: it goes where keep goes. */
static bool file_it(struct batch *batch, struct item *item, const struct mail_file *mail,
    const struct action *action)
{
	struct span folder;
	struct status status;
	if (!store_folder_name(batch->arena, batch->store, action->folder, &folder, &status)) {
		say(batch, item, "%s; kept", status.detail);
		return false;
	}
	if (span_equals(folder, batch->session->source))
		return false;
	say(batch, item, "filed into \"%.*s\" (%s:%u)", (int)action->folder.len,
	    action->folder.data, action->origin.script, action->origin.line);
	file_copy(batch, item, mail, action, folder, true);
	return true;
}

static void discard_it(struct batch *batch, struct item *item, const struct mail_file *mail)
{
	const struct options *options = &batch->session->options;
	struct span trash;
	struct status status;
	if (!options->is_deleting && !store_folder_name(batch->arena, batch->store,
	                                 span_of(options->trash), &trash, &status)) {
		fail(batch, item, status.detail);
		return;
	}
	if (!options->is_deleting && span_equals(trash, batch->session->source))
		return;
	say(batch, item, options->is_deleting ? "discarded: removed" : "discarded: moved to \"%s\"",
	    options->trash);
	item->is_discarded = item->goes = true;
	if (!options->is_deleting)
		file_copy(batch, item, mail, &(const struct action){0}, trash, true);
}

static void carry_out(struct batch *batch, struct item *item, const struct mail_file *mail,
    const struct sieve_result *result)
{
	const struct action *keep = result->implicit_keep ? &result->keep : NULL;
	bool is_undone = false;
	for (const struct action *action = result->actions.first; action != NULL;
	     action = action->next) {
		if (action->kind == ACTION_KEEP) {
			keep = action;
		} else if (action->kind == ACTION_FILEINTO && action->letter != NULL) {
			/* A copy of what is not sent. */
			continue;
		} else if (action->kind == ACTION_FILEINTO) {
			if (item->copy_count == COPIES_MAX - 1)
				fail(batch, item, "it is filed too often");
			else if (file_it(batch, item, mail, action))
				item->is_filed = true;
			else
				keep = action;
		} else if (action->kind != ACTION_DISCARD) {
			say(batch, item, "%s is not done to mail that is already here (%s:%u)",
			    action_name(action), action->origin.script, action->origin.line);
			is_undone = true;
		}
	}
	if (keep != NULL)
		keep_it(batch, item, mail, keep);
	else if (item->is_filed)
		item->goes = true;
	else if (!is_undone)
		discard_it(batch, item, mail);
}

static void take_message(struct batch *batch, const char *name)
{
	struct session *session = batch->session;
	struct item *item = &batch->items[batch->count++];
	struct mail_file mail = {0};
	struct sieve_result result;
	struct status status;
	*item = (struct item){
	    .name = name, .path = arena_textf(batch->arena, "%s/%s", session->directory, name)};
	session->tally.seen++;
	int fd = open(item->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		batch->count--; /* its reader moved it, or gave it flags: it has been seen */
		return;
	}
	if (fd < 0)
		fail(batch, item, strerror(errno));
	else if (!mail_file_read(batch->arena, fd, &mail, &status))
		fail(batch, item, status.detail);
	else if (!run_script_over(batch, &mail, &result))
		fail(batch, item,
		    result.errors.first != NULL ? result.errors.first->message
		                                : "the script failed");
	else
		carry_out(batch, item, &mail, &result);
	file_close(&fd);
	mail_file_free(&mail);
}

/* -- A batch: making it durable ---------------------------------------------------------------- */

typedef bool copy_step(struct store_copy *copy, struct status *status);

static void take_step(struct batch *batch, copy_step *step)
{
	struct status status;
	for (size_t i = 0; i < batch->count; i++) {
		struct item *item = &batch->items[i];
		for (size_t k = 0; k < item->copy_count && !item->has_failed; k++) {
			if (!step(item->copies[k], &status))
				fail(batch, item, status.detail);
			else if (step == store_publish)
				item->published_count++;
		}
	}
}

static void end_copies(struct item *item)
{
	for (size_t k = 0; k < item->copy_count; k++) {
		if (item->has_failed && k < item->published_count)
			(void)store_withdraw(item->copies[k]);
		store_abandon(&item->copies[k]);
	}
}

/* All copies are durable: the message may leave its place. */
static void leave(struct batch *batch, struct item *item)
{
	const char *directory = batch->session->directory;
	if (item->new_name != NULL &&
	    rename(item->path, arena_textf(batch->arena, "%s/%s", directory, item->new_name)) != 0)
		fail(batch, item, strerror(errno));
	if (item->goes && unlink(item->path) != 0)
		say(batch, item, "its reader renamed it meanwhile: now it is there twice");
}

static void add_up(struct tally *tally, const struct item *item)
{
	tally->troubled += item->has_failed;
	tally->filed += item->is_filed && !item->has_failed;
	tally->discarded += item->is_discarded && !item->has_failed;
	tally->changed += item->is_changed && !item->has_failed;
}

static void finish_batch(struct batch *batch)
{
	static copy_step *const steps[] = {store_sync, store_publish, store_commit};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		take_step(batch, steps[i]);
	for (size_t i = 0; i < batch->count; i++) {
		struct item *item = &batch->items[i];
		if (!item->has_failed && !batch->session->options.is_dry)
			leave(batch, item);
		end_copies(item);
		add_up(&batch->session->tally, item);
	}
	batch->count = 0;
}

/* -- All messages ------------------------------------------------------------------------------ */

static void show_progress(const struct session *session)
{
	size_t done = session->tally.seen;
	size_t total = session->name_count;
	int filled = total == 0 ? 0 : (int)(done * BAR_WIDTH / total);
	if (!session->has_bar)
		return;
	fprintf(stderr, "\r[%.*s%*s] %zu of %zu", filled, "##############################",
	    BAR_WIDTH - filled, "", done, total);
	if (done == total)
		fputs("\r\033[K", stderr);
}

static bool open_store(struct session *session, struct batch *batch)
{
	struct store_options *options = ARENA_NEW(batch->arena, struct store_options);
	struct status status;
	*options = (struct store_options){
	    .location = arena_textf(batch->arena, "maildir:%s", session->root),
	    .autocreate = true,
	    .autosubscribe = true,
	    .separator = '.',
	};
	batch->store = store_open(batch->arena, options, &status);
	return batch->store != NULL || trouble(session->root, status.detail) == CMD_OK;
}

static bool filter_all(struct session *session)
{
	struct batch batch = {.session = session};
	for (size_t at = 0; at < session->name_count;) {
		batch.arena = arena_new();
		if (!open_store(session, &batch)) {
			arena_free(&batch.arena);
			return false;
		}
		size_t end =
		    at + BATCH_MAX < session->name_count ? at + BATCH_MAX : session->name_count;
		for (; at < end; at++) {
			take_message(&batch, session->names[at]);
			show_progress(session);
		}
		finish_batch(&batch);
		store_close(&batch.store);
		arena_free(&batch.arena);
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Adds the files of new/ or cur/. */
static bool list_files(struct session *session, const char *part)
{
	const char *path = arena_textf(session->arena, "%s/%s", session->directory, part);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return trouble(path, strerror(errno)) == CMD_OK;
	struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if ((session->name_count & (session->name_count - 1)) == 0)
			session->names = memory_resize(session->names,
			    (session->name_count == 0 ? 1 : 2 * session->name_count) *
			        sizeof(session->names[0]));
		session->names[session->name_count++] =
		    arena_textf(session->arena, "%s/%s", part, entry->d_name);
	}
	closedir(dir);
	return true;
}

/* The mailbox as absolute path and the folder whose mail it is. */
static bool find_folder(struct session *session)
{
	struct batch batch = {.session = session, .arena = session->arena};
	struct status status;
	char *root = realpath(session->options.maildir, NULL);
	if (root == NULL)
		return trouble(session->options.maildir, strerror(errno)) == CMD_OK;
	session->root = arena_text(session->arena, span_of(root));
	free(root);
	if (!open_store(session, &batch))
		return false;
	bool is_named = store_folder_name(session->arena, batch.store,
	    span_of(session->options.folder), &session->source, &status);
	store_close(&batch.store);
	if (!is_named)
		return trouble(session->options.folder, status.detail) == CMD_OK;
	session->directory = session->source.len == 0
	                         ? session->root
	                         : arena_textf(session->arena, "%s/%s", session->root,
	                               maildir_disk_name(session->arena, false, session->source));
	return true;
}

static int compile(struct session *session)
{
	struct bytes source = {0};
	struct bytes report = {0};
	struct sieve_errors errors = {0};
	const char *path = session->options.script;
	const char *directory = script_dirs_of(session->arena, path);
	struct script_dirs dirs = {directory, directory};
	const struct sieve_compile_options options = {.name = path,
	    .abilities = SIEVE_CAN_EVERYTHING & ~(unsigned)SIEVE_CAN_RUN_PROGRAMS,
	    .finds_warnings = true,
	    .load_context = &dirs,
	    .load = script_dirs_load};
	if (file_read_path(path, LIMIT_SCRIPT_BYTES, &source, NULL) != 0)
		return trouble(path, strerror(errno));
	session->script = sieve_compile(session->arena, bytes_span(&source), &options, &errors);
	for (const struct sieve_error *error = errors.first; error != NULL; error = error->next)
		report_error(&report, error, path, bytes_span(&source));
	if (report.len > 0)
		fwrite(report.data, 1, report.len, stderr);
	bytes_clear(&report);
	bytes_clear(&source);
	return session->script != NULL ? CMD_OK : CMD_BAD;
}

static bool read_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
	    {"trash", required_argument, NULL, 't'}, {"delete", no_argument, NULL, 'x'}, {0}};
	int letter;
	*options = (struct options){.folder = "INBOX", .trash = "Trash"};
	while ((letter = getopt_long(argc, argv, "nm:", names, NULL)) != -1) {
		switch (letter) {
		case 'n':
			options->is_dry = true;
			break;
		case 'm':
			options->folder = optarg;
			break;
		case 't':
			options->trash = optarg;
			break;
		case 'x':
			options->is_deleting = true;
			break;
		default:
			return false;
		}
	}
	if (argc - optind != 2)
		return false;
	options->script = argv[optind];
	options->maildir = argv[optind + 1];
	return true;
}

static int filter(struct session *session)
{
	const struct tally *tally = &session->tally;
	int result = compile(session);
	if (result != CMD_OK)
		return result;
	if (!find_folder(session) || !list_files(session, "cur") || !list_files(session, "new"))
		return CMD_TROUBLE;
	qsort(session->names, session->name_count, sizeof(session->names[0]), by_name);
	session->has_bar = isatty(STDERR_FILENO);
	if (!filter_all(session))
		return CMD_TROUBLE;
	printf("%zu messages: %zu filed, %zu discarded, %zu changed, %zu left for trouble%s\n",
	    tally->seen, tally->filed, tally->discarded, tally->changed, tally->troubled,
	    session->options.is_dry ? " (nothing was done: -n)" : "");
	return tally->troubled == 0 ? CMD_OK : CMD_BAD;
}

int cmd_filter(int argc, char **argv)
{
	struct session session = {0};
	if (!read_options(argc, argv, &session.options)) {
		fputs("usage: sieve-lite filter [-n] [-m folder] [--trash folder | --delete]\n"
		      "                         SCRIPT MAILDIR\n",
		    stderr);
		return CMD_TROUBLE;
	}
	session.arena = arena_new();
	int result = filter(&session);
	free(session.names);
	arena_free(&session.arena);
	return result;
}
