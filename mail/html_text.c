/* html_text.c - what a person reads of an HTML page.
 *
 * No parser of HTML: tags are passed over, wherever they stand, so that "V<b>i</b>a" reads as it is
 * seen. Not looked at: what style sheets hide. */
#include "mail/html_text.h"

#include "base/utf8.h"

#include <string.h>

#define REFERENCE_MAX 32 /* "&name;" is no longer */

struct writer {
	struct bytes *to;
	size_t start; /* nothing was written yet */
	bool has_blank;
	bool has_line_end;
};

static void put(struct writer *writer, struct span text)
{
	if (writer->to->len > writer->start && writer->has_line_end)
		bytes_append_text(writer->to, "\r\n");
	else if (writer->to->len > writer->start && writer->has_blank)
		bytes_append_byte(writer->to, ' ');
	writer->has_blank = false;
	writer->has_line_end = false;
	bytes_append_span(writer->to, text);
}

/* -- Character references -----------------------------------------------------------------------
 */

static const struct {
	const char *name;
	uint32_t character;
} names[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", 0xA0},
    {"iexcl", 0xA1}, {"cent", 0xA2}, {"pound", 0xA3}, {"yen", 0xA5}, {"sect", 0xA7}, {"uml", 0xA8},
    {"copy", 0xA9}, {"ordf", 0xAA}, {"laquo", 0xAB}, {"shy", 0xAD}, {"reg", 0xAE}, {"deg", 0xB0},
    {"plusmn", 0xB1}, {"sup2", 0xB2}, {"sup3", 0xB3}, {"acute", 0xB4}, {"micro", 0xB5},
    {"para", 0xB6}, {"middot", 0xB7}, {"ordm", 0xBA}, {"raquo", 0xBB}, {"frac14", 0xBC},
    {"frac12", 0xBD}, {"frac34", 0xBE}, {"iquest", 0xBF}, {"Agrave", 0xC0}, {"Aacute", 0xC1},
    {"Acirc", 0xC2}, {"Atilde", 0xC3}, {"Auml", 0xC4}, {"Aring", 0xC5}, {"AElig", 0xC6},
    {"Ccedil", 0xC7}, {"Egrave", 0xC8}, {"Eacute", 0xC9}, {"Ecirc", 0xCA}, {"Euml", 0xCB},
    {"Igrave", 0xCC}, {"Iacute", 0xCD}, {"Icirc", 0xCE}, {"Iuml", 0xCF}, {"ETH", 0xD0},
    {"Ntilde", 0xD1}, {"Ograve", 0xD2}, {"Oacute", 0xD3}, {"Ocirc", 0xD4}, {"Otilde", 0xD5},
    {"Ouml", 0xD6}, {"times", 0xD7}, {"Oslash", 0xD8}, {"Ugrave", 0xD9}, {"Uacute", 0xDA},
    {"Ucirc", 0xDB}, {"Uuml", 0xDC}, {"Yacute", 0xDD}, {"THORN", 0xDE}, {"szlig", 0xDF},
    {"agrave", 0xE0}, {"aacute", 0xE1}, {"acirc", 0xE2}, {"atilde", 0xE3}, {"auml", 0xE4},
    {"aring", 0xE5}, {"aelig", 0xE6}, {"ccedil", 0xE7}, {"egrave", 0xE8}, {"eacute", 0xE9},
    {"ecirc", 0xEA}, {"euml", 0xEB}, {"igrave", 0xEC}, {"iacute", 0xED}, {"icirc", 0xEE},
    {"iuml", 0xEF}, {"eth", 0xF0}, {"ntilde", 0xF1}, {"ograve", 0xF2}, {"oacute", 0xF3},
    {"ocirc", 0xF4}, {"otilde", 0xF5}, {"ouml", 0xF6}, {"divide", 0xF7}, {"oslash", 0xF8},
    {"ugrave", 0xF9}, {"uacute", 0xFA}, {"ucirc", 0xFB}, {"uuml", 0xFC}, {"yacute", 0xFD},
    {"thorn", 0xFE}, {"yuml", 0xFF}, {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018},
    {"rsquo", 0x2019}, {"sbquo", 0x201A}, {"ldquo", 0x201C}, {"rdquo", 0x201D}, {"bdquo", 0x201E},
    {"bull", 0x2022}, {"hellip", 0x2026}, {"euro", 0x20AC}, {"trade", 0x2122}, {"zwnj", 0x200C},
    {"zwj", 0x200D}};

static bool find_name(struct span name, uint32_t *character_out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_is(name, names[i].name)) {
			*character_out = names[i].character;
			return true;
		}
	}
	return false;
}

/* "#65" or "#x41" */
static bool read_number(struct span digits, uint32_t *character_out)
{
	unsigned base = 10;
	uint32_t number = 0;
	digits = span_from(digits, 1);
	if (digits.len > 0 && ascii_lower(digits.data[0]) == 'x') {
		base = 16;
		digits = span_from(digits, 1);
	}
	for (size_t i = 0; i < digits.len; i++) {
		char digit = ascii_lower(digits.data[i]);
		unsigned value = digit >= '0' && digit <= '9'   ? (unsigned)(digit - '0')
		                 : digit >= 'a' && digit <= 'f' ? (unsigned)(digit - 'a') + 10
		                                                : 16;
		if (value >= base || number > 0x10FFFF)
			return false;
		number = number * base + value;
	}
	*character_out = number;
	return digits.len > 0;
}

static bool is_space(uint32_t character)
{
	return character == ' ' || (character >= '\t' && character <= '\r') || character == 0xA0;
}

/* The reference that `html` begins with: how long it is, or 0. */
static size_t take_reference(struct writer *writer, struct span html)
{
	struct span name = span_from(span_first(html, REFERENCE_MAX), 1);
	size_t len = span_find(name, ';');
	uint32_t character = 0;
	if (len == name.len)
		return 0;
	name = span_first(name, len);
	bool is_number = name.len > 0 && name.data[0] == '#';
	if (!(is_number ? read_number(name, &character) : find_name(name, &character)))
		return 0;
	if (is_space(character)) {
		writer->has_blank = true;
	} else {
		struct bytes text = {0};
		utf8_append(&text, character);
		put(writer, bytes_span(&text));
		bytes_clear(&text);
	}
	return 1 + len + 1;
}

/* -- Tags ---------------------------------------------------------------------------------------
 */

static size_t find_text(struct span html, const char *text)
{
	size_t len = strlen(text);
	for (size_t i = 0; i + len <= html.len; i++) {
		if (html.data[i] == text[0] && span_starts_with_nocase(span_from(html, i), text))
			return i;
	}
	return html.len;
}

/* Up to and with the ">", which may stand in quotes before. */
static size_t tag_len(struct span html)
{
	char quote = '\0';
	bool is_value = false; /* behind "=": elsewhere a quote is only a mistake */
	for (size_t i = 1; i < html.len; i++) {
		char byte = html.data[i];
		if (quote != '\0') {
			quote = byte == quote ? '\0' : quote;
		} else if (byte == '>') {
			return i + 1;
		} else if (is_value && (byte == '"' || byte == '\'')) {
			quote = byte;
		}
		is_value = byte == '=' || (is_value && is_space((unsigned char)byte));
	}
	return html.len;
}

static struct span tag_name(struct span tag)
{
	size_t len = 0;
	tag = span_from(tag, tag.len > 1 && tag.data[1] == '/' ? 2 : 1);
	while (len < tag.len && !is_space((unsigned char)tag.data[len]) && tag.data[len] != '>' &&
	       tag.data[len] != '/')
		len++;
	return span_first(tag, len);
}

static bool is_one_of(struct span name, const char *const *list)
{
	while (*list != NULL && !span_is_nocase(name, *list))
		list++;
	return *list != NULL;
}

/* What stands at a "<": how much of it is passed over; 0: it is only text. */
static size_t take_tag(struct writer *writer, struct span html)
{
	static const char *const blocks[] = {"p", "div", "br", "tr", "li", "ul", "ol", "table",
	    "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "blockquote", "dt", "dd", "title",
	    "head", "body", "section", "article", "header", "footer", NULL};
	static const char *const cells[] = {"td", "th", "option", NULL};
	if (span_starts_with(html, "<!--")) {
		size_t end = find_text(span_from(html, 4), "-->");
		return end + 7 < html.len ? end + 7 : html.len;
	}
	char next = html.len > 1 ? html.data[1] : ' ';
	bool is_tag = next == '/' || next == '!' || next == '?' ||
	              (ascii_lower(next) >= 'a' && ascii_lower(next) <= 'z');
	if (!is_tag)
		return 0;
	size_t len = tag_len(html);
	struct span name = tag_name(span_first(html, len));
	if (is_one_of(name, blocks))
		writer->has_line_end = true;
	else if (is_one_of(name, cells))
		writer->has_blank = true;
	/* Neither is text, and "<" in it begins nothing. */
	if (next != '/' && span_is_nocase(name, "script"))
		return len + find_text(span_from(html, len), "</script");
	if (next != '/' && span_is_nocase(name, "style"))
		return len + find_text(span_from(html, len), "</style");
	return len;
}

void html_text_append(struct bytes *to, struct span html)
{
	struct writer writer = {.to = to, .start = to->len};
	while (html.len > 0) {
		size_t taken = 0;
		if (html.data[0] == '<')
			taken = take_tag(&writer, html);
		else if (html.data[0] == '&')
			taken = take_reference(&writer, html);
		if (taken == 0 && is_space((unsigned char)html.data[0]) &&
		    html.data[0] != (char)0xA0) {
			writer.has_blank = true;
			taken = 1;
		}
		if (taken == 0) {
			taken = 1;
			while (taken < html.len && html.data[taken] != '<' &&
			       html.data[taken] != '&' &&
			       !is_space((unsigned char)html.data[taken]))
				taken++;
			put(&writer, span_first(html, taken));
		}
		html = span_from(html, taken);
	}
}
