/* Who is answered, and why not; what is remembered of it. */
#include "tests/unit/sieve_room.h"

#define ASKED_MAX 8

struct memory {
	struct span ids[ASKED_MAX];
	uint64_t seconds[ASKED_MAX];
	size_t count;
	enum sieve_answer answer;
};

static enum sieve_answer remember(void *context, struct span id, uint64_t seconds, bool is_last)
{
	struct memory *memory = context;
	ck_assert(!is_last);
	memory->ids[memory->count] = id;
	memory->seconds[memory->count++] = seconds;
	return memory->answer;
}

#define TO "To: bert@example.net\n"

static const struct {
	const char *name;
	const char *sender;
	const char *recipient;
	const char *head;
	const char *why; /* null: it is answered */
} kinds[] = {
    {"a person", "anna@example.org", "bert@example.net", TO, NULL},
    {"the null sender", "", "bert@example.net", TO, "no sender"},
    {"the user", "bert@example.net", "bert@example.net", TO, "the user"},
    {"the user, in capitals", "Bert@Example.NET", "bert@example.net", TO, "the user"},
    {"the user with a detail", "bert+x@example.net", "bert@example.net", TO, "the user"},
    {"the user's other address", "old@example.net", "bert@example.net", TO, "the user"},
    {"an address that begins alike", "bertha@example.net", "bert@example.net", TO, NULL},
    {"a daemon", "MAILER-DAEMON@example.org", "bert@example.net", TO, "a program"},
    {"a daemon with a detail", "mailer-daemon+x@example.org", "bert@example.net", TO, "a program"},
    {"LISTSERV", "LISTSERV@example.org", "bert@example.net", TO, "a program"},
    {"majordomo", "majordomo@example.org", "bert@example.net", TO, "a program"},
    {"a list's requests", "x-request@example.org", "bert@example.net", TO, "a program"},
    {"a list's owner", "owner-x@example.org", "bert@example.net", TO, "a program"},
    {"a list's owner, the other way", "x-owner@example.org", "bert@example.net", TO, "a program"},
    {"a list's bounces", "x-bounces@example.org", "bert@example.net", TO, "a program"},
    {"bounces with a key", "bounces+4711@example.org", "bert@example.net", TO, "a program"},
    {"no-reply", "no-reply@example.org", "bert@example.net", TO, "a program"},
    {"noreply", "NoReply@example.org", "bert@example.net", TO, "a program"},
    {"postmaster is a person", "postmaster@example.org", "bert@example.net", TO, NULL},
    {"a person with a hyphen", "anna-owner-x@example.org", "bert@example.net", TO, NULL},
    {"List-Id", "anna@example.org", "bert@example.net", TO "List-Id: <x>\n", "mailing list"},
    {"List-Unsubscribe", "anna@example.org", "bert@example.net",
        TO "LIST-UNSUBSCRIBE: <mailto:x>\n", "mailing list"},
    {"List-Post", "anna@example.org", "bert@example.net", TO "List-Post: NO\n", "mailing list"},
    {"List-Help", "anna@example.org", "bert@example.net", TO "List-Help: x\n", "mailing list"},
    {"List-Owner", "anna@example.org", "bert@example.net", TO "List-Owner: x\n", "mailing list"},
    {"List-Subscribe", "anna@example.org", "bert@example.net", TO "List-Subscribe: x\n",
        "mailing list"},
    {"List-Archive", "anna@example.org", "bert@example.net", TO "List-Archive: x\n",
        "mailing list"},
    {"an answer", "anna@example.org", "bert@example.net", TO "Auto-Submitted: auto-replied\n",
        "automatically"},
    {"a notification", "anna@example.org", "bert@example.net",
        TO "Auto-Submitted: auto-notified; owner-email=\"x@y\"\n", "automatically"},
    {"Auto-Submitted: no", "anna@example.org", "bert@example.net", TO "Auto-Submitted: No\n", NULL},
    {"the same with a comment", "anna@example.org", "bert@example.net",
        TO "Auto-Submitted: (really) no (yes)\n", NULL},
    {"no, then yes", "anna@example.org", "bert@example.net",
        TO "Auto-Submitted: no\nAuto-Submitted: auto-generated\n", "automatically"},
    {"bulk", "anna@example.org", "bert@example.net", TO "Precedence: Bulk\n", "bulk"},
    {"junk", "anna@example.org", "bert@example.net", TO "Precedence: junk\n", "bulk"},
    {"list", "anna@example.org", "bert@example.net", TO "Precedence: list\n", "bulk"},
    {"first class", "anna@example.org", "bert@example.net", TO "Precedence: first-class\n", NULL},
    {"suppressed", "anna@example.org", "bert@example.net", TO "X-Auto-Response-Suppress: DR, OOF\n",
        "asks for no"},
    {"all suppressed", "anna@example.org", "bert@example.net", TO "X-Auto-Response-Suppress: all\n",
        "asks for no"},
    {"others suppressed", "anna@example.org", "bert@example.net",
        TO "X-Auto-Response-Suppress: DR\n", NULL},
    {"a bounce with a sender", "anna@example.org", "bert@example.net",
        TO "Content-Type: multipart/report; report-type=delivery-status\n", "a report"},
    {"a blind copy", "anna@example.org", "bert@example.net", "To: carl@example.net\n",
        "no address of the user"},
    {"no recipients", "anna@example.org", "bert@example.net", "Subject: x\n",
        "no address of the user"},
    {"a broken To", "anna@example.org", "bert@example.net", "To: bert@@example.net\n",
        "no address of the user"},
    {"Cc", "anna@example.org", "bert@example.net", "Cc: carl@example.net, Bert@example.net\n",
        NULL},
    {"Bcc", "anna@example.org", "bert@example.net", "Bcc: bert@example.net\n", NULL},
    {"Resent-To", "anna@example.org", "bert@example.net", "Resent-To: bert@example.net\n", NULL},
    {"an alias", "anna@example.org", "bert@example.net", "To: sales@example.net\n", NULL},
    {"the other address", "anna@example.org", "bert@example.net", "To: old@example.net\n", NULL},
    {"a detail", "anna@example.org", "bert@example.net", "To: bert+shop@example.net\n", NULL},
    {"another user at the domain", "anna@example.org", "bert@example.net",
        "To: carl+bert@example.net\n", "no address of the user"},
};

static const char *why_not(const struct action *action)
{
	return action->letter->withheld;
}

/* The action of a vacation command for this message. */
static const struct action *answer(
    struct sieve_room *room, const char *script, struct memory *memory)
{
	struct sieve_errors errors = {0};
	struct sieve_result result;
	room->host.context = memory;
	room->host.is_duplicate = remember;
	struct sieve_script *compiled = room_compile(room, script, &errors);
	ck_assert_msg(compiled != NULL, "%s: %s", script, room_errors(room, &errors));
	enum sieve_end end = sieve_run(room->arena, compiled, &room->input, &result);
	ck_assert_msg(end == SIEVE_DONE, "%s", room_errors(room, &result.errors));
	ck_assert(result.implicit_keep);
	ck_assert_int_eq(result.actions.first->kind, ACTION_SEND);
	return result.actions.first;
}

START_TEST(who_is_answered)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sieve_room room;
		struct memory memory = {.answer = SIEVE_NO};
		struct bytes message = {0};
		bytes_appendf(&message, "%s\nHello\n", kinds[i].head);
		room_open(&room, bytes_span(&message));
		room.envelope.sender = room_address(&room, kinds[i].sender);
		room.recipient.address = room_address(&room, kinds[i].recipient);
		room.recipient.original = room_address(&room, "sales@example.net");
		const struct action *action = answer(&room,
		    "require \"vacation\"; vacation :addresses \"old@example.net\" \"x\";",
		    &memory);
		const char *why = why_not(action);
		if (kinds[i].why == NULL) {
			ck_assert_msg(why == NULL, "%s: %s", kinds[i].name, why);
			ck_assert_uint_eq(action->letter->recipient_count, 1);
			ck_assert_uint_eq(memory.count, 1);
		} else {
			ck_assert_msg(why != NULL && strstr(why, kinds[i].why) != NULL, "%s: %s",
			    kinds[i].name, why != NULL ? why : "answered");
			ck_assert_uint_eq(action->letter->recipient_count, 0);
			ck_assert_ptr_null(action->message);
			/* Asking would also remember. */
			ck_assert_uint_eq(memory.count, 0);
		}
		room_close(&room);
		bytes_clear(&message);
	}
}
END_TEST

START_TEST(one_answer_in_a_period)
{
	struct sieve_room room;
	struct memory memory = {.answer = SIEVE_YES};
	room_open(&room, SPAN(TO "\nHello\n"));
	room.recipient.address = room_address(&room, "bert@example.net");
	const struct action *action =
	    answer(&room, "require \"vacation\"; vacation \"x\";", &memory);
	ck_assert_ptr_nonnull(strstr(why_not(action), "not long ago"));
	memory.answer = SIEVE_CANNOT_TELL;
	ck_assert_ptr_nonnull(strstr(
	    room_run(&room, "require \"vacation\"; vacation \"x\";"), "cannot tell whether"));
	room_close(&room);
}
END_TEST

static const struct {
	const char *arguments;
	uint64_t seconds; /* 0: the memory is not asked */
} periods[] = {
    {"", 7 * 86400},
    {":days 0", 86400},
    {":days 3", 3 * 86400},
    {":days 1000", 60 * 86400},
    {":days 300000000000000", 60 * 86400},
    {":seconds 0", 0},
    {":seconds 1", 1},
    {":seconds 2147483647", 60 * 86400},
};

START_TEST(periods_are_kept_in_bounds)
{
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		struct sieve_room room;
		struct memory memory = {.answer = SIEVE_NO};
		room_open(&room, SPAN(TO "\nHello\n"));
		room.recipient.address = room_address(&room, "bert@example.net");
		const char *script = arena_textf(room.arena,
		    "require \"vacation-seconds\"; vacation %s \"x\";", periods[i].arguments);
		answer(&room, script, &memory);
		ck_assert_uint_eq(memory.count, periods[i].seconds > 0 ? 1 : 0);
		ck_assert_uint_eq(memory.seconds[0], periods[i].seconds);
		room_close(&room);
	}
}
END_TEST

static const struct {
	const char *name;
	const char *a;
	const char *b;
	bool is_same;
} pairs[] = {
    {"the same", "vacation \"x\";", "vacation \"x\";", true},
    {"other days", "vacation :days 2 \"x\";", "vacation :days 9 \"x\";", true},
    {"another reason", "vacation \"x\";", "vacation \"y\";", false},
    {"another subject", "vacation :subject \"s\" \"x\";", "vacation \"x\";", false},
    {"a value in another argument", "vacation :subject \"s\" \"x\";",
        "vacation :subject \"sx\" \"\";", false},
    {"mime", "vacation :mime \"x\";", "vacation \"x\";", false},
    {"a handle", "vacation :handle \"h\" \"x\";", "vacation :handle \"h\" \"y\";", true},
    {"another handle", "vacation :handle \"h\" \"x\";", "vacation :handle \"i\" \"x\";", false},
    {"a handle like a reason", "vacation :handle \"x\" \"x\";", "vacation \"x\";", false},
    {"variables are not expanded", "set \"v\" \"1\"; vacation :subject \"${v}\" \"x\";",
        "set \"v\" \"2\"; vacation :subject \"${v}\" \"x\";", true},
};

START_TEST(what_is_the_same_answer)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct sieve_room room;
		struct memory memory = {.answer = SIEVE_NO};
		room_open(&room, SPAN(TO "\nHello\n"));
		room.recipient.address = room_address(&room, "bert@example.net");
		static const char require[] = "require [\"vacation\", \"variables\"]; ";
		answer(&room, arena_textf(room.arena, "%s%s", require, pairs[i].a), &memory);
		room.envelope.sender = room_address(&room, "ANNA@example.org");
		answer(&room, arena_textf(room.arena, "%s%s", require, pairs[i].b), &memory);
		ck_assert_uint_eq(memory.count, 2);
		ck_assert_msg(span_equals(memory.ids[0], memory.ids[1]) == pairs[i].is_same, "%s",
		    pairs[i].name);
		room_close(&room);
	}
}
END_TEST

START_TEST(a_copy_is_filed)
{
	struct sieve_room room;
	room_open(&room, SPAN(TO "\nHello\n"));
	room.recipient.address = room_address(&room, "bert@example.net");
	ck_assert_str_eq(
	    room_run(&room, "require [\"vacation\", \"fcc\", \"imap4flags\", \"fileinto\"];"
	                    "setflag \"\\\\Flagged\"; fileinto \"Sent\";"
	                    "vacation :fcc \"Sent\" :flags \"\\\\Seen\" \"x\";"),
	    "fileinto Sent [\\Flagged], vacation, fileinto Sent [\\Seen]");
	room_close(&room);
}
END_TEST

/* A delivery that is tried again makes the same message. */
START_TEST(the_same_again)
{
	struct sieve_room room;
	struct memory memory = {.answer = SIEVE_NO};
	room_open(&room, SPAN(TO "Message-ID: <a@b>\n\nHello\n"));
	room.recipient.address = room_address(&room, "bert@example.net");
	const struct action *one = answer(&room, "require \"vacation\"; vacation \"x\";", &memory);
	const struct action *two = answer(&room, "require \"vacation\"; vacation \"x\";", &memory);
	ck_assert(span_equals(one->message->head, two->message->head));
	room_close(&room);
}
END_TEST

UNIT_TESTS("sieve vacation", who_is_answered, one_answer_in_a_period, periods_are_kept_in_bounds,
    what_is_the_same_answer, a_copy_is_filed, the_same_again)
