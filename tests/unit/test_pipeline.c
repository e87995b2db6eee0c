#include "deliver/pipeline_errands.h"
#include "deliver/settings.h"
#include "tests/unit/unit.h"

#include "base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The real engines on a private directory, as whoever runs the tests; root, who gets no mail,
 * becomes somebody first. */
static struct room {
	char top[64];
	struct arena *arena;
	struct settings *settings;
	struct pipeline *pipeline;
	struct envelope envelope;
	struct pipeline_recipient recipients[80];
	struct status statuses[80];
	struct status status;
} room;

static const char *in_room(const char *name)
{
	return arena_textf(room.arena, "%s/%s", room.top, name);
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(in_room(name), "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static struct span contents(const char *name)
{
	char *text = arena_new_items(room.arena, 65536, 1);
	FILE *file = fopen(in_room(name), "r");
	if (file == NULL)
		return (struct span){NULL, 0};
	size_t len = fread(text, 1, 65535, file);
	fclose(file);
	return (struct span){text, len};
}

/* Files in a directory of the room; 0 where there is none. */
static unsigned files_in(const char *name)
{
	unsigned count = 0;
	struct dirent *entry;
	DIR *dir = opendir(in_room(name));
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return count;
}

/* "%s" in the settings is the room. */
static const char *settings_of(const char *text)
{
	const char *at = strstr(text, "%s");
	return at == NULL
	           ? text
	           : arena_textf(room.arena, "%.*s%s%s", (int)(at - text), text, room.top, at + 2);
}

static void enter(const char *more_settings)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(setgid(65534), 0);
		ck_assert_int_eq(setuid(65534), 0);
	}
	memset(&room, 0, sizeof(room));
	room.arena = arena_new();
	snprintf(room.top, sizeof(room.top), "/tmp/test_pipeline.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(room.top));
	put("ladle.conf", arena_textf(room.arena,
	                      "hostname = \"mx.example.test\" first_valid_uid = 1\n"
	                      "users \"t\" { driver = \"passwd-file\" path = \"%s/users\" }\n"
	                      "record { target = \"%s/record\" }\n%s",
	                      room.top, room.top, settings_of(more_settings)));
	struct bytes users = {0};
	const char *const fields[] = {"anna", "bert", "carl"};
	for (size_t i = 0; i < 3; i++)
		bytes_appendf(&users, "%s::%u:%u::%s/%s::\n", fields[i], (unsigned)geteuid(),
		    (unsigned)getegid(), room.top, fields[i]);
	bytes_appendf(&users, "off::%u:%u::%s/off::delivery=no\n", (unsigned)geteuid(),
	    (unsigned)getegid(), room.top);
	bytes_appendf(&users, "other::%u:%u::%s/other::\n", (unsigned)geteuid() - 1,
	    (unsigned)getegid(), room.top);
	put("users", bytes_terminate(&users));
	bytes_clear(&users);
	room.settings = settings_load(in_room("ladle.conf"), &room.status);
	ck_assert_msg(room.settings != NULL, "%s", room.status.detail);
	room.pipeline = pipeline_open(room.settings, &room.status);
	ck_assert_msg(room.pipeline != NULL, "%s", room.status.detail);
	room.envelope = (struct envelope){
	    .sender = {.text = SPAN("s@x.test"), .local = SPAN("s"), .domain = SPAN("x.test")},
	    .protocol = SPAN("LMTP")};
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void leave(void)
{
	pipeline_close(&room.pipeline);
	settings_free(&room.settings);
	nftw(room.top, remove_entry, 10, FTW_DEPTH | FTW_PHYS);
	arena_free(&room.arena);
}

static struct pipeline_call a_call(void)
{
	return (struct pipeline_call){
	    .front = "lmtp", .id = "t1", .deadline_ms = clock_monotonic_ms() + 60000};
}

/* Blank-separated recipients. */
static size_t set_recipients(const char *names)
{
	struct span rest = span_of(names);
	struct span name;
	size_t count = 0;
	while (span_next_piece(&rest, ' ', &name)) {
		room.recipients[count] = (struct pipeline_recipient){0};
		ck_assert(address_parse(
		    room.arena, name, &room.recipients[count++].envelope.address, NULL));
	}
	return count;
}

static bool deliver(const char *names, const char *text)
{
	struct spool *spool = spool_new("/tmp");
	struct pipeline_call call = a_call();
	size_t count = set_recipients(names);
	memset(room.statuses, 0xEE, sizeof(room.statuses));
	ck_assert(spool_append(spool, text, strlen(text), &room.status));
	ck_assert(spool_finish(spool, &room.status));
	pipeline_deliver(room.pipeline, &call, &room.envelope, spool, room.recipients, count,
	    room.statuses, NULL, NULL);
	spool_free(&spool);
	return status_is_success(&room.statuses[0]);
}

static bool admit(const char *name)
{
	struct pipeline_call call = a_call();
	set_recipients(name);
	return pipeline_admit(
	    room.pipeline, &call, &room.envelope, &room.recipients[0], &room.status);
}

#define MESSAGE "Subject: hello\n\nbody\n"

START_TEST(each_recipient_has_an_end_of_its_own)
{
	enter("");
	deliver("anna bert nobody off other carl", MESSAGE);
	static const enum cause causes[] = {CAUSE_DELIVERED, CAUSE_DELIVERED, CAUSE_USER_UNKNOWN,
	    CAUSE_USER_DISABLED, CAUSE_CONFIGURATION, CAUSE_DELIVERED};
	for (size_t i = 0; i < 6; i++)
		ck_assert_msg(room.statuses[i].cause == causes[i], "recipient %zu: %s %s", i,
		    cause_name(room.statuses[i].cause), room.statuses[i].detail);
	ck_assert_uint_eq(files_in("anna/Maildir/new"), 1);
	ck_assert_uint_eq(files_in("carl/Maildir/new"), 1);
	struct span records = contents("record");
	struct span line;
	unsigned count = 0;
	while (span_next_line(&records, &line))
		count++;
	ck_assert_uint_eq(count, 6);
	leave();
}
END_TEST

/* Each reads the site's young script anew, and one after the other: all decide, then all write. */
START_TEST(what_scripts_said_holds_until_all_recipients_are_through)
{
	enter("sieve { before = {\"%s/site.sieve\"} script = \"\" }\n");
	put("site.sieve", "require [\"fileinto\", \"imap4flags\"];"
	                  "fileinto :flags \"\\\\Flagged\" \"Umbrella\";");
	deliver("anna bert carl", MESSAGE);
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(status_is_success(&room.statuses[i]), "%s", room.statuses[i].detail);
	struct span records = contents("record");
	struct span line;
	while (span_next_line(&records, &line)) {
		const char *text = arena_text(room.arena, line);
		ck_assert_msg(strstr(text, "fileinto(Umbrella)@") != NULL, "%s", text);
		ck_assert_msg(strstr(text, ":2,F") != NULL, "%s", text);
	}
	leave();
}
END_TEST

START_TEST(more_recipients_than_fit_into_one_batch)
{
	enter("");
	struct bytes names = {0};
	for (unsigned i = 0; i < 70; i++)
		bytes_appendf(&names, "%sanna+%u", i == 0 ? "" : " ", i);
	deliver(bytes_terminate(&names), MESSAGE);
	for (size_t i = 0; i < 70; i++)
		ck_assert_msg(status_is_success(&room.statuses[i]), "%s", room.statuses[i].detail);
	ck_assert_uint_eq(files_in("anna/Maildir/new"), 70);
	ck_assert_uint_eq(files_in("anna/Maildir/tmp"), 0);
	bytes_clear(&names);
	leave();
}
END_TEST

START_TEST(a_full_mailbox_is_refused_and_nothing_is_stored)
{
	enter("quota { rule \"*\" { storage = \"2K\" } grace = 0 }\n");
	char large[900];
	memset(large, 'x', sizeof(large) - 1);
	memcpy(large, "A: b\n\n", 6);
	large[sizeof(large) - 1] = '\0';
	ck_assert_msg(deliver("anna", large), "%s", room.statuses[0].detail);
	ck_assert(!deliver("anna", large));
	ck_assert_int_eq(room.statuses[0].cause, CAUSE_MAILBOX_FULL);
	ck_assert_str_eq(room.statuses[0].text, "<anna> Quota exceeded (mailbox for user is full)");
	ck_assert_uint_eq(files_in("anna/Maildir/new"), 1);
	ck_assert_uint_eq(files_in("anna/Maildir/tmp"), 0);
	/* At RCPT, with the size announced; a probe is not told. */
	room.envelope.size_bytes = 1500;
	ck_assert(!admit("anna"));
	ck_assert_int_eq(room.status.cause, CAUSE_MAILBOX_FULL);
	room.envelope.size_bytes = 5000;
	ck_assert(!admit("anna"));
	ck_assert_int_eq(room.status.cause, CAUSE_MESSAGE_TOO_LARGE);
	room.envelope.size_bytes = 1500;
	room.envelope.sender.text = SPAN("");
	ck_assert(admit("anna"));
	ck_assert(!deliver("anna", large));
	ck_assert_int_eq(room.statuses[0].cause, CAUSE_MAILBOX_FULL);
	leave();
}
END_TEST

START_TEST(a_full_mailbox_may_be_deferred)
{
	enter("quota { over = \"defer\" rule \"*\" { messages = 1 } }\n");
	ck_assert(deliver("anna", MESSAGE));
	ck_assert(!deliver("anna", MESSAGE));
	ck_assert_int_eq(room.statuses[0].cause, CAUSE_MAILBOX_FULL_FOR_NOW);
	ck_assert_int_eq(status_exit(&room.statuses[0]), 75);
	leave();
}
END_TEST

/* What the file has once it is there. */
static struct span wait_for(const char *name)
{
	int64_t deadline_ms = clock_monotonic_ms() + 20000;
	while (contents(name).len == 0) {
		ck_assert_int_gt(clock_left_ms(deadline_ms), 0);
		usleep(10000);
	}
	return contents(name);
}

START_TEST(a_warning_is_given_once)
{
	static const char settings[] =
	    "quota { rule \"*\" { messages = 4 }\n"
	    "  warning \"50%\" { command = \"echo low >>$HOME/said\" }\n"
	    "  warning \"75%\" { command = \"echo $USER $QUOTA_WARNING $QUOTA_MESSAGE_COUNT of"
	    " $QUOTA_MESSAGE_LIMIT >$HOME/new; mv $HOME/new $HOME/said; sleep 10\" } }\n";
	enter(settings);
	ck_assert(deliver("anna", MESSAGE));
	ck_assert_ptr_null(contents("anna/said").data);
	/* Two copies: both marks are reached, the higher counts. Nobody waits for it. */
	put("anna/.dovecot.sieve", "require \"fileinto\"; fileinto \"Work\"; keep;");
	int64_t started_ms = clock_monotonic_ms();
	ck_assert(deliver("anna", MESSAGE));
	ck_assert_int_lt(clock_monotonic_ms() - started_ms, 9000);
	ck_assert(span_is(wait_for("anna/said"), "anna 75% 3 of 4\n"));
	ck_assert_int_eq(unlink(in_room("anna/said")), 0);
	put("anna/.dovecot.sieve", "");
	ck_assert(deliver("anna", MESSAGE));
	ck_assert(!deliver("anna", MESSAGE));
	/* Another mailbox, so that there is something to wait for. */
	ck_assert(deliver("bert", MESSAGE));
	ck_assert(deliver("bert", MESSAGE));
	ck_assert(span_is(wait_for("bert/said"), "low\n"));
	ck_assert_ptr_null(contents("anna/said").data);
	leave();
}
END_TEST

START_TEST(what_fails_leaves_nothing_and_is_given_back)
{
	enter("quota { rule \"*\" { storage = \"1M\" } }\n");
	ck_assert(deliver("anna", MESSAGE));
	struct span before = contents("anna/Maildir/maildirsize");
	/* The inbox cannot be written to. */
	ck_assert_int_eq(chmod(in_room("anna/Maildir/tmp"), 0500), 0);
	ck_assert(!deliver("anna", MESSAGE));
	ck_assert_int_eq(status_exit(&room.statuses[0]), 75);
	ck_assert_int_eq(chmod(in_room("anna/Maildir/tmp"), 0700), 0);
	/* A published copy is taken back when the next step fails: new/ cannot take it. */
	ck_assert_int_eq(chmod(in_room("anna/Maildir/new"), 0500), 0);
	ck_assert(!deliver("anna", MESSAGE));
	ck_assert_int_eq(chmod(in_room("anna/Maildir/new"), 0700), 0);
	ck_assert_uint_eq(files_in("anna/Maildir/new"), 1);
	ck_assert_uint_eq(files_in("anna/Maildir/tmp"), 0);
	struct status status;
	struct bytes shown = {0};
	struct pipeline_call call = a_call();
	set_recipients("anna");
	ck_assert(pipeline_show(room.pipeline, &call, &room.recipients[0], &shown, &status));
	ck_assert_msg(strstr(bytes_terminate(&shown), ", 1 messages of no limit") != NULL, "%s",
	    bytes_terminate(&shown));
	bytes_clear(&shown);
	ck_assert(before.len > 0);
	leave();
}
END_TEST

START_TEST(the_folder_is_chosen)
{
	static const struct {
		const char *settings;
		const char *recipient;
		const char *folder; /* -m */
		const char *where;
	} rows[] = {
	    {"", "anna+lists", NULL, "anna/Maildir/new"},
	    {"store { detail = \"create\" }", "anna+lists", NULL, "anna/Maildir/.lists/new"},
	    {"store { detail = \"existing\" }", "anna+lists", NULL, "anna/Maildir/new"},
	    {"store { detail = \"create\" }", "anna+../../x", NULL, "anna/Maildir/new"},
	    {"", "anna", "Work.2026", "anna/Maildir/.Work.2026/new"},
	    {"", "anna", "INBOX", "anna/Maildir/new"},
	    {"", "anna", "~x", "anna/Maildir/new"},
	    {"store { autocreate = false }", "anna", "Work", "anna/Maildir/new"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter(rows[i].settings);
		set_recipients(rows[i].recipient);
		struct pipeline_recipient recipient = room.recipients[0];
		recipient.folder = span_of(rows[i].folder);
		struct spool *spool = spool_new("/tmp");
		struct pipeline_call call = a_call();
		ck_assert(spool_append(spool, MESSAGE, strlen(MESSAGE), &room.status));
		ck_assert(spool_finish(spool, &room.status));
		pipeline_deliver(room.pipeline, &call, &room.envelope, spool, &recipient, 1,
		    room.statuses, NULL, NULL);
		spool_free(&spool);
		ck_assert_msg(
		    status_is_success(&room.statuses[0]), "%zu: %s", i, room.statuses[0].detail);
		ck_assert_msg(files_in(rows[i].where) == 1, "row %zu: not in %s", i, rows[i].where);
		leave();
	}
}
END_TEST

START_TEST(the_mtas_block_is_believed_on_standard_input_only)
{
	enter("");
	room.envelope = (struct envelope){0};
	ck_assert(deliver("anna", "From x@y Sat Nov 21\nReturn-Path: <r@x.test>\n"
	                          "X-Original-To: info@example.test\n" MESSAGE));
	struct span record = contents("record");
	ck_assert_ptr_nonnull(strstr(record.data, " sender=r@x.test recipient=anna "
	                                          "original=info@example.test "));
	leave();
}
END_TEST

START_TEST(a_configuration_that_cannot_work_says_why)
{
	static const struct {
		const char *assignment;
		const char *detail;
	} rows[] = {
	    {"plugins=quota,spam", "plugins: there is no \"spam\"; there are quota and sieve"},
	    {"plugins=sieve,sieve", "plugins: \"sieve\" is there twice"},
	    {"quota.driver=count", "quota.driver = \"count\": write \"maildir++\""},
	    {"quota.warning.all.command=true",
	        "quota: warning \"all\": write a percentage, \"95%\""},
	    {"users.t.uid=no-such-account",
	        "users.uid = \"no-such-account\": there is no such account"},
	    {"users.t.gid=no-such-group", "users.gid = \"no-such-group\": there is no such group"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter("");
		ck_assert(settings_override(room.settings, rows[i].assignment, &room.status));
		ck_assert_ptr_null(pipeline_open(room.settings, &room.status));
		ck_assert_int_eq(room.status.cause, CAUSE_CONFIGURATION);
		ck_assert_str_eq(room.status.detail, rows[i].detail);
		leave();
	}
}
END_TEST

static unsigned files_in_all(const char *const *folders)
{
	unsigned count = 0;
	for (; *folders != NULL; folders++)
		count += files_in(arena_textf(room.arena, "anna/Maildir/%s/new", *folders));
	return count;
}

START_TEST(scripts_run_in_order_and_never_lose_mail)
{
	static const struct {
		const char *before;
		const char *own;
		const char *after;
		const char *stored_in; /* blank-separated folders, "." the inbox; all there is */
	} rows[] = {
	    {NULL, NULL, NULL, "."},
	    {NULL, "require \"fileinto\"; fileinto \"Work\";", NULL, ".Work"},
	    {NULL, "discard;", "require \"fileinto\"; fileinto \"Work\";", ""},
	    {NULL, "keep;", "require \"fileinto\"; fileinto \"Spam\";", ".Spam"},
	    {"require [\"fileinto\", \"copy\"]; fileinto :copy \"All\";", "discard;", NULL, ".All"},
	    {"discard;", "keep;", NULL, ""},
	    {NULL, "fileinto \"Work\";", "discard;", "."}, /* no require: does not compile */
	    {"require [\"fileinto\", \"copy\"]; fileinto :copy \"All\";", "nonsense", NULL,
	        ".All ."},
	    {NULL, "require \"fileinto\"; fileinto \"../x\"; fileinto \"Work\";", NULL, ". .Work"},
	    {NULL, "require \"fileinto\"; fileinto \"Work\"; fileinto \"Work\"; keep;", NULL,
	        ".Work ."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const char *const everywhere[] = {".", ".Work", ".Spam", ".All", NULL};
		enter("");
		settings_override(room.settings,
		    arena_textf(room.arena, "sieve.before=%s/before", room.top), &room.status);
		settings_override(room.settings,
		    arena_textf(room.arena, "sieve.after=%s/after.sieve", room.top), &room.status);
		ck_assert_int_eq(mkdir(in_room("before"), 0700), 0);
		ck_assert_int_eq(mkdir(in_room("anna"), 0700), 0);
		if (rows[i].before != NULL)
			put("before/1.sieve", rows[i].before);
		if (rows[i].own != NULL)
			put("anna/.dovecot.sieve", rows[i].own);
		if (rows[i].after != NULL)
			put("after.sieve", rows[i].after);
		ck_assert_msg(deliver("anna", MESSAGE), "%zu: %s", i, room.statuses[0].detail);
		struct span rest = span_of(rows[i].stored_in);
		struct span folder;
		unsigned count = 0;
		while (rest.len > 0 && span_next_piece(&rest, ' ', &folder)) {
			count++;
			ck_assert_msg(files_in(arena_textf(room.arena, "anna/Maildir/%.*s/new",
			                  (int)folder.len, folder.data)) == 1,
			    "row %zu: not in %.*s", i, (int)folder.len, folder.data);
		}
		ck_assert_msg(files_in_all(everywhere) == count, "row %zu: elsewhere too", i);
		leave();
	}
}
END_TEST

START_TEST(a_script_is_seen_as_it_is_now)
{
	enter("");
	ck_assert_int_eq(mkdir(in_room("anna"), 0700), 0);
	put("anna/.dovecot.sieve", "discard;");
	ck_assert(deliver("anna", MESSAGE));
	put("anna/.dovecot.sieve", "keep; # ");
	ck_assert(deliver("anna", MESSAGE));
	ck_assert_uint_eq(files_in("anna/Maildir/new"), 1);
	/* The same size and age: only the identity differs. */
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	ck_assert_int_eq(utimensat(AT_FDCWD, in_room("anna/.dovecot.sieve"), old, 0), 0);
	ck_assert(deliver("anna", MESSAGE));
	put("anna/new.sieve", "discard;");
	ck_assert_int_eq(utimensat(AT_FDCWD, in_room("anna/new.sieve"), old, 0), 0);
	ck_assert_int_eq(rename(in_room("anna/new.sieve"), in_room("anna/.dovecot.sieve")), 0);
	ck_assert(deliver("anna", MESSAGE));
	ck_assert_uint_eq(files_in("anna/Maildir/new"), 2);
	unlink(in_room("anna/.dovecot.sieve"));
	ck_assert(deliver("anna", MESSAGE));
	ck_assert_uint_eq(files_in("anna/Maildir/new"), 3);
	leave();
}
END_TEST

START_TEST(a_script_that_cannot_be_read_may_hold_rules)
{
	enter("");
	ck_assert_int_eq(mkdir(in_room("anna"), 0700), 0);
	put("anna/.dovecot.sieve", "discard;");
	ck_assert_int_eq(chmod(in_room("anna/.dovecot.sieve"), 0), 0);
	ck_assert(!deliver("anna", MESSAGE));
	ck_assert_int_eq(status_exit(&room.statuses[0]), 75);
	ck_assert_ptr_nonnull(strstr(room.statuses[0].detail, ".dovecot.sieve: Permission denied"));
	leave();
}
END_TEST

START_TEST(a_full_mailbox_takes_what_a_script_puts_where_nothing_counts)
{
	enter("quota { at_rcpt = false  rule \"*\" { messages = 2 } }\n");
	ck_assert_int_eq(mkdir(in_room("anna"), 0700), 0);
	ck_assert(deliver("anna", MESSAGE));
	put("anna/.dovecot.sieve", "discard;");
	ck_assert_msg(deliver("anna", MESSAGE), "%s", room.statuses[0].text);
	/* One of two copies does not fit: none is stored. */
	put("anna/.dovecot.sieve", "require \"fileinto\"; fileinto \"Work\"; keep;");
	ck_assert(!deliver("anna", MESSAGE));
	ck_assert_int_eq(room.statuses[0].cause, CAUSE_MAILBOX_FULL);
	ck_assert_uint_eq(files_in("anna/Maildir/new"), 1);
	ck_assert_uint_eq(files_in("anna/Maildir/.Work/new"), 0);
	leave();
}
END_TEST

/* What is kept of deliveries lies where the user may put something else. */
START_TEST(a_fifo_in_the_place_of_stories_keeps_nobody_waiting)
{
	enter("state_directory = \"%s/state\" \n");
	ck_assert_int_eq(mkdir(in_room("state"), 0700), 0);
	ck_assert_int_eq(mkfifo(in_room("state/stories"), 0600), 0);
	ck_assert(deliver("anna", MESSAGE));
	ck_assert_int_eq(unlink(in_room("state/stories")), 0);
	ck_assert(deliver("anna", MESSAGE));
	ck_assert_uint_gt(contents("state/stories").len, 0);
	leave();
}
END_TEST

UNIT_TESTS("pipeline", a_fifo_in_the_place_of_stories_keeps_nobody_waiting,
    each_recipient_has_an_end_of_its_own, what_scripts_said_holds_until_all_recipients_are_through,
    more_recipients_than_fit_into_one_batch, a_full_mailbox_is_refused_and_nothing_is_stored,
    a_full_mailbox_may_be_deferred, a_warning_is_given_once,
    what_fails_leaves_nothing_and_is_given_back, the_folder_is_chosen,
    the_mtas_block_is_believed_on_standard_input_only, a_configuration_that_cannot_work_says_why,
    scripts_run_in_order_and_never_lose_mail, a_script_is_seen_as_it_is_now,
    a_script_that_cannot_be_read_may_hold_rules,
    a_full_mailbox_takes_what_a_script_puts_where_nothing_counts)
