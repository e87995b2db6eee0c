/* exchange.c - requests between processes of one machine and one build: numbers as they lie in
 * memory, texts with their length. A text's length has one added, so that 0 is null data. */
#include "lmtp-bridge/exchange.h"

#include <string.h>

/* -- writing --------------------------------------------------------------------------------- */

static void put_number(struct bytes *to, uint64_t number)
{
	bytes_append(to, &number, sizeof(number));
}

static void put_span(struct bytes *to, struct span text)
{
	put_number(to, text.data == NULL ? 0 : (uint64_t)text.len + 1);
	bytes_append_span(to, text);
}

static void put_recipient(struct bytes *to, const struct envelope_recipient *recipient)
{
	put_span(to, recipient->address.text);
	put_span(to, recipient->original.text);
	put_span(to, recipient->orcpt);
	put_number(to, recipient->notify);
}

static void put_envelope(struct bytes *to, const struct envelope *envelope)
{
	put_span(to, envelope->sender.text);
	put_number(to, envelope->size_bytes);
	put_number(to, envelope->body);
	put_number(to, envelope->ret);
	put_number(to, envelope->smtputf8);
	put_span(to, envelope->envid);
	put_span(to, envelope->client_name);
	put_span(to, envelope->client_address);
	put_span(to, envelope->protocol);
	put_span(to, envelope->queue_id);
	put_span(to, envelope->origin_name);
	put_span(to, envelope->origin_address);
}

void exchange_write(const struct exchange_request *request, struct bytes *to)
{
	size_t start = to->len;
	put_number(to, 0);
	put_number(to, request->kind);
	put_number(to, request->is_probe);
	put_span(to, span_of(request->id));
	put_number(to, (uint64_t)request->deadline_ms);
	put_envelope(to, &request->envelope);
	put_number(to, request->recipient_count);
	for (size_t i = 0; i < request->recipient_count; i++)
		put_recipient(to, &request->recipients[i]);
	put_number(to, request->has_file);
	put_number(to, request->size_bytes);
	put_number(to, request->line_count);
	put_span(to, request->message);
	uint64_t length = to->len - start - EXCHANGE_LENGTH_BYTES;
	memcpy(to->data + start, &length, sizeof(length));
}

/* -- reading --------------------------------------------------------------------------------- */

uint64_t exchange_length(const char length[EXCHANGE_LENGTH_BYTES])
{
	uint64_t number;
	memcpy(&number, length, sizeof(number));
	return number;
}

/* What is not yet read; a read that fails makes all later ones fail. */
struct reader {
	struct arena *arena;
	struct span rest;
	bool has_failed;
};

static uint64_t get_number(struct reader *reader, uint64_t max)
{
	uint64_t number = 0;
	if (reader->rest.len < sizeof(number)) {
		reader->has_failed = true;
		return 0;
	}
	memcpy(&number, reader->rest.data, sizeof(number));
	reader->rest = span_from(reader->rest, sizeof(number));
	if (number > max)
		reader->has_failed = true;
	return reader->has_failed ? 0 : number;
}

static struct span get_span(struct reader *reader)
{
	uint64_t len = get_number(reader, (uint64_t)reader->rest.len + 1);
	struct span text = {NULL, 0};
	if (len == 0)
		return text;
	/* The number itself was counted among the rest before it was read. */
	if (len - 1 > reader->rest.len) {
		reader->has_failed = true;
		return text;
	}
	text = span_first(reader->rest, (size_t)len - 1);
	reader->rest = span_from(reader->rest, (size_t)len - 1);
	return text;
}

/* What goes into header fields and on to other servers. Only ORCPT may have letters beyond
 * ASCII (RFC 6533). */
static struct span get_word(struct reader *reader, bool has_utf8)
{
	struct span text = get_span(reader);
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_visible(text.data[i]) &&
		    !(has_utf8 && (unsigned char)text.data[i] >= 0x80))
			reader->has_failed = true;
	}
	return text;
}

static struct address get_address(struct reader *reader)
{
	struct address address = {0};
	struct span text = get_span(reader);
	if (text.data != NULL && !address_parse(reader->arena, text, &address, NULL))
		reader->has_failed = true;
	return address;
}

static void get_envelope(struct reader *reader, struct envelope *envelope)
{
	envelope->sender = get_address(reader);
	envelope->size_bytes = get_number(reader, UINT64_MAX);
	envelope->body = (enum envelope_body)get_number(reader, ENVELOPE_BODY_8BITMIME);
	envelope->ret = (enum envelope_ret)get_number(reader, ENVELOPE_RET_HDRS);
	envelope->smtputf8 = get_number(reader, 1) != 0;
	envelope->envid = get_word(reader, false);
	envelope->client_name = get_word(reader, false);
	envelope->client_address = get_word(reader, false);
	envelope->protocol = get_word(reader, false);
	envelope->queue_id = get_word(reader, false);
	envelope->origin_name = get_word(reader, false);
	envelope->origin_address = get_word(reader, false);
	if (envelope->sender.text.data == NULL)
		reader->has_failed = true;
}

static void get_recipients(struct reader *reader, struct exchange_request *request)
{
	/* Each has four numbers, so what is there bounds the memory. */
	uint64_t count = get_number(reader, reader->rest.len / (4 * sizeof(uint64_t)));
	struct envelope_recipient *recipients =
	    arena_new_items(reader->arena, (size_t)count + 1, sizeof(recipients[0]));
	for (uint64_t i = 0; i < count && !reader->has_failed; i++) {
		recipients[i].address = get_address(reader);
		recipients[i].original = get_address(reader);
		recipients[i].orcpt = get_word(reader, true);
		recipients[i].notify = (unsigned)get_number(reader, 15);
		if (recipients[i].address.text.len == 0)
			reader->has_failed = true;
	}
	request->recipients = recipients;
	request->recipient_count = (size_t)count;
}

/* It goes into file names, records and replies. */
static const char *get_id(struct reader *reader)
{
	struct span id = get_span(reader);
	if (id.len == 0 || id.len > EXCHANGE_ID_MAX)
		reader->has_failed = true;
	for (size_t i = 0; i < id.len; i++) {
		char byte = ascii_lower(id.data[i]);
		if (!(byte >= '0' && byte <= '9') && !(byte >= 'a' && byte <= 'z') && byte != '-')
			reader->has_failed = true;
	}
	return arena_text(reader->arena, id);
}

bool exchange_read(struct arena *arena, struct span body, struct exchange_request *request_out)
{
	struct reader reader = {arena, body, false};
	memset(request_out, 0, sizeof(*request_out));
	request_out->kind = (enum exchange_kind)get_number(&reader, EXCHANGE_DELIVER);
	request_out->is_probe = get_number(&reader, 1) != 0;
	request_out->id = get_id(&reader);
	request_out->deadline_ms = (int64_t)get_number(&reader, INT64_MAX);
	get_envelope(&reader, &request_out->envelope);
	get_recipients(&reader, request_out);
	request_out->has_file = get_number(&reader, 1) != 0;
	request_out->size_bytes = get_number(&reader, INT64_MAX);
	request_out->line_count = get_number(&reader, INT64_MAX);
	request_out->message = get_span(&reader);
	if (request_out->recipient_count == 0 ||
	    (request_out->kind == EXCHANGE_ADMIT && request_out->recipient_count != 1))
		return false;
	return !reader.has_failed && reader.rest.len == 0;
}

static bool has_end(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

bool exchange_is_answer(const struct exchange_answer *answer, size_t recipient_count)
{
	const struct status *status = &answer->status;
	return answer->index < recipient_count && (unsigned)status->cause < CAUSE_COUNT &&
	       (status->reply == 0 || (status->reply >= 200 && status->reply <= 599)) &&
	       has_end(status->enhanced, sizeof(status->enhanced)) &&
	       has_end(status->text, sizeof(status->text)) &&
	       has_end(status->detail, sizeof(status->detail));
}

#define MARGIN_MAX_MS 2000

struct exchange_times exchange_times(int64_t end_ms, uint64_t timeout_s)
{
	int64_t margin_ms = (int64_t)timeout_s * 1000 / 8;
	if (margin_ms > MARGIN_MAX_MS)
		margin_ms = MARGIN_MAX_MS;
	return (struct exchange_times){end_ms - 2 * margin_ms, end_ms - margin_ms};
}
