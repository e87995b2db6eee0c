/* What redirect asks of the next server, and lists of targets. */
#include "tests/unit/sieve_room.h"

static struct sieve_result run(struct sieve_room *room, const char *script)
{
	struct sieve_errors errors = {0};
	struct sieve_result result;
	struct sieve_script *compiled = room_compile(room, script, &errors);
	ck_assert_msg(compiled != NULL, "%s: %s", script, room_errors(room, &errors));
	enum sieve_end end = sieve_run(room->arena, compiled, &room->input, &result);
	ck_assert_msg(end == SIEVE_DONE, "%s", room_errors(room, &result.errors));
	return result;
}

#define REQUIRE "require [\"redirect-dsn\", \"redirect-deliverby\"]; redirect "
#define NOW 1795255200 /* of the room: 2026-11-21T10:00:00Z */

static const struct {
	const char *tags;
	struct action_dsn dsn;
} asked[] = {
    {":notify \"never\"", {.notify = ENVELOPE_NOTIFY_NEVER}},
    {":notify \"SUCCESS,delay\"", {.notify = ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_DELAY}},
    {":ret \"full\"", {.ret = ENVELOPE_RET_FULL}},
    {":ret \"HDRS\" :notify \"failure\"",
        {.ret = ENVELOPE_RET_HDRS, .notify = ENVELOPE_NOTIFY_FAILURE}},
    {":bytimerelative 600", {.by = {.is_said = true, .deadline = NOW + 600}}},
    {":bytimerelative 0 :bymode \"notify\" :bytrace",
        {.by = {.is_said = true, .is_notify = true, .is_traced = true, .deadline = NOW}}},
    {":bymode \"return\" :bytimeabsolute \"2026-11-21T11:00:00+01:00\"",
        {.by = {.is_said = true, .deadline = NOW}}},
    {":bytimeabsolute \"2026-11-21T20:00:00-0530\"",
        {.by = {.is_said = true, .deadline = NOW + 15 * 3600 + 1800}}},
    {":bytimeabsolute \"2026-11-21t10:00:01z\"", {.by = {.is_said = true, .deadline = NOW + 1}}},
};

START_TEST(what_is_asked)
{
	struct sieve_room room;
	room_open(&room, SPAN("Subject: x\n\n"));
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct sieve_result result = run(
		    &room, arena_textf(room.arena, REQUIRE "%s \"a@example.org\";", asked[i].tags));
		const struct action_dsn *dsn = result.actions.first->dsn;
		const struct action_dsn *want = &asked[i].dsn;
		ck_assert_ptr_nonnull(dsn);
		ck_assert_msg(dsn->notify == want->notify && dsn->ret == want->ret &&
		                  dsn->by.is_said == want->by.is_said &&
		                  dsn->by.is_notify == want->by.is_notify &&
		                  dsn->by.is_traced == want->by.is_traced &&
		                  dsn->by.deadline == want->by.deadline,
		    "%s: %lld", asked[i].tags, (long long)dsn->by.deadline);
	}
	ck_assert_ptr_null(run(&room, "redirect \"a@example.org\";").actions.first->dsn);
	room_close(&room);
}
END_TEST

static const char *const broken[] = {
    ":notify \"never,success\"",
    ":notify \"\"",
    ":notify \"success, delay\"",
    ":ret \"some\"",
    ":bymode \"notify\"",
    ":bytrace",
    ":bytimerelative 1 :bymode \"x\"",
    ":bytimerelative 1000000000",
    ":bytimerelative 1 :bytimeabsolute \"2026-11-21T11:00:00Z\"",
    ":bytimeabsolute \"2026-11-21\"",
    ":bytimeabsolute \"2026-11-31T11:00:00Z\"",
    ":bytimeabsolute \"2026-11-21T24:00:00Z\"",
    ":bytimeabsolute \"2026-11-21T11:00:00\"",
    ":bytimeabsolute \"2026-11-21T11:00:00+1\"",
    ":bytimeabsolute \" 2026-11-21T11:00:00Z\"",
    ":bytimeabsolute \"2026-1 -21T11:00:00Z\"",
};

START_TEST(what_cannot_be_asked)
{
	struct sieve_room room;
	room_open(&room, SPAN("Subject: x\n\n"));
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct sieve_errors errors = {0};
		const char *script =
		    arena_textf(room.arena, REQUIRE "%s \"a@example.org\";", broken[i]);
		ck_assert_msg(room_compile(&room, script, &errors) == NULL, "%s", broken[i]);
	}
	room_close(&room);
}
END_TEST

START_TEST(the_envelope_tells_until_when)
{
	static const char require[] =
	    "\"envelope\", \"envelope-deliverby\", \"relational\", \"comparator-i;ascii-numeric\"";
	struct sieve_room room;
	room_open(&room, SPAN("Subject: x\n\n"));
	ck_assert(!room_test(&room, require, "envelope :contains \"bymode\" \"\""));
	ck_assert(!room_test(&room, require, "envelope :contains \"bytimerelative\" \"\""));
	room.envelope.by = (struct envelope_by){.is_said = true, .deadline = NOW - 60};
	ck_assert(room_test(&room, require, "envelope \"bytimerelative\" \"-60\""));
	ck_assert(room_test(&room, require, "envelope \"bymode\" \"return\""));
	ck_assert(room_test(
	    &room, require, "envelope :matches \"bytimeabsolute\" \"2026-11-2??*:59:00*\""));
	ck_assert(!room_test(&room, require, "envelope :contains \"bytrace\" \"\""));
	room.envelope.by.is_notify = true;
	room.envelope.by.is_traced = true;
	ck_assert(room_test(&room, require, "envelope \"bymode\" \"NOTIFY\""));
	ck_assert(room_test(&room, require, "envelope \"bytrace\" \"trace\""));
	room_close(&room);
}
END_TEST

static struct span people[] = {
    {"a@example.org", 13}, {"B@example.org", 13}, {"A@example.org", 13}, {"a@EXAMPLE.org", 13}};

static enum sieve_answer members(void *context, struct arena *arena, struct span list, size_t max,
    struct span **members_out, size_t *count_out)
{
	size_t *count = context;
	(void)arena;
	ck_assert_uint_eq(max, 4);
	if (!span_is(list, "tag:example.org,2026:friends"))
		return SIEVE_NO;
	*members_out = people;
	*count_out = *count;
	return *count > 0 ? SIEVE_YES : SIEVE_CANNOT_TELL;
}

START_TEST(lists_of_targets)
{
	static const char script[] =
	    "require \"extlists\"; redirect :list \"tag:example.org,2026:friends\";";
	struct sieve_room room;
	size_t count = 4;
	room_open(&room, SPAN("Subject: x\n\n"));
	room.host.context = &count;
	ck_assert_ptr_nonnull(strstr(room_run(&room, script), "no such list"));
	room.host.list_members = members;
	ck_assert_str_eq(room_run(&room, script), "redirect, redirect, redirect");
	ck_assert_ptr_nonnull(
	    strstr(room_run(&room, "require \"extlists\"; redirect :list \"tag:x,2026:y\";"),
	        "no such list"));
	count = 0;
	ck_assert_ptr_nonnull(strstr(room_run(&room, script), "cannot tell who is on a list"));
	people[3] = SPAN("nobody");
	count = 4;
	ck_assert_ptr_nonnull(strstr(room_run(&room, script), "no address to send to"));
	room_close(&room);
}
END_TEST

UNIT_TESTS("sieve redirect", what_is_asked, what_cannot_be_asked, the_envelope_tells_until_when,
    lists_of_targets)
