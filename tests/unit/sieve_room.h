#ifndef TESTS_UNIT_SIEVE_ROOM_H
#define TESTS_UNIT_SIEVE_ROOM_H

/* A script and a message from strings, and what came out as one string to compare. */
#include "sieve-lite/sieve.h"
#include "tests/unit/unit.h"

#include <string.h>

struct sieve_room {
	struct arena *arena;
	struct spool *spool;
	struct message message;
	struct envelope envelope;
	struct envelope_recipient recipient;
	struct sieve_host host;
	struct sieve_input input;
};

static inline struct address room_address(struct sieve_room *room, const char *text)
{
	struct address address;
	ck_assert(address_parse(room->arena, span_of(text), &address, NULL));
	return address;
}

static inline void room_open(struct sieve_room *room, struct span message)
{
	struct status status;
	memset(room, 0, sizeof(*room));
	room->arena = arena_new();
	room->spool = spool_new("/tmp");
	ck_assert(spool_append(room->spool, message.data, message.len, &status));
	ck_assert(spool_finish(room->spool, &status));
	ck_assert(message_open(room->arena, room->spool, &room->message, &status));
	room->envelope.sender = room_address(room, "anna@example.org");
	room->recipient.address = room_address(room, "bert+lists@example.net");
	room->input = (struct sieve_input){
	    .message = &room->message,
	    .envelope = &room->envelope,
	    .recipient = &room->recipient,
	    .recipient_delimiter = "+",
	    .now = {.tv_sec = 1795255200},
	    .host = &room->host,
	};
}

static inline void room_close(struct sieve_room *room)
{
	spool_free(&room->spool);
	arena_free(&room->arena);
}

static inline struct sieve_script *room_compile(
    struct sieve_room *room, const char *script, struct sieve_errors *errors)
{
	const struct sieve_compile_options options = {
	    .name = "t", .abilities = SIEVE_CAN_EVERYTHING, .finds_warnings = true};
	return sieve_compile(room->arena, span_of(script), &options, errors);
}

/* "2:5 message|3:1 message", warnings with "warning: " before the message. */
static inline const char *room_errors(struct sieve_room *room, const struct sieve_errors *errors)
{
	struct bytes text = {0};
	for (const struct sieve_error *error = errors->first; error != NULL; error = error->next)
		bytes_appendf(&text, "%s%u:%u %s%s", text.len > 0 ? "|" : "", error->line,
		    error->column, error->is_warning ? "warning: " : "", error->message);
	const char *copy = arena_text(room->arena, bytes_span(&text));
	bytes_clear(&text);
	return copy;
}

static inline void room_append_flags(struct bytes *text, const struct action *action)
{
	for (size_t i = 0; i < action->flag_count; i++)
		bytes_appendf(text, "%s%.*s", i == 0 ? " [" : " ", (int)action->flags[i].len,
		    action->flags[i].data);
	if (action->flag_count > 0)
		bytes_append_byte(text, ']');
}

/* "fileinto A [work], implicit keep"; a run that ended badly gives its errors. */
static inline const char *room_run(struct sieve_room *room, const char *script)
{
	struct sieve_errors errors = {0};
	struct sieve_result result;
	struct sieve_script *compiled = room_compile(room, script, &errors);
	ck_assert_msg(compiled != NULL, "%s: %s", script, room_errors(room, &errors));
	if (sieve_run(room->arena, compiled, &room->input, &result) != SIEVE_DONE)
		return room_errors(room, &result.errors);
	struct bytes text = {0};
	for (const struct action *action = result.actions.first; action != NULL;
	     action = action->next) {
		bytes_appendf(&text, "%s%s", text.len > 0 ? ", " : "", action_name(action));
		if (action->folder.len > 0)
			bytes_appendf(&text, " %.*s", (int)action->folder.len, action->folder.data);
		room_append_flags(&text, action);
	}
	if (result.implicit_keep) {
		bytes_appendf(&text, "%simplicit keep", text.len > 0 ? ", " : "");
		room_append_flags(&text, &result.keep);
	}
	const char *copy = arena_text(room->arena, bytes_span(&text));
	bytes_clear(&text);
	return copy;
}

/* Whether a test holds for the room's message. `require` is a list as in a script. */
static inline bool room_test(struct sieve_room *room, const char *require, const char *test)
{
	char *script = arena_textf(room->arena, "require [%s]; if %s { discard; }", require, test);
	const char *result = room_run(room, script);
	ck_assert_msg(strcmp(result, "discard") == 0 || strcmp(result, "implicit keep") == 0,
	    "%s: %s", test, result);
	return strcmp(result, "discard") == 0;
}

#endif
