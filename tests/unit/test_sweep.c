#include "deliver/pipeline.h"
#include "deliver/settings.h"
#include "deliver/sweep.h"
#include "tests/unit/unit.h"

#include "base/clock.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two users whose scripts send everything on; what sends is a program of the test's. */
static struct room {
	char top[64];
	struct arena *arena;
	struct settings *settings;
	unsigned message_count;
	struct status status;
} room;

static const char *in_room(const char *name)
{
	return arena_textf(room.arena, "%s/%s", room.top, name);
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(in_room(name), "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(in_room(name), mode), 0);
}

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

static void deliver(const char *to)
{
	const char *text = arena_textf(
	    room.arena, "Subject: x\nMessage-ID: <%u@x>\n\nbody\n", ++room.message_count);
	struct envelope envelope = {
	    .sender = {.text = SPAN("s@x.test"), .local = SPAN("s"), .domain = SPAN("x.test")},
	    .protocol = SPAN("LMTP")};
	struct pipeline_call call = {
	    .front = "lmtp", .id = "t1", .deadline_ms = clock_monotonic_ms() + 60000};
	struct pipeline_recipient recipient = {0};
	struct status status;
	struct spool *spool = spool_new("/tmp");
	struct pipeline *pipeline = pipeline_open(room.settings, &room.status);
	ck_assert_msg(pipeline != NULL, "%s", room.status.detail);
	ck_assert(address_parse(room.arena, span_of(to), &recipient.envelope.address, NULL));
	ck_assert(spool_append(spool, text, strlen(text), &room.status));
	ck_assert(spool_finish(spool, &room.status));
	pipeline_deliver(pipeline, &call, &envelope, spool, &recipient, 1, &status, NULL, NULL);
	ck_assert_msg(status_is_success(&status), "%s", status.detail);
	pipeline_close(&pipeline);
	spool_free(&spool);
}

static void enter(const char *sendmail)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(setgid(65534), 0);
		ck_assert_int_eq(setuid(65534), 0);
	}
	memset(&room, 0, sizeof(room));
	room.arena = arena_new();
	snprintf(room.top, sizeof(room.top), "/tmp/test_sweep.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(room.top));
	put("ladle.conf",
	    arena_textf(room.arena,
	        "hostname = \"mx.example.test\" first_valid_uid = 1\n"
	        "state_directory = \"%s/state\"\n"
	        "users \"t\" { driver = \"passwd-file\" path = \"%s/users\" }\n"
	        "outbox { sendmail = \"%s/sendmail\" pending = \"%s/pending\" processes = 2 }\n"
	        "log { target = \"%s/log\" } record { target = \"none\" }\n",
	        room.top, room.top, room.top, room.top, room.top),
	    0644);
	put("users",
	    arena_textf(room.arena, "anna::%u:%u::%s/anna::\nbert::%u:%u::%s/bert::\n",
	        (unsigned)geteuid(), (unsigned)getegid(), room.top, (unsigned)geteuid(),
	        (unsigned)getegid(), room.top),
	    0644);
	ck_assert_int_eq(mkdir(in_room("anna"), 0700), 0);
	put("anna/.dovecot.sieve", "redirect \"anna@example.net\";", 0644);
	ck_assert_int_eq(mkdir(in_room("bert"), 0700), 0);
	put("bert/.dovecot.sieve", "redirect \"bert@example.net\";", 0644);
	put("sendmail",
	    arena_textf(room.arena, "#!/bin/sh\necho >>%s/calls\n%s\n", room.top, sendmail), 0755);
	room.settings = settings_load(in_room("ladle.conf"), &room.status);
	ck_assert_msg(room.settings != NULL, "%s", room.status.detail);
	deliver("anna");
	ck_assert_uint_eq(files_in("state/anna/outbox/new"), 1);
	ck_assert_int_eq(access(in_room("state/.pending/anna"), F_OK), 0);
}

static void leave(void)
{
	char command[100];
	settings_free(&room.settings);
	arena_free(&room.arena);
	snprintf(command, sizeof(command), "rm -r %s", room.top);
	ck_assert_int_eq(system(command), 0);
}

static struct sweep_tally sweep(int64_t worker_limit_ms)
{
	return sweep_all(room.settings, worker_limit_ms);
}

START_TEST(what_is_announced_is_sent)
{
	enter("cat >/dev/null");
	/* As some start what they do not wait for. */
	signal(SIGCHLD, SIG_IGN);
	struct sweep_tally tally = sweep(0);
	ck_assert_uint_eq(tally.done, 1);
	ck_assert_uint_eq(tally.failed + tally.waiting, 0);
	ck_assert_uint_eq(files_in("state/anna/outbox/new"), 0);
	ck_assert_uint_eq(files_in("state/.pending"), 0);
	leave();
}
END_TEST

/* A process that is the user's can be stopped by that user. All others would wait with it. */
START_TEST(a_process_that_stands_still_is_ended)
{
	enter("kill -STOP $PPID");
	struct sweep_tally tally = sweep(1000);
	ck_assert_uint_eq(tally.failed, 1);
	ck_assert_uint_eq(tally.done + tally.waiting, 0);
	ck_assert_uint_eq(files_in("state/anna/outbox/new"), 1);
	ck_assert_int_eq(access(in_room("state/.pending/anna"), F_OK), 0);
	leave();
}
END_TEST

START_TEST(announcements_beside_the_usual_one_are_seen_to_one_by_one_and_go)
{
	enter("cat >/dev/null");
	ck_assert_int_eq(unlink(in_room("state/.pending/anna")), 0);
	for (unsigned i = 0; i < 3; i++)
		put(arena_textf(room.arena, "state/.pending/anna~%016x", i), "", 0600);
	for (unsigned left = 3; left > 0; left--) {
		ck_assert_uint_eq(files_in("state/.pending"), left);
		ck_assert_uint_eq(sweep(0).done, 1);
	}
	ck_assert_uint_eq(files_in("state/.pending"), 0);
	ck_assert_uint_eq(files_in("state/anna/outbox/new"), 0);
	leave();
}
END_TEST

/* Waits until the directory has so many files. */
static void wait_for_files(struct sweep *sweep, const char *name, unsigned count)
{
	int64_t until_ms = clock_monotonic_ms() + 60000;
	while (files_in(name) != count) {
		ck_assert_msg(
		    clock_monotonic_ms() < until_ms, "%s has %u files", name, files_in(name));
		sweep_look(sweep);
		usleep(1000);
	}
}

/* anna's mail is taken by nobody until there is a file "go", and then is refused for now. */
static const char slow_for_anna[] = "top=${0%/*}\n"
                                    "case \"$*\" in *anna@example.net)\n"
                                    "mkdir -p $top/tries && : >$top/tries/$$\n"
                                    "while [ ! -e $top/go ]; do sleep 0.05; done; exit 75 ;;\n"
                                    "esac\ncat >/dev/null";

START_TEST(who_is_slow_holds_up_nobody_else)
{
	const struct sweep_round round = {0};
	struct sweep_tally tally;
	enter(slow_for_anna);
	struct sweep *sweep = sweep_new(room.settings, 0);
	sweep_begin(sweep, &round);
	wait_for_files(sweep, "tries", 1);
	deliver("bert");
	sweep_begin(sweep, &round);
	wait_for_files(sweep, "state/bert/outbox/new", 0);
	ck_assert(!sweep_count(sweep, &tally));
	/* She has one process, and what comes meanwhile is seen to behind it. */
	deliver("anna");
	sweep_begin(sweep, &round);
	ck_assert_uint_eq(files_in("tries"), 1);
	put("go", "", 0600);
	wait_for_files(sweep, "tries", 2);
	sweep_wait(sweep);
	ck_assert(sweep_count(sweep, &tally));
	ck_assert_uint_eq(tally.waiting, 1);
	ck_assert_uint_eq(tally.failed, 0);
	sweep_free(&sweep);
	leave();
}
END_TEST

START_TEST(of_those_who_announced_nothing_who_has_mail_is_seen_to)
{
	enter("cat >/dev/null");
	ck_assert_int_eq(unlink(in_room("state/.pending/anna")), 0);
	deliver("bert");
	ck_assert_uint_eq(sweep(0).done, 2);
	ck_assert_uint_eq(files_in("state/anna/outbox/new"), 0);
	/* No process for an empty outbox: nearly all are, most of the time. */
	ck_assert_uint_eq(sweep(0).done, 0);
	leave();
}
END_TEST

START_TEST(a_user_has_one_name)
{
	enter("cat >/dev/null");
	ck_assert_int_eq(
	    rename(in_room("state/.pending/anna"), in_room("state/.pending/anna@x")), 0);
	(void)sweep(0);
	ck_assert_uint_eq(files_in("state/.pending"), 0);
	leave();
}
END_TEST

/* Root's flusher looks into a directory that lies in one of another account. */
START_TEST(a_link_in_the_place_of_the_directory_is_not_followed)
{
	enter("cat >/dev/null");
	ck_assert_int_eq(rename(in_room("state/.pending"), in_room("state/elsewhere")), 0);
	put("state/elsewhere/shadow", "precious", 0600);
	ck_assert_int_eq(symlink("/nowhere", in_room("state/elsewhere/link")), 0);
	ck_assert_int_eq(symlink("elsewhere", in_room("state/.pending")), 0);
	struct sweep_tally tally = sweep(0);
	ck_assert_uint_eq(tally.done + tally.failed + tally.waiting, 0);
	ck_assert_uint_eq(files_in("state/elsewhere"), 3);
	leave();
}
END_TEST

/* In a place for many users somebody else may have been first. */
START_TEST(a_link_in_the_place_of_the_state_directory_is_refused)
{
	enter("cat >/dev/null");
	ck_assert_int_eq(rename(in_room("state/anna"), in_room("state/mallory")), 0);
	ck_assert_int_eq(symlink("mallory", in_room("state/anna")), 0);
	/* She, and mallory, who is no user. */
	ck_assert_uint_eq(sweep(0).failed, 2);
	ck_assert_uint_eq(files_in("state/mallory/outbox/new"), 1);
	ck_assert_int_ne(access(in_room("calls"), F_OK), 0);
	leave();
}
END_TEST

UNIT_TESTS("sweep", what_is_announced_is_sent, who_is_slow_holds_up_nobody_else,
    of_those_who_announced_nothing_who_has_mail_is_seen_to, a_user_has_one_name,
    a_process_that_stands_still_is_ended,
    announcements_beside_the_usual_one_are_seen_to_one_by_one_and_go,
    a_link_in_the_place_of_the_directory_is_not_followed,
    a_link_in_the_place_of_the_state_directory_is_refused)
