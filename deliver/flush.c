/* flush.c - one user's outbox to the transport, and what becomes of mail that nobody takes. */
#include "deliver/flush.h"

#include "base/clock.h"
#include "base/detach.h"
#include "base/log.h"
#include "deliver/notice.h"
#include "deliver/pending.h"
#include "deliver/programs.h"
#include "deliver/receipt.h"
#include "deliver/srs_keys.h"
#include "deliver/state.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A transport that hangs has its own limit; this one is for us. */
#define DETACHED_S 3600

/* So long items are begun: others wait for their turn. What is left waits for the next time. */
#define BEGIN_S 120

#define SMTP_PREFIX "smtp:"

/* "smtp:HOST:PORT" and "smtp:unix:PATH" as smtp_connection.h has them; null: that is no such. */
static const char *smtp_place(struct arena *arena, const char *transport)
{
	if (strncmp(transport, SMTP_PREFIX, strlen(SMTP_PREFIX)) != 0)
		return NULL;
	const char *place = transport + strlen(SMTP_PREFIX);
	if (strncmp(place, "unix:/", 6) == 0)
		return place;
	return place[0] == '\0' ? NULL : arena_textf(arena, "inet:%s", place);
}

bool flush_check(const struct settings *settings, struct status *status)
{
	const struct outbox_settings *outbox = &settings->outbox;
	struct arena *arena = arena_new();
	bool is_known = strcmp(outbox->transport, "sendmail") == 0 ||
	                smtp_place(arena, outbox->transport) != NULL;
	arena_free(&arena);
	if (!is_known)
		return status_fail(status, CAUSE_CONFIGURATION,
		    "outbox.transport = \"%s\": write sendmail, smtp:HOST:PORT or smtp:unix:PATH",
		    outbox->transport);
	if (outbox->sendmail[0] != '/')
		return status_fail(status, CAUSE_CONFIGURATION,
		    "outbox.sendmail = \"%s\": write the whole path", outbox->sendmail);
	if (outbox->pending[0] != '/')
		return status_fail(status, CAUSE_CONFIGURATION,
		    "outbox.pending = \"%s\": write the whole path", outbox->pending);
	return true;
}

/* -- giving up --------------------------------------------------------------------------------- */

static bool store_one(struct store *store, const struct message *message, struct status *status)
{
	struct store_request request = {.message = message, .folder = SPAN(""), .may_create = true};
	struct store_copy *copy = store_write(store, &request, status);
	bool is_stored = copy != NULL && store_sync(copy, status) && store_publish(copy, status);
	if (is_stored && !store_commit(copy, status)) {
		(void)store_withdraw(copy);
		is_stored = false;
	}
	store_abandon(&copy);
	return is_stored;
}

static bool store_notice(
    struct delivery *delivery, const struct spool *notice, struct status *status)
{
	struct message message;
	return message_open(delivery->arena, notice, &message, status) &&
	       store_one(delivery->store, &message, status);
}

/* Nobody waits for these: an answer, the news that mail was refused. */
static bool is_only_answer(const struct outbox_item *item)
{
	return strcmp(item->kind, "vacation") == 0 || strcmp(item->kind, "reject") == 0 ||
	       strcmp(item->kind, RECEIPT_KIND) == 0;
}

static bool give_up(void *context, const struct outbox_item *item, int fd, const char *why)
{
	struct delivery *delivery = context;
	struct status status;
	if (is_only_answer(item))
		return true;
	struct spool *notice = notice_undelivered(delivery, item, fd, why, &status);
	bool is_stored = notice != NULL && store_notice(delivery, notice, &status);
	spool_free(&notice);
	if (is_stored)
		return true;
	log_write(LOG_LEVEL_ERROR, "the notice to \"%.*s\" that %s was not sent: %s",
	    (int)delivery->user.name.len, delivery->user.name.data, item->kind, status.detail);
	return false;
}

/* The next server does not report to the sender, so we do. */
static void report_relayed(void *context, const struct outbox_item *item, int fd)
{
	struct delivery *delivery = context;
	struct status status;
	struct outbox_item receipt = {.kind = RECEIPT_KIND,
	    .sender = SPAN(""),
	    .recipient = item->sender,
	    .owner = item->owner,
	    .delivery_id = item->delivery_id,
	    .notify = ENVELOPE_NOTIFY_NEVER,
	    .smtputf8 = item->smtputf8,
	    .message = receipt_relayed(delivery, item, fd)};
	if (receipt.message == NULL)
		return;
	struct message wrapped = outbox_wrap(delivery->arena, &receipt);
	if (!sending_open_outbox(delivery, &status) ||
	    !store_one(delivery->outbox, &wrapped, &status))
		log_write(LOG_LEVEL_ERROR, "the report to <%.*s> about delivery %.*s: %s",
		    (int)item->sender.len, item->sender.data, (int)item->delivery_id.len,
		    item->delivery_id.data, status.detail);
}

/* Mail and what is piped go different ways. */
struct ways {
	struct delivery *delivery;
	struct outbox_transport mail;
};

static enum outbox_answer send_item(void *context, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size)
{
	const struct ways *ways = context;
	if (strcmp(item->kind, PROGRAMS_PIPE) == 0)
		return programs_pipe(ways->delivery, item, fd, deadline_ms, why_out, why_size);
	return ways->mail.send(ways->mail.context, item, fd, deadline_ms, why_out, why_size);
}

/* -- sending ----------------------------------------------------------------------------------- */

/* A transport behind the rewriting of senders. */
struct rewriting {
	const struct delivery *delivery;
	const struct srs *srs; /* null: we have no keys */
	struct outbox_transport transport;
};

static enum outbox_answer send_rewritten(void *context, const struct outbox_item *item, int fd,
    int64_t deadline_ms, char *why_out, size_t why_size)
{
	const struct rewriting *rewriting = context;
	const struct outbox_transport *transport = &rewriting->transport;
	const struct settings *settings = rewriting->delivery->settings;
	struct outbox_item rewritten = *item;
	struct address sender;
	struct address owner;
	struct arena *arena = arena_new();
	enum outbox_answer answer = OUTBOX_NOT_OURS;
	bool is_good = !item->wants_srs || (rewriting->srs != NULL &&
	                                       address_parse(arena, item->sender, &sender, NULL) &&
	                                       address_parse(arena, item->owner, &owner, NULL));
	if (is_good && item->wants_srs)
		rewritten.sender = srs_forward(arena, rewriting->srs, &sender,
		    settings->srs.domain[0] != '\0' ? span_of(settings->srs.domain) : owner.domain,
		    clock_now().tv_sec);
	if (is_good)
		answer = transport->send(
		    transport->context, &rewritten, fd, deadline_ms, why_out, why_size);
	else
		snprintf(why_out, why_size, "it wants SRS, and we have no keys");
	arena_free(&arena);
	return answer;
}

static bool send_all(struct delivery *delivery, const struct srs *srs, const char *directory,
    int64_t begin_until_ms, struct outbox_tally *tally_out, struct status *status)
{
	const struct outbox_settings *settings = &delivery->settings->outbox;
	const char *place = smtp_place(delivery->arena, settings->transport);
	struct outbox_smtp server = {place, delivery->settings->hostname};
	const char *program = settings->sendmail;
	struct ways ways = {delivery, {outbox_send_by_smtp, &server}};
	struct outbox_transport transport = {send_item, &ways};
	if (place == NULL) {
		ways.mail.send = outbox_send_by_program;
		memcpy(&ways.mail.context, &program, sizeof(program));
	}
	struct outbox_options options = {
	    .directory = directory,
	    .retry_min_s = settings->retry_min_s,
	    .retry_max_s = settings->retry_max_s,
	    .expire_s = settings->expire_s,
	    .send_timeout_s = settings->send_timeout_s,
	    .begin_until_ms = begin_until_ms,
	    .give_up = give_up,
	    .relayed = report_relayed,
	    .context = delivery,
	};
	struct rewriting rewriting = {delivery, srs, transport};
	struct outbox_transport all = {send_rewritten, &rewriting};
	return outbox_flush(&options, &all, tally_out, status);
}

int64_t flush_limit_ms(const struct settings *settings)
{
	return (BEGIN_S + (int64_t)settings->outbox.send_timeout_s) * 1000;
}

bool flush_outbox(struct delivery *delivery, const struct srs *srs, struct outbox_tally *tally_out,
    struct status *status)
{
	struct srs own;
	struct status no_keys;
	if (srs == NULL && srs_keys_load(delivery->arena, &delivery->settings->srs, &own, &no_keys))
		srs = &own;
	const char *state = state_directory_path(delivery, status);
	if (state == NULL)
		return false;
	const char *directory = arena_textf(delivery->arena, "%s/" OUTBOX_NAME, state);
	struct pending pending = pending_of(delivery);
	struct outbox_tally after = {0};
	int64_t until_ms = clock_monotonic_ms() + BEGIN_S * INT64_C(1000);
	if (!state_directory_is_ours(delivery, state, status) ||
	    !send_all(delivery, srs, directory, until_ms, tally_out, status))
		return false;
	if (tally_out->waiting > 0)
		return true;
	/* Mail that came between our look and this is looked at once more: what comes later
	 * announces itself anew. */
	pending_withdraw(&pending);
	bool is_read = send_all(delivery, srs, directory, until_ms, &after, status);
	tally_out->sent += after.sent;
	tally_out->given_up += after.given_up;
	tally_out->waiting = after.waiting;
	if ((after.waiting > 0 || !is_read) && !pending_announce(&pending))
		log_write(
		    LOG_LEVEL_WARNING, "cannot announce waiting mail in %s", pending.directory);
	return is_read;
}

static void run_detached(void *context)
{
	struct delivery *delivery = context;
	const struct log_settings *log = &delivery->settings->log;
	struct outbox_tally tally;
	struct status status;
	/* What we had open is closed: everything anew. */
	delivery_close(delivery);
	log_open(log->target, "deliver", (enum log_level)log->level);
	if (!delivery_open_store(delivery, &status) ||
	    !flush_outbox(delivery, NULL, &tally, &status))
		log_write(LOG_LEVEL_ERROR, "%s", status.detail);
	delivery_close(delivery);
}

static bool has_waiting(const struct delivery *delivery)
{
	struct status status;
	const char *state = state_directory_path(delivery, &status);
	DIR *dir = state == NULL
	               ? NULL
	               : opendir(arena_textf(delivery->arena, "%s/" OUTBOX_NAME "/new", state));
	const struct dirent *entry = NULL;
	if (dir == NULL)
		return false;
	do {
		entry = readdir(dir);
	} while (entry != NULL && entry->d_name[0] == '.');
	closedir(dir);
	return entry != NULL;
}

bool flush_is_wanted(const struct delivery *delivery)
{
	if (delivery->outgoing_count > 0)
		return delivery->copies[delivery->copy_count].is_kept;
	return status_is_success(&delivery->status) && has_waiting(delivery);
}

void flush_detached(struct delivery *delivery)
{
	detach_run(run_detached, delivery, NULL, 0, DETACHED_S);
}
