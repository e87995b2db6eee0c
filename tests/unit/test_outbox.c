#include "base/clock.h"
#include "base/file.h"
#include "deliver/outbox.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static struct status status;

static void enter(void)
{
	snprintf(directory, sizeof(directory), "/tmp/ladle-outbox.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void leave(void)
{
	char command[100];
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
}

/* Puts one message into the outbox, as the pipeline does. */
static void put_item(struct outbox_item *item)
{
	struct arena *arena = arena_new();
	struct spool *spool = spool_new("/tmp");
	ck_assert(spool_append(spool, "Subject: x\n\nbody\n", 17, &status));
	ck_assert(spool_finish(spool, &status));
	struct message message;
	ck_assert(message_open(arena, spool, &message, &status));
	item->delivery_id = SPAN("ID1");
	item->message = &message;
	struct message wrapped = outbox_wrap(arena, item);
	struct store_options options = {
	    .location = arena_textf(arena, "maildir:%s", directory), .host_name = "host"};
	struct store *store = store_open(arena, &options, &status);
	ck_assert_ptr_nonnull(store);
	struct store_request request = {.message = &wrapped};
	struct store_copy *copy = store_write(store, &request, &status);
	ck_assert_ptr_nonnull(copy);
	ck_assert(store_sync(copy, &status) && store_publish(copy, &status) &&
	          store_commit(copy, &status));
	store_abandon(&copy);
	store_close(&store);
	spool_free(&spool);
	arena_free(&arena);
}

static void put(const char *recipient)
{
	struct outbox_item item = {
	    .kind = "redirect", .sender = SPAN(""), .recipient = span_of(recipient)};
	put_item(&item);
}

/* Makes the only message half a minute older than its file. */
static void age(void)
{
	char command[200];
	snprintf(command, sizeof(command),
	    "sed -i \"s/^Made: .*/Made: $(($(date +%%s) - 30))/\" %s/new/*", directory);
	ck_assert_int_eq(system(command), 0);
}

struct sent {
	enum outbox_answer answer;
	unsigned calls;
	struct bytes text; /* all messages, one after the other */
};

static enum outbox_answer pretend(void *context, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size)
{
	struct sent *sent = context;
	(void)deadline_ms;
	sent->calls++;
	bytes_appendf(
	    &sent->text, "%s %.*s>", item->kind, (int)item->recipient.len, item->recipient.data);
	ck_assert_int_eq(file_read_all(fd, 10000, &sent->text), 0);
	snprintf(why_out, why_size, "pretended");
	return sent->answer;
}

static struct outbox_tally flush(struct sent *sent, uint64_t expire_s)
{
	struct outbox_options options = {.directory = directory,
	    .retry_min_s = 60,
	    .retry_max_s = 3600,
	    .expire_s = expire_s,
	    .send_timeout_s = 5};
	struct outbox_transport transport = {pretend, sent};
	struct outbox_tally tally;
	ck_assert(outbox_flush(&options, &transport, &tally, &status));
	return tally;
}

START_TEST(what_is_accepted_goes_and_goes_once)
{
	struct sent sent = {.answer = OUTBOX_ACCEPTED};
	enter();
	put("a@example.net");
	struct outbox_tally tally = flush(&sent, 1000);
	ck_assert_uint_eq(tally.sent, 1);
	ck_assert_str_eq(
	    bytes_terminate(&sent.text), "redirect a@example.net>Subject: x\n\nbody\n");
	tally = flush(&sent, 1000);
	ck_assert_uint_eq(tally.sent + tally.waiting + tally.given_up, 0);
	ck_assert_uint_eq(sent.calls, 1);
	bytes_clear(&sent.text);
	leave();
}
END_TEST

START_TEST(what_cannot_be_removed_is_not_sent_again)
{
	static const enum outbox_answer answers[] = {OUTBOX_ACCEPTED, OUTBOX_REFUSED};
	char path[100];
	if (geteuid() == 0)
		ck_assert_int_eq(setuid(65534), 0);
	for (size_t i = 0; i < 2; i++) {
		struct sent sent = {.answer = answers[i]};
		enter();
		put("a@example.net");
		snprintf(path, sizeof(path), "%s/new", directory);
		ck_assert_int_eq(chmod(path, 0500), 0);
		(void)flush(&sent, 1000);
		ck_assert_uint_eq(flush(&sent, 1000).waiting, 1);
		ck_assert_int_eq(chmod(path, 0700), 0);
		struct outbox_tally tally = flush(&sent, 1000);
		ck_assert_uint_eq(tally.sent + tally.waiting + tally.given_up, 0);
		ck_assert_uint_eq(sent.calls, 1);
		ck_assert_int_eq(rmdir(path), 0);
		bytes_clear(&sent.text);
		leave();
	}
}
END_TEST

START_TEST(what_fails_waits_and_is_given_up_in_the_end)
{
	struct sent sent = {.answer = OUTBOX_TRY_LATER};
	enter();
	put("a@example.net");
	/* Written long after it was made, as on a slow disk, it was not tried yet. */
	age();
	ck_assert_uint_eq(flush(&sent, 1000).waiting, 1);
	ck_assert_uint_eq(sent.calls, 1);
	/* Tried just now, so not due. */
	ck_assert_uint_eq(flush(&sent, 1000).waiting, 1);
	ck_assert_uint_eq(sent.calls, 1);
	leave();
	enter();
	put("b@example.net");
	ck_assert_uint_eq(flush(&sent, 0).given_up, 1);
	ck_assert_uint_eq(flush(&sent, 0).given_up, 0);
	sent.answer = OUTBOX_REFUSED;
	put("c@example.net");
	ck_assert_uint_eq(flush(&sent, 1000).given_up, 1);
	bytes_clear(&sent.text);
	leave();
}
END_TEST

START_TEST(waits_grow_with_the_age)
{
	struct outbox_options options = {.retry_min_s = 60, .retry_max_s = 3600};
	static const struct {
		time_t tried, now;
		bool is_due;
	} rows[] = {
	    {1000, 1000, false}, {1000, 1060, true}, /* in the second that it was made */
	    {1001, 1060, false}, {1001, 1061, true}, {2000, 2499, false}, {2000, 2500, true},
	    {100000, 103599, false}, {100000, 103600, true},
	    {100000, 500, true}, /* the clock went back */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(
		    outbox_is_due(&options, 1000, rows[i].tried, rows[i].now) == rows[i].is_due,
		    "row %zu", i);
}
END_TEST

START_TEST(a_program_is_asked_and_its_no_is_not_final)
{
	char why[200];
	struct outbox_item item = {
	    .kind = "redirect", .sender = SPAN(""), .recipient = SPAN("a@b")};
	int fd = open("/dev/null", O_RDONLY);
	int64_t deadline = clock_monotonic_ms() + 60000;
	char yes[] = "/bin/true";
	char no[] = "/bin/false";
	char none[] = "/nonexistent";
	ck_assert_int_eq(
	    outbox_send_by_program(yes, &item, fd, deadline, why, sizeof(why)), OUTBOX_ACCEPTED);
	ck_assert_int_eq(
	    outbox_send_by_program(no, &item, fd, deadline, why, sizeof(why)), OUTBOX_TRY_LATER);
	ck_assert_ptr_nonnull(strstr(why, "exit status 1"));
	ck_assert_int_eq(
	    outbox_send_by_program(none, &item, fd, deadline, why, sizeof(why)), OUTBOX_TRY_LATER);
	close(fd);
	/* What cannot be read must not be sent in part, nor taken for sent. */
	fd = open("/dev/null", O_WRONLY);
	ck_assert_int_eq(
	    outbox_send_by_program(yes, &item, fd, deadline, why, sizeof(why)), OUTBOX_TRY_LATER);
	close(fd);
}
END_TEST

/* What was put in, and how often it came back the same. */
struct piped {
	const struct outbox_item *item;
	unsigned same;
};

static enum outbox_answer compare_program(void *context, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size)
{
	struct piped *piped = context;
	const struct action_program *put = &piped->item->program;
	const struct action_program *got = &item->program;
	(void)fd;
	(void)deadline_ms;
	(void)why_out;
	(void)why_size;
	ck_assert(span_equals(got->name, put->name));
	ck_assert_int_eq(got->may_fail, put->may_fail);
	ck_assert_uint_eq(got->argument_count, put->argument_count);
	for (size_t i = 0; i < put->argument_count; i++)
		ck_assert(span_equals(got->arguments[i], put->arguments[i]));
	piped->same++;
	return OUTBOX_ACCEPTED;
}

START_TEST(a_program_and_its_arguments_come_back_as_they_were)
{
	char long_text[1024];
	memset(long_text, '%', sizeof(long_text));
	struct span arguments[64] = {SPAN(""), SPAN(" two  words "), SPAN("100%"), SPAN("%41"),
	    SPAN("tab\there"), SPAN("\xC3\xBC"), SPAN("-n"), SPAN("a: b")};
	for (size_t i = 8; i < 64; i++)
		arguments[i] = (struct span){long_text, sizeof(long_text)};
	struct outbox_item item = {.kind = "pipe",
	    .sender = SPAN(""),
	    .recipient = SPAN("user"),
	    .program = {SPAN("a program \xC3\xBC"), arguments, 64, true}};
	struct piped piped = {.item = &item};
	struct outbox_options options = {.directory = directory, .send_timeout_s = 5};
	struct outbox_transport transport = {compare_program, &piped};
	struct outbox_tally tally;
	enter();
	put_item(&item);
	ck_assert(outbox_flush(&options, &transport, &tally, &status));
	ck_assert_uint_eq(tally.sent, 1);
	ck_assert_uint_eq(piped.same, 1);
	leave();
}
END_TEST

START_TEST(a_file_without_envelope_is_left_alone)
{
	struct sent sent = {.answer = OUTBOX_ACCEPTED};
	char path[100];
	enter();
	put("a@example.net");
	snprintf(path, sizeof(path), "%s/new/garbage", directory);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(file_write_all(fd, "Subject: no block\n\n", 19), 0);
	close(fd);
	struct outbox_tally tally = flush(&sent, 0);
	ck_assert_uint_eq(tally.sent, 1);
	ck_assert_uint_eq(tally.waiting, 1);
	ck_assert_int_eq(access(path, F_OK), 0);
	bytes_clear(&sent.text);
	leave();
}
END_TEST

/* A user may write into the own outbox: what is said to a server is one line all the same. */
START_TEST(a_forged_envelope_ends_no_line)
{
	static const char *const fields[] = {
	    "Sender: <>\nRecipient: <a@b>\n DATA@c>\n",
	    "Sender: <x@y>\r\n RCPT@z>\nRecipient: <a@b>\n",
	    "Sender: <>\nRecipient: <a@b>\nOrcpt: rfc822;a\n\tb\n",
	    "Sender: <>\nRecipient: <a@b>\nOwner: <a\n b@c>\n",
	};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct sent sent = {.answer = OUTBOX_ACCEPTED};
		struct outbox_tally tally;
		char text[300];
		char path[100];
		enter();
		put("a@example.net");
		ck_assert_uint_eq(flush(&sent, 1000).sent, 1);
		snprintf(path, sizeof(path), "%s/new/forged", directory);
		snprintf(text, sizeof(text), "Ladle-Outbox: 1\nKind: redirect\nMade: 1\n%s\nS: x\n",
		    fields[i]);
		int fd = open(path, O_CREAT | O_WRONLY, 0600);
		ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
		close(fd);
		tally = flush(&sent, 1000);
		ck_assert_msg(tally.sent == 0 && tally.waiting == 1, "row %zu", i);
		bytes_clear(&sent.text);
		leave();
	}
}
END_TEST

START_TEST(what_nobody_may_send_is_given_up_too)
{
	struct sent sent = {.answer = OUTBOX_NOT_OURS};
	enter();
	put("a@example.net");
	ck_assert_uint_eq(flush(&sent, 1000).waiting, 1);
	ck_assert_uint_eq(flush(&sent, 20).waiting, 1);
	age();
	ck_assert_uint_eq(flush(&sent, 10).given_up, 1);
	bytes_clear(&sent.text);
	leave();
}
END_TEST

UNIT_TESTS("outbox", what_is_accepted_goes_and_goes_once, what_cannot_be_removed_is_not_sent_again,
    what_fails_waits_and_is_given_up_in_the_end, waits_grow_with_the_age,
    a_program_is_asked_and_its_no_is_not_final, a_program_and_its_arguments_come_back_as_they_were,
    a_file_without_envelope_is_left_alone, a_forged_envelope_ends_no_line,
    what_nobody_may_send_is_given_up_too)
