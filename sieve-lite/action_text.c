/* action_text.c - what a script decided, for people and for programs. */
#include "sieve-lite/action_text.h"

#include "base/json.h"
#include "sieve-lite/explain.h"

/* -- for people -------------------------------------------------------------------------------- */

/* Whom a letter goes to, or why to nobody. */
static void print_letter(const struct action_letter *letter, struct bytes *to)
{
	for (size_t i = 0; i < letter->recipient_count; i++) {
		bytes_append_byte(to, ' ');
		explain_quote(to, letter->recipients[i]);
	}
	if (letter->withheld != NULL)
		bytes_appendf(to, ", not sent: %s", letter->withheld);
	else if (letter->sender.len == 0)
		bytes_append_text(to, ", without a sender");
	else
		bytes_appendf(to, ", from %.*s", (int)letter->sender.len, letter->sender.data);
}

/* All of what was composed. It is in memory. */
static struct span composed(struct arena *arena, const struct message *message)
{
	struct status status;
	size_t got = 0;
	char *data = arena_new_items(arena, (size_t)message->size_bytes + 1, 1);
	message_read(message, 0, data, (size_t)message->size_bytes, &got, &status);
	return (struct span){data, got};
}

/* A bar before each line; what could do harm to a terminal is "?". */
static void print_composed(struct span rest, struct bytes *to)
{
	struct span line;
	while (span_next_line(&rest, &line)) {
		bytes_append_text(to, line.len > 0 ? "    | " : "    |");
		for (size_t i = 0; i < line.len; i++) {
			unsigned char byte = (unsigned char)line.data[i];
			bool is_control = (byte < ' ' && byte != '\t') || byte == 0x7F;
			bytes_append_byte(to, is_control ? '?' : line.data[i]);
		}
		bytes_append_byte(to, '\n');
	}
}

void action_print(const struct action_teller *teller, const struct action *action,
    struct span stored_in, struct bytes *to)
{
	bool is_sent = action->kind == ACTION_SEND;
	const struct span objects[] = {
	    action->folder, action->special_use, action->address, action->text};
	bytes_appendf(to, "  %s", action_name(action));
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		if (objects[i].len == 0)
			continue;
		bytes_append_byte(to, ' ');
		explain_quote(to, objects[i]);
	}
	if (action->may_create)
		bytes_append_text(to, ", made where missing");
	for (size_t i = 0; i < action->flag_count; i++)
		bytes_appendf(to, "%s%.*s", i == 0 ? ", flags " : " ", (int)action->flags[i].len,
		    action->flags[i].data);
	if (is_sent)
		print_letter(action->letter, to);
	else if (action->letter != NULL)
		bytes_appendf(to, ", a copy of what %s sends", action->letter->name);
	else if (action->message != NULL && action->message != teller->original)
		bytes_append_text(to, ", as the script changed the message");
	if (action->is_implicit)
		bytes_append_text(to, " (implicit: nothing cancelled it)");
	else
		bytes_appendf(to, "  (%s:%u)", action->origin.script, action->origin.line);
	bytes_append_byte(to, '\n');
	if (stored_in.len > 0) {
		bytes_append_text(to, "    stored in ");
		explain_quote(to, stored_in);
		bytes_append_byte(to, '\n');
	}
	if (is_sent && action->message != NULL)
		print_composed(composed(teller->arena, action->message), to);
}

/* -- for programs ------------------------------------------------------------------------------ */

static void json_field(struct bytes *to, const char *name, struct span value)
{
	bytes_appendf(to, "\"%s\":", name);
	json_append_string(to, value);
}

static void json_optional(struct bytes *to, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	bytes_append_byte(to, ',');
	json_field(to, name, value);
}

static void json_letter(
    const struct action_teller *teller, const struct action *action, struct bytes *to)
{
	const struct action_letter *letter = action->letter;
	bytes_append_byte(to, ',');
	json_field(to, "sender", letter->sender);
	bytes_append_text(to, ",\"recipients\":[");
	for (size_t i = 0; i < letter->recipient_count; i++) {
		bytes_append_text(to, i > 0 ? "," : "");
		json_append_string(to, letter->recipients[i]);
	}
	bytes_append_byte(to, ']');
	json_optional(to, "not_sent", span_of(letter->withheld));
	if (action->message != NULL)
		json_optional(to, "message", composed(teller->arena, action->message));
}

void action_print_json(const struct action_teller *teller, const struct action *action,
    struct span stored_in, struct bytes *to)
{
	bytes_append_byte(to, '{');
	json_field(to, "action", span_of(action_name(action)));
	bytes_appendf(to, ",\"implicit\":%s", action->is_implicit ? "true" : "false");
	json_optional(to, "folder", action->folder);
	json_optional(to, "special_use", action->special_use);
	json_optional(to, "address", action->address);
	json_optional(to, "text", action->text);
	json_optional(to, "stored_in", stored_in);
	if (action->kind == ACTION_SEND)
		json_letter(teller, action, to);
	else if (action->letter != NULL)
		json_optional(to, "copy_of", span_of(action->letter->name));
	bytes_append_text(to, ",\"flags\":[");
	for (size_t i = 0; i < action->flag_count; i++) {
		bytes_append_text(to, i > 0 ? "," : "");
		json_append_string(to, action->flags[i]);
	}
	bytes_append_byte(to, ']');
	if (!action->is_implicit) {
		bytes_append_byte(to, ',');
		json_field(to, "script", span_of(action->origin.script));
		bytes_appendf(
		    to, ",\"line\":%u,\"column\":%u", action->origin.line, action->origin.column);
	}
	bytes_append_byte(to, '}');
}
