/* lmtp_forward.c - the attributes of XFORWARD and XCLIENT.
 *
 *	argument = 1*( SP keyword "=" value )
 *	value    = xtext / "[UNAVAILABLE]" / "[TEMPUNAVAIL]" */
#include "lmtp-bridge/lmtp_forward.h"

#include "base/network.h"
#include "base/number.h"
#include "lmtp-bridge/lmtp_parameter.h"

#include <stddef.h>
#include <string.h>

#define VALUE_MAX 255
#define IPV6_TAG "IPV6:"

enum kind { KIND_WORD, KIND_TEXT, KIND_ADDRESS, KIND_PORT };
enum { XFORWARD = 1, XCLIENT = 2 };

static const struct attribute {
	const char *keyword;
	enum kind kind;
	unsigned commands;
	size_t offset;
} attributes[] = {
    {"NAME", KIND_WORD, XFORWARD | XCLIENT, offsetof(struct lmtp_forward, name)},
    {"ADDR", KIND_ADDRESS, XFORWARD | XCLIENT, offsetof(struct lmtp_forward, address)},
    {"PORT", KIND_PORT, XFORWARD | XCLIENT, offsetof(struct lmtp_forward, port)},
    {"PROTO", KIND_WORD, XFORWARD | XCLIENT, offsetof(struct lmtp_forward, protocol)},
    {"HELO", KIND_WORD, XFORWARD | XCLIENT, offsetof(struct lmtp_forward, helo)},
    {"IDENT", KIND_WORD, XFORWARD, offsetof(struct lmtp_forward, ident)},
    {"SOURCE", KIND_WORD, XFORWARD, offsetof(struct lmtp_forward, source)},
    {"LOGIN", KIND_TEXT, XCLIENT, offsetof(struct lmtp_forward, login)},
    {"DESTADDR", KIND_ADDRESS, XCLIENT, offsetof(struct lmtp_forward, destination_address)},
    {"DESTPORT", KIND_PORT, XCLIENT, offsetof(struct lmtp_forward, destination_port)},
};

#define ATTRIBUTE_COUNT (sizeof(attributes) / sizeof(attributes[0]))

static struct span *field(struct lmtp_forward *forward, const struct attribute *attribute)
{
	return (struct span *)(void *)((char *)forward + attribute->offset);
}

/* What goes into header fields and records must not look like something else there. */
static void make_safe(struct bytes *value, bool is_word)
{
	for (size_t i = 0; i < value->len; i++) {
		char byte = value->data[i];
		bool is_fine = ascii_is_visible(byte) && strchr("()<>;,\"\\", byte) == NULL;
		if (!is_word)
			is_fine = (unsigned char)byte >= ' ' && byte != 0x7F;
		if (!is_fine)
			value->data[i] = '?';
	}
}

static bool take_address(struct bytes *value)
{
	if (span_starts_with_nocase(bytes_span(value), IPV6_TAG))
		bytes_drop(value, strlen(IPV6_TAG));
	return network_is_address(bytes_span(value));
}

static bool decode(struct span text, enum kind kind, struct bytes *value)
{
	uint64_t port;
	if (span_is_nocase(text, "[UNAVAILABLE]") || span_is_nocase(text, "[TEMPUNAVAIL]"))
		return true;
	if (!lmtp_xtext_decode(text, value) || value->len > VALUE_MAX)
		return false;
	if (kind == KIND_ADDRESS)
		return take_address(value);
	if (kind == KIND_PORT)
		return number_parse(bytes_span(value), 65535, &port);
	make_safe(value, kind == KIND_WORD);
	return true;
}

static bool take_attribute(struct arena *arena, struct span piece, unsigned command,
    struct lmtp_forward *forward, const char **why)
{
	struct span keyword = span_first(piece, span_find(piece, '='));
	struct span text = span_from(piece, keyword.len + 1);
	struct bytes value = {0};
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		const struct attribute *attribute = &attributes[i];
		if (!span_is_nocase(keyword, attribute->keyword) ||
		    (attribute->commands & command) == 0)
			continue;
		bool is_good = keyword.len < piece.len && decode(text, attribute->kind, &value);
		if (is_good)
			*field(forward, attribute) = arena_span(arena, bytes_span(&value));
		bytes_clear(&value);
		*why = arena_textf(arena, "Bad %s value", attribute->keyword);
		return is_good;
	}
	*why = "Bad attribute name";
	return false;
}

bool lmtp_forward_parse(struct arena *arena, struct span argument, bool is_xclient,
    struct lmtp_forward *forward, const char **why_out)
{
	struct lmtp_forward told = *forward;
	struct span piece;
	if (argument.len == 0) {
		*why_out = "Attributes wanted";
		return false;
	}
	while (span_next_piece(&argument, ' ', &piece)) {
		if (piece.len > 0 &&
		    !take_attribute(arena, piece, is_xclient ? XCLIENT : XFORWARD, &told, why_out))
			return false;
	}
	*forward = told;
	return true;
}

/* All of it is copied each time, so that what is replaced takes no memory. */
void lmtp_told_add(struct lmtp_told *told, const struct lmtp_forward *forward)
{
	struct lmtp_forward added = *forward;
	struct arena *arena = arena_new();
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		struct span *kept = field(&told->forward, &attributes[i]);
		const struct span *fresh = field(&added, &attributes[i]);
		if (fresh->data != NULL)
			*kept = *fresh;
		if (kept->data != NULL)
			*kept = arena_span(arena, *kept);
	}
	arena_free(&told->arena);
	told->arena = arena;
}

void lmtp_told_clear(struct lmtp_told *told)
{
	arena_free(&told->arena);
	told->forward = (struct lmtp_forward){0};
}
