/* address_list.c - addresses in header values.
 *
 *	address-list = (mailbox / group) *("," (mailbox / group))	obs: empty members
 *	group        = display-name ":" [mailbox-list] ";"
 *	mailbox      = addr-spec / [phrase] "<" [ "@" domain *("," "@" domain) ":" ] addr-spec ">"
 *	addr-spec    = local-part "@" domain			obs: blanks and comments between
 *	local-part   = word *("." word)		domain = atom *("." atom) / "[" dtext "]"
 *	word         = atom / quoted-string	phrase: words, dots (obs)
 *
 * Comments nest to any depth and are counted, not recursed. What is no address is passed over up
 * to the next comma and told as invalid, so one bad entry does not hide the others. */
#include "sieve-lite/address_list.h"

#include "sieve-lite/header_text.h"

#include <string.h>

struct reader {
	struct arena *arena;
	struct span rest;
	struct listed_address **end;
	bool is_in_group;
	bool has_route;
	bool is_tolerant;   /* what stands behind an address up to the next comma is passed over */
	struct span phrase; /* before the angle bracket that is being read */
};

static int peek(const struct reader *reader)
{
	return reader->rest.len > 0 ? (unsigned char)reader->rest.data[0] : -1;
}

static void advance(struct reader *reader)
{
	reader->rest = span_from(reader->rest, 1);
}

static void skip_comment(struct reader *reader)
{
	unsigned depth = 0;
	do {
		if (peek(reader) == '(')
			depth++;
		else if (peek(reader) == ')')
			depth--;
		else if (peek(reader) == '\\')
			advance(reader);
		advance(reader);
	} while (depth > 0 && reader->rest.len > 0);
}

/* CFWS */
static void skip_space(struct reader *reader)
{
	for (;;) {
		int byte = peek(reader);
		if (byte == '(')
			skip_comment(reader);
		else if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n')
			advance(reader);
		else
			return;
	}
}

static bool is_atom(int byte)
{
	return byte > ' ' && byte != 0x7F && strchr("()<>[]:;@\\,.\"", byte) == NULL;
}

static bool take_atom(struct reader *reader, struct bytes *to)
{
	if (!is_atom(peek(reader)))
		return false;
	for (; is_atom(peek(reader)); advance(reader))
		bytes_append_byte(to, (char)peek(reader));
	return true;
}

/* quoted-string, without quotes and backslashes; folds go */
static bool take_quoted(struct reader *reader, struct bytes *to)
{
	if (peek(reader) != '"')
		return false;
	for (advance(reader); peek(reader) != -1; advance(reader)) {
		if (peek(reader) == '"') {
			advance(reader);
			return true;
		}
		if (peek(reader) == '\\')
			advance(reader);
		if (peek(reader) != -1 && peek(reader) != '\r' && peek(reader) != '\n')
			bytes_append_byte(to, (char)peek(reader));
	}
	return false;
}

/* "[" dtext "]", brackets included */
static bool take_literal(struct reader *reader, struct bytes *to)
{
	if (peek(reader) != '[')
		return false;
	for (; peek(reader) != -1; advance(reader)) {
		int byte = peek(reader);
		if (byte > ' ')
			bytes_append_byte(to, (char)byte);
		if (byte == ']') {
			advance(reader);
			return true;
		}
	}
	return false;
}

/* What a mailbox may begin with: a phrase or a local part, which look alike. */
struct words {
	struct bytes text; /* as a local part: words and dots */
	bool is_local;     /* it can be one: words with dots between */
};

/* *(word / "."); dots at its ends or side by side are no local part, but there are mailboxes with
 * them. False: a quoted string is not closed */
static bool take_words(struct reader *reader, struct words *words)
{
	bool wants_word = true;
	bool has_word = false;
	words->is_local = true;
	for (;;) {
		skip_space(reader);
		int byte = peek(reader);
		if (byte == '.') {
			bytes_append_byte(&words->text, '.');
			advance(reader);
			wants_word = true;
			continue;
		}
		if (byte != '"' && !is_atom(byte)) {
			words->is_local = words->is_local && has_word;
			return true;
		}
		words->is_local = words->is_local && wants_word;
		wants_word = false;
		has_word = true;
		if (byte == '"' ? !take_quoted(reader, &words->text)
		                : !take_atom(reader, &words->text))
			return false;
	}
}

/* domain, the "@" before it taken */
static bool take_domain(struct reader *reader, struct bytes *to)
{
	skip_space(reader);
	if (peek(reader) == '[') {
		bool is_closed = take_literal(reader, to);
		skip_space(reader);
		return is_closed;
	}
	for (;;) {
		skip_space(reader);
		if (!take_atom(reader, to))
			return false;
		skip_space(reader);
		if (peek(reader) != '.')
			return true;
		bytes_append_byte(to, '.');
		advance(reader);
	}
}

/* obs-route = *("," / CFWS) "@" domain *("," [CFWS] ["@" domain]) ":" */
static bool skip_route(struct reader *reader)
{
	struct bytes domain = {0};
	bool is_sound = true;
	for (;;) {
		skip_space(reader);
		if (peek(reader) == ',')
			advance(reader);
		else if (peek(reader) == '@') {
			advance(reader);
			is_sound = take_domain(reader, &domain);
		} else
			break;
		if (!is_sound)
			break;
	}
	bytes_clear(&domain);
	if (!is_sound || peek(reader) != ':')
		return false;
	advance(reader);
	return true;
}

static void add(struct reader *reader, const struct address *address, bool is_valid)
{
	struct listed_address *listed = ARENA_NEW(reader->arena, struct listed_address);
	*listed = (struct listed_address){
	    .address = *address, .is_valid = is_valid, .phrase = reader->phrase};
	*reader->end = listed;
	reader->end = &listed->next;
}

static void add_valid(struct reader *reader, struct span local, struct span domain)
{
	struct address address = {
	    .local = arena_span(reader->arena, local),
	    .domain = arena_span(reader->arena, domain),
	};
	struct span quoted = address_quote_local(reader->arena, address.local);
	struct bytes text = {0};
	bytes_append_span(&text, quoted);
	bytes_append_byte(&text, '@');
	bytes_append_span(&text, domain);
	address.text = arena_span(reader->arena, bytes_span(&text));
	bytes_clear(&text);
	add(reader, &address, true);
}

/* A semicolon ends a group; where there is none, programs mean a comma. */
static bool at_member_end(const struct reader *reader)
{
	int byte = peek(reader);
	return byte == -1 || byte == ',' || byte == ';';
}

/* Up to the next comma that is not quoted, in a comment or in angle brackets. */
static void skip_broken(struct reader *reader)
{
	bool is_in_angle = false;
	struct bytes ignored = {0};
	for (;;) {
		skip_space(reader);
		int byte = peek(reader);
		if (at_member_end(reader) && (byte != ',' || !is_in_angle))
			break;
		if (byte == '<' || byte == '>')
			is_in_angle = byte == '<';
		if (byte != '"' || !take_quoted(reader, &ignored))
			advance(reader);
	}
	bytes_clear(&ignored);
}

/* "@" domain behind a local part, and nothing more */
static bool finish_address(struct reader *reader, const struct words *local, int closing)
{
	struct bytes domain = {0};
	bool is_sound = local->is_local && peek(reader) == '@';
	if (is_sound) {
		advance(reader);
		is_sound = take_domain(reader, &domain);
	}
	skip_space(reader);
	if (is_sound && closing == '>') {
		is_sound = peek(reader) == '>';
		if (is_sound)
			advance(reader);
		skip_space(reader);
	}
	if (is_sound && reader->is_tolerant && peek(reader) != '@' && peek(reader) != '<')
		skip_broken(reader);
	is_sound = is_sound && at_member_end(reader);
	if (is_sound)
		add_valid(reader, bytes_span(&local->text), bytes_span(&domain));
	bytes_clear(&domain);
	return is_sound;
}

/* The cursor is behind "<". */
static bool take_angle(struct reader *reader)
{
	skip_space(reader);
	reader->has_route = peek(reader) == '@' || peek(reader) == ',';
	if (reader->has_route && !skip_route(reader))
		return false;
	struct words local = {0};
	bool is_sound = take_words(reader, &local) && finish_address(reader, &local, '>');
	bytes_clear(&local.text);
	return is_sound;
}

/* One member. False: what stands there is no address. */
static bool take_member(struct reader *reader)
{
	struct words words = {0};
	struct span start = reader->rest;
	bool is_sound = take_words(reader, &words);
	if (is_sound && peek(reader) == '<') {
		reader->phrase = span_trim(span_first(start, start.len - reader->rest.len));
		advance(reader);
		is_sound = take_angle(reader);
		reader->phrase = SPAN("");
	} else if (is_sound && peek(reader) == ':' && words.text.len > 0 && !reader->is_in_group) {
		advance(reader);
		reader->is_in_group = true;
	} else if (is_sound) {
		is_sound = finish_address(reader, &words, -1);
	}
	bytes_clear(&words.text);
	return is_sound;
}

/* Many programs write an unquoted address or other specials before the real one in angle
 * brackets; people see the latter. */
static bool rescue_angle(struct reader *reader, struct span broken)
{
	struct reader angle = *reader;
	size_t start = span_find_last(broken, '<');
	if (start == broken.len)
		return false;
	angle.rest = span_from(broken, start + 1);
	angle.is_in_group = false;
	bool is_sound = take_angle(&angle);
	reader->end = angle.end;
	return is_sound;
}

static void read_member(struct reader *reader)
{
	struct span start = reader->rest;
	if (take_member(reader))
		return;
	reader->rest = start;
	skip_broken(reader);
	struct span broken = span_trim(span_first(start, start.len - reader->rest.len));
	struct address address = {broken, SPAN(""), SPAN("")};
	if (!rescue_angle(reader, broken))
		add(reader, &address, false);
}

struct listed_address *address_list_parse(struct arena *arena, struct span value)
{
	struct listed_address *first = NULL;
	struct reader reader = {.arena = arena, .rest = value, .end = &first, .is_tolerant = true};
	for (;;) {
		skip_space(&reader);
		int byte = peek(&reader);
		if (byte == -1)
			return first;
		if (byte == ',' || byte == ';') {
			advance(&reader);
			reader.is_in_group = reader.is_in_group && byte == ',';
		} else {
			read_member(&reader);
		}
	}
}

bool address_list_one(struct arena *arena, struct span text, struct address *address_out)
{
	struct listed_address *first = NULL;
	struct reader reader = {.arena = arena, .rest = text, .end = &first};
	skip_space(&reader);
	if (!take_member(&reader) || first == NULL || reader.rest.len > 0 || reader.has_route)
		return false;
	*address_out = first->address;
	return true;
}

bool address_list_target(struct arena *arena, struct span text, struct address *address_out)
{
	struct address listed;
	return address_list_one(arena, text, &listed) &&
	       address_parse(arena, listed.text, address_out, NULL);
}

struct span address_list_name(struct arena *arena, const struct listed_address *listed)
{
	struct reader reader = {.arena = arena, .rest = listed->phrase};
	struct bytes name = {0};
	for (;;) {
		skip_space(&reader);
		int byte = peek(&reader);
		if (byte == -1)
			break;
		if (name.len > 0 && byte != '.')
			bytes_append_byte(&name, ' ');
		if (byte == '"' ? take_quoted(&reader, &name) : take_atom(&reader, &name))
			continue;
		if (byte == '.')
			bytes_append_byte(&name, '.');
		advance(&reader);
	}
	struct span text = arena_span(arena, bytes_span(&name));
	bytes_clear(&name);
	return header_text_decode(arena, text);
}
