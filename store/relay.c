/* relay.c - mail that is handed on to another LMTP server, which stores it.
 *
 *	lmtp:unix:/path
 *	lmtp:inet:host:port,inet:other:port	the first that answers
 *
 * A copy is one transaction of one recipient: write goes up to the end of the text, publish is
 * the dot, and the server's answer is the answer of the delivery, with its code and words. Before
 * the dot everything can be taken back by closing the connection; after it nothing can, so copies
 * for relays are published before all others. A folder is asked for as the detail of the address,
 * user+folder, which the server may mind. */
#include "store/relay.h"

#include "store/driver.h"

#include "base/clock.h"
#include "mail/header.h"

#include <assert.h>
#include <string.h>

#define PLACES_MAX 8
#define RECEIVED_MAX 100

struct relay {
	struct store store;
	const char *places[PLACES_MAX];
	size_t place_count;
};

struct relay_copy {
	struct store_copy copy;
	struct relay_line *line;
	struct smtp_client *client;
	const struct store_options *options;
};

static struct relay *relay_of(struct store *store)
{
	return (struct relay *)store;
}

static struct relay_copy *copy_of(struct store_copy *copy)
{
	return (struct relay_copy *)copy;
}

/* -- the store --------------------------------------------------------------------------- */

static bool is_place(const char *place)
{
	return strncmp(place, "unix:/", 6) == 0 ||
	       (strncmp(place, "inet:", 5) == 0 && place[5] != '\0');
}

static struct store *relay_open(struct arena *arena, const struct store_options *options,
    const char *text, struct status *status)
{
	struct relay *relay = ARENA_NEW(arena, struct relay);
	struct span rest = span_of(text);
	struct span piece;
	relay->store = (struct store){.driver = &relay_driver, .arena = arena, .options = options};
	while (span_next_piece(&rest, ',', &piece)) {
		const char *place = arena_text(arena, span_trim(piece));
		if (relay->place_count == PLACES_MAX || !is_place(place)) {
			status_fail(status, CAUSE_CONFIGURATION,
			    "store location \"lmtp:%s\": wanted is \"unix:/path\" or "
			    "\"inet:host:port\", %d of them at most",
			    text, PLACES_MAX);
			return NULL;
		}
		relay->places[relay->place_count++] = place;
	}
	if (relay->place_count == 0 || options->relays == NULL || options->recipient == NULL) {
		status_fail(status, CAUSE_CONFIGURATION,
		    "store location \"lmtp:%s\": mail cannot be handed on here", text);
		return NULL;
	}
	return &relay->store;
}

static void relay_close(struct store *store)
{
	(void)store;
}

static struct span relay_quota_root(const struct store *store)
{
	(void)store;
	return (struct span){NULL, 0};
}

static bool relay_folder_name(struct arena *arena, const struct store *store, struct span name,
    struct span *canonical_out, struct status *status)
{
	(void)store;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char byte = (unsigned char)name.data[i];
		if (byte < ' ' || byte == 0x7F)
			return status_fail(
			    status, CAUSE_MAILBOX, "folder name with control characters");
	}
	if (name.len > 200)
		return status_fail(status, CAUSE_MAILBOX, "folder name: too long");
	*canonical_out = span_is_nocase(name, "INBOX") ? SPAN("") : arena_span(arena, name);
	return true;
}

/* Only the server knows. */
static enum store_answer relay_has_folder(
    struct store *store, struct span folder, struct status *status)
{
	(void)store;
	(void)folder;
	(void)status;
	return STORE_YES;
}

/* -- a transaction ----------------------------------------------------------------------- */

/* The recipient as the server is to hear it: with the folder for its detail. */
static struct envelope_recipient addressed(const struct relay *relay, struct span folder)
{
	const struct store_options *options = relay->store.options;
	struct envelope_recipient recipient = *options->recipient;
	struct address *address = &recipient.address;
	struct span local;
	struct span detail;
	struct bytes text = {0};
	if (options->recipient_delimiter == NULL || options->recipient_delimiter[0] == '\0')
		return recipient;
	address_split_detail(address->local, options->recipient_delimiter, &local, &detail);
	if (folder.len == 0 && detail.data == NULL)
		return recipient;
	bytes_append_span(&text, local);
	if (folder.len > 0) {
		bytes_append_byte(&text, options->recipient_delimiter[0]);
		bytes_append_span(&text, folder);
	}
	struct arena *arena = relay->store.arena;
	struct span quoted = address_quote_local(arena, bytes_span(&text));
	bool has_domain = address->domain.len > 0;
	struct address parsed;
	struct span whole =
	    arena_spanf(arena, "%.*s%s%.*s", (int)quoted.len, quoted.data, has_domain ? "@" : "",
	        (int)address->domain.len, has_domain ? address->domain.data : "");
	if (address_parse(arena, whole, &parsed, NULL))
		*address = parsed;
	bytes_clear(&text);
	return recipient;
}

static bool is_looping(const struct message *message)
{
	struct span rest = message->head;
	struct header_field field;
	unsigned count = 0;
	while (header_next(&rest, &field))
		count += span_is_nocase(field.name, "Received");
	return count > RECEIVED_MAX;
}

static struct smtp_client *begin(const struct relay *relay, struct relay_line *line,
    struct span folder, const struct message *message)
{
	struct arena *arena = relay->store.arena;
	const struct store_options *options = relay->store.options;
	struct envelope_recipient *recipient = ARENA_NEW(arena, struct envelope_recipient);
	*recipient = addressed(relay, folder);
	struct smtp_client_options client = {
	    .is_lmtp = true,
	    .hello = options->host_name != NULL && options->host_name[0] != '\0'
	                 ? options->host_name
	                 : "localhost",
	    .envelope = options->envelope,
	    .recipients = recipient,
	    .recipient_count = 1,
	    .size_bytes =
	        message != NULL ? message_crlf_bytes(message) : options->envelope->size_bytes,
	    .is_8bit = options->envelope->body != ENVELOPE_BODY_7BIT,
	    .server = &line->server,
	    .is_only_asking = message == NULL,
	};
	return smtp_client_new(arena, &client);
}

/* Others must have time too: of what is left a server gets half, for each thing it is to do. */
static int64_t limit_ms(const struct store_options *options)
{
	return clock_monotonic_ms() + clock_left_ms(options->deadline_ms) / 2;
}

/* Up to the text, or to what we want to hear. True: it took too long. */
static bool drive(struct relay_copy *copy)
{
	int64_t end_ms = limit_ms(copy->options);
	(void)smtp_connection_drive(copy->line->connection, copy->client, end_ms);
	bool is_mute = clock_left_ms(end_ms) == 0;
	if (is_mute)
		relay_line_is_mute(copy->line);
	return is_mute;
}

static bool send_text(struct relay_copy *copy, const struct message *message)
{
	int64_t end_ms = limit_ms(copy->options);
	if (smtp_connection_send_text(copy->line->connection, copy->client, message, end_ms))
		return true;
	if (clock_left_ms(end_ms) == 0)
		relay_line_is_mute(copy->line);
	return false;
}

/* Drives a transaction up to the text, or to the end where `message` is null. True: the client is
 * there, on a line that works. False: `status`. */
static bool converse(const struct relay *relay, const char *place, struct span folder,
    const struct message *message, struct relay_copy *copy, struct status *status)
{
	const struct store_options *options = relay->store.options;
	copy->options = options;
	for (int attempt = 0; attempt < 2; attempt++) {
		copy->line = relay_pool_take(options->relays, place, options->deadline_ms, status);
		if (copy->line == NULL)
			return false;
		bool was_used = copy->line->server.is_greeted;
		copy->client = begin(relay, copy->line, folder, message);
		bool is_mute = drive(copy);
		/* A connection that the server closed while nobody used it: once more. One that
		 * says nothing: perhaps another does. */
		if (smtp_client_has_heard(copy->client) || (!was_used && !is_mute))
			return true;
		*status = *smtp_client_status(copy->client, 0);
		smtp_client_clear(copy->client);
		relay_line_close(copy->line);
		relay_pool_give(copy->line);
		copy->line = NULL;
		if (is_mute)
			return false;
	}
	return status_fail(status, CAUSE_MAILBOX, "%s closes every connection", place);
}

/* The same with the first server that answers. */
static bool converse_with_one(const struct relay *relay, struct span folder,
    const struct message *message, struct relay_copy *copy, struct status *status)
{
	const struct store_options *options = relay->store.options;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < relay->place_count; i++) {
			/* First those that are not known to be down, then for luck the others. */
			bool is_broken = relay_pool_is_broken(options->relays, relay->places[i]);
			if (is_broken == (round == 1) &&
			    converse(relay, relay->places[i], folder, message, copy, status))
				return true;
		}
	}
	return false;
}

static void hang_up(struct relay_copy *copy)
{
	if (copy->line == NULL)
		return;
	if (!smtp_client_is_reusable(copy->client))
		relay_line_close(copy->line);
	smtp_client_clear(copy->client);
	relay_pool_give(copy->line);
	copy->line = NULL;
}

static bool relay_accepts(struct store *store, struct status *status)
{
	const struct relay *relay = relay_of(store);
	struct relay_copy copy = {0};
	if (!converse_with_one(relay, (struct span){NULL, 0}, NULL, &copy, status))
		return false;
	*status = *smtp_client_status(copy.client, 0);
	hang_up(&copy);
	return status_is_success(status);
}

/* -- a copy ------------------------------------------------------------------------------ */

/* Without the trace of a final delivery, which the server writes (RFC 5321 4.4): of the run at the
 * top X-Original-To stays. */
static struct message without_delivery(struct arena *arena, const struct message *message)
{
	struct bytes head = {0};
	struct span rest = message->head;
	struct span below = rest;
	struct header_field field;
	bool has_delivered_to = false;
	while (header_next(&rest, &field)) {
		if (span_is_nocase(field.name, "X-Original-To"))
			bytes_append_span(&head, field.whole);
		else if (span_is_nocase(field.name, "Delivered-To") && !has_delivered_to)
			has_delivered_to = true;
		else if (!span_is_nocase(field.name, "Return-Path"))
			break;
		below = rest;
	}
	bytes_append_span(&head, below);
	struct message version = message_with_head(message, arena_span(arena, bytes_span(&head)));
	bytes_clear(&head);
	return version;
}

static struct store_copy *relay_write(
    struct store *store, const struct store_request *request, struct status *status)
{
	struct relay *relay = relay_of(store);
	struct arena *arena = relay->store.arena;
	if (is_looping(request->message)) {
		status_fail(status, CAUSE_CONFIGURATION,
		    "over %d Received fields: it goes round in a circle", RECEIVED_MAX);
		return NULL;
	}
	struct message message = without_delivery(arena, request->message);
	struct relay_copy *copy = ARENA_NEW(arena, struct relay_copy);
	copy->copy.driver = &relay_driver;
	copy->copy.bytes = request->message->size_bytes;
	copy->copy.name = request->folder.len > 0
	                      ? arena_spanf(arena, "lmtp, as detail %.*s", (int)request->folder.len,
	                            request->folder.data)
	                      : SPAN("lmtp");
	if (!converse_with_one(relay, request->folder, &message, copy, status))
		return NULL;
	assert(copy->line != NULL);
	copy->copy.tells_sender = copy->line->server.has_dsn;
	if (smtp_client_want(copy->client) == SMTP_CLIENT_TEXT && send_text(copy, &message))
		return &copy->copy;
	*status = *smtp_client_status(copy->client, 0);
	hang_up(copy);
	return NULL;
}

static bool relay_sync(struct store_copy *copy, struct status *status)
{
	(void)copy;
	(void)status;
	return true;
}

/* The dot. From here on it is the server's. */
static bool relay_publish(struct store_copy *base, struct status *status)
{
	struct relay_copy *copy = copy_of(base);
	assert(copy->line != NULL);
	smtp_client_text_end(copy->client);
	(void)drive(copy);
	*status = *smtp_client_status(copy->client, 0);
	hang_up(copy);
	return status_is_success(status);
}

static bool relay_commit(struct store_copy *copy, struct status *status)
{
	(void)copy;
	(void)status;
	return true;
}

static bool relay_withdraw(struct store_copy *copy)
{
	(void)copy;
	return false;
}

static void relay_abandon(struct store_copy *copy)
{
	hang_up(copy_of(copy));
}

const struct store_driver relay_driver = {
    .name = "lmtp",
    .takes_one_copy = true,
    .open = relay_open,
    .close = relay_close,
    .quota_root = relay_quota_root,
    .folder_name = relay_folder_name,
    .has_folder = relay_has_folder,
    .accepts = relay_accepts,
    .write = relay_write,
    .sync = relay_sync,
    .publish = relay_publish,
    .commit = relay_commit,
    .withdraw = relay_withdraw,
    .abandon = relay_abandon,
};
