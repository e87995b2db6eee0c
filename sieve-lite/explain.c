/* explain.c - the tree of a run.
 *
 * A test is told after the tests and values below it, a command before. So what is told waits in
 * `pending` until the test comes that stands above it (its depth is smaller), or the next
 * command: then it belongs to the command before. Of a test with the result "yes" a person wants
 * the value that matched; of one with "no", all that did not. */
#include "sieve-lite/explain.h"

#include "base/json.h"

#include <stdint.h>
#include <string.h>

#define SHOWN_BYTES 120
#define SHOWN_VALUES 10

static void append(struct explain_node *to, struct explain_node *node)
{
	if (to->last != NULL)
		to->last->next = node;
	else
		to->first = node;
	to->last = node;
}

static void move_all(struct explain_node *to, struct explain_node *from)
{
	if (from->first != NULL) {
		append(to, from->first);
		to->last = from->last;
	}
	from->first = NULL;
	from->last = NULL;
}

void explain_init(struct explain *explain, struct arena *arena)
{
	*explain = (struct explain){.arena = arena};
	explain->command = &explain->root;
}

static bool is_below(const struct sieve_trace_event *event, unsigned depth)
{
	return event->depth > depth || (event->depth == depth && event->kind == SIEVE_TRACE_VALUE);
}

/* Takes what is pending below the test; that stands at the end. */
static void adopt(struct explain *explain, struct explain_node *test)
{
	struct explain_node pending = explain->pending;
	struct explain_node *node = pending.first;
	explain->pending = (struct explain_node){.first = NULL};
	while (node != NULL) {
		struct explain_node *next = node->next;
		node->next = NULL;
		append(is_below(&node->event, test->event.depth) ? test : &explain->pending, node);
		node = next;
	}
	append(&explain->pending, test);
}

void explain_tell(void *context, const struct sieve_trace_event *event)
{
	struct explain *explain = context;
	if (explain->count == EXPLAIN_EVENTS_MAX) {
		explain->left_out++;
		return;
	}
	explain->count++;
	struct explain_node *node = ARENA_NEW(explain->arena, struct explain_node);
	node->event = *event;
	switch (event->kind) {
	case SIEVE_TRACE_VALUE:
		append(&explain->pending, node);
		return;
	case SIEVE_TRACE_TEST:
		adopt(explain, node);
		return;
	case SIEVE_TRACE_COMMAND:
		break;
	}
	explain_finish(explain);
	struct explain_node *above = explain->command;
	while (above->above != NULL && above->event.depth >= event->depth)
		above = above->above;
	node->above = above;
	append(above, node);
	explain->command = node;
}

void explain_finish(struct explain *explain)
{
	move_all(explain->command, &explain->pending);
}

/* -- For people -------------------------------------------------------------------------------- */

void explain_quote(struct bytes *to, struct span text)
{
	struct span shown = span_first(text, SHOWN_BYTES);
	while (shown.len < text.len && shown.len > 0 &&
	       ((unsigned char)text.data[shown.len] & 0xC0) == 0x80)
		shown.len--;
	bytes_append_byte(to, '"');
	for (size_t i = 0; i < shown.len; i++) {
		bool is_control = (unsigned char)shown.data[i] < ' ' || shown.data[i] == 0x7F;
		bytes_append_byte(to, is_control ? '?' : shown.data[i]);
	}
	bytes_append_text(to, shown.len < text.len ? "...\"" : "\"");
}

struct printer {
	struct bytes *to;
	const char *dim;
	const char *bold;
	const char *yes;
	const char *no;
	const char *plain;
	struct bytes prefix; /* the lines that lead down to what is below */
};

/* There are thousands of lines: this and its like are not left to printf. */
static void print_number(struct bytes *to, unsigned number)
{
	char digits[] = "           ";
	size_t at = sizeof(digits) - 1;
	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	size_t wide = sizeof(digits) - 1 - 5;
	bytes_append_text(to, digits + (at < wide ? at : wide));
}

static void print_start(struct printer *printer, unsigned line, bool is_last)
{
	bytes_append_text(printer->to, printer->dim);
	print_number(printer->to, line);
	bytes_append_text(printer->to, "  ");
	bytes_append_span(printer->to, bytes_span(&printer->prefix));
	bytes_append_text(printer->to, is_last ? "\u2514\u2500 " : "\u251c\u2500 ");
	bytes_append_text(printer->to, printer->plain);
}

static void print_name(
    struct printer *printer, const char *colour, const char *before, const char *name)
{
	bytes_append_text(printer->to, colour);
	bytes_append_text(printer->to, before);
	bytes_append_text(printer->to, name);
	bytes_append_text(printer->to, printer->plain);
}

static void print_result(struct printer *printer, bool result)
{
	bytes_append_text(printer->to, "  ");
	print_name(printer, result ? printer->yes : printer->no, "", result ? "yes" : "no");
	bytes_append_byte(printer->to, '\n');
}

static bool is_same_value(const struct explain_node *a, const struct explain_node *b)
{
	return a->event.result == b->event.result &&
	       (a->event.value.data == NULL) == (b->event.value.data == NULL) &&
	       span_equals(a->event.source, b->event.source) &&
	       span_equals(a->event.value, b->event.value);
}

/* A value with all keys that it was compared with in vain. */
static void print_value(struct printer *printer, const struct explain_node *node,
    const struct explain_node *parent, bool is_last)
{
	const struct sieve_trace_event *event = &node->event;
	const struct explain_node *first = node;
	unsigned key_count = 0;
	/* Without a match type the event has the name of its test or command. */
	bool is_compared = strcmp(event->name, parent->event.name) != 0;
	bool is_absent = event->value.data == NULL;
	print_start(printer, event->line, is_last);
	bytes_append_span(printer->to, event->source);
	if (is_absent)
		bytes_append_text(printer->to, " is not there");
	else if (is_compared || event->value.len > 0) {
		bytes_append_byte(printer->to, ' ');
		explain_quote(printer->to, event->value);
	}
	if (is_compared && !is_absent)
		print_name(printer, printer->dim, " :", event->name);
	for (; node != NULL && is_same_value(node, first); node = node->next) {
		if (is_absent || (!is_compared && node->event.key.len == 0) ||
		    ++key_count > SHOWN_VALUES)
			continue;
		bytes_append_text(printer->to, key_count > 1 ? ", " : " ");
		explain_quote(printer->to, node->event.key);
	}
	if (key_count > SHOWN_VALUES)
		bytes_appendf(printer->to, " and %u more", key_count - SHOWN_VALUES);
	/* What a command looks at decides nothing. */
	if (parent->event.kind == SIEVE_TRACE_TEST)
		print_result(printer, event->result);
	else
		bytes_append_byte(printer->to, '\n');
}

/* What decided nothing is left out: values that did not match where one did. */
static bool is_shown(const struct explain_node *parent, const struct explain_node *node)
{
	bool is_yes = parent->event.kind == SIEVE_TRACE_TEST && parent->event.result;
	return node->event.kind != SIEVE_TRACE_VALUE || node->event.result || !is_yes;
}

static const struct explain_node *next_shown(
    const struct explain_node *parent, const struct explain_node *node)
{
	while (node != NULL && !is_shown(parent, node))
		node = node->next;
	return node;
}

/* Behind the values that are printed on one line with `node`. */
static const struct explain_node *behind(const struct explain_node *node)
{
	const struct explain_node *next = node->next;
	while (node->event.kind == SIEVE_TRACE_VALUE && next != NULL &&
	       next->event.kind == SIEVE_TRACE_VALUE && is_same_value(next, node))
		next = next->next;
	return next;
}

static void print_below(struct printer *printer, const struct explain_node *parent);

static void print_node(struct printer *printer, const struct explain_node *node, bool is_last)
{
	const struct sieve_trace_event *event = &node->event;
	size_t len = printer->prefix.len;
	print_start(printer, event->line, is_last);
	if (event->kind == SIEVE_TRACE_TEST) {
		bytes_append_text(printer->to, event->name);
		print_result(printer, event->result);
	} else {
		print_name(printer, printer->bold, "", event->name);
		bytes_append_byte(printer->to, '\n');
	}
	bytes_append_text(&printer->prefix, is_last ? "   " : "\u2502  ");
	print_below(printer, node);
	printer->prefix.len = len;
}

static void print_below(struct printer *printer, const struct explain_node *parent)
{
	const struct explain_node *node = next_shown(parent, parent->first);
	unsigned value_count = 0;
	while (node != NULL) {
		const struct explain_node *next = next_shown(parent, behind(node));
		if (node->event.kind != SIEVE_TRACE_VALUE)
			print_node(printer, node, next == NULL);
		else if (++value_count <= SHOWN_VALUES)
			print_value(printer, node, parent, next == NULL);
		node = next;
	}
	if (value_count > SHOWN_VALUES)
		bytes_appendf(printer->to, "       %.*s   ... and %u values more\n",
		    (int)printer->prefix.len, printer->prefix.data, value_count - SHOWN_VALUES);
}

void explain_print(const struct explain *explain, bool has_colours, struct bytes *to)
{
	struct printer printer = {
	    .to = to,
	    .dim = has_colours ? "\033[2m" : "",
	    .bold = has_colours ? "\033[1m" : "",
	    .yes = has_colours ? "\033[32m" : "",
	    .no = has_colours ? "\033[31m" : "",
	    .plain = has_colours ? "\033[0m" : "",
	};
	print_below(&printer, &explain->root);
	if (explain->left_out > 0)
		bytes_appendf(to, "       ... and %zu steps more\n", explain->left_out);
	bytes_clear(&printer.prefix);
}

/* -- For programs ------------------------------------------------------------------------------ */

static void json_field(struct bytes *to, const char *name, struct span value)
{
	bytes_appendf(to, "\"%s\":", name);
	json_append_string(to, value);
}

static void json_nodes(const struct explain_node *parent, struct bytes *to);

static void json_node(const struct explain_node *node, struct bytes *to)
{
	static const char *const names[] = {
	    [SIEVE_TRACE_COMMAND] = "command",
	    [SIEVE_TRACE_VALUE] = "match",
	    [SIEVE_TRACE_TEST] = "test",
	};
	const struct sieve_trace_event *event = &node->event;
	bytes_append_byte(to, '{');
	json_field(to, names[event->kind], span_of(event->name));
	bytes_append_byte(to, ',');
	json_field(to, "script", span_of(event->script));
	bytes_appendf(to, ",\"line\":%u,\"column\":%u", event->line, event->column);
	if (event->kind == SIEVE_TRACE_VALUE) {
		bytes_append_byte(to, ',');
		json_field(to, "source", event->source);
		bytes_append_byte(to, ',');
		if (event->value.data != NULL)
			json_field(to, "value", event->value);
		else
			bytes_append_text(to, "\"value\":null");
		bytes_append_byte(to, ',');
		json_field(to, "key", event->key);
	}
	if (event->kind != SIEVE_TRACE_COMMAND)
		bytes_appendf(to, ",\"result\":%s", event->result ? "true" : "false");
	if (node->first != NULL) {
		bytes_append_text(to, ",\"below\":");
		json_nodes(node, to);
	}
	bytes_append_byte(to, '}');
}

static void json_nodes(const struct explain_node *parent, struct bytes *to)
{
	bytes_append_byte(to, '[');
	for (const struct explain_node *node = parent->first; node != NULL; node = node->next) {
		if (node != parent->first)
			bytes_append_byte(to, ',');
		json_node(node, to);
	}
	bytes_append_byte(to, ']');
}

void explain_print_json(const struct explain *explain, struct bytes *to)
{
	json_nodes(&explain->root, to);
}
