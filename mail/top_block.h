#ifndef MAIL_TOP_BLOCK_H
#define MAIL_TOP_BLOCK_H

#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/message.h"

/* The trace that the last MTA and we ourselves put above a message: the unbroken run of From_,
 * Return-Path, X-Original-To and Delivered-To, each at most once. On standard input the MTA
 * wrote it and it is believed; over LMTP nothing is. A Return-Path or X-Original-To anywhere
 * below came with the message and is removed. */
struct top_block {
	bool has_sender; /* from Return-Path, else From_ */
	struct address sender;
	bool has_original; /* from X-Original-To */
	struct address original;
	/* Which fields the MTA wrote, so that we do not write them again. */
	bool wrote_return_path;
	bool wrote_original_to;
	bool wrote_delivered_to;
	size_t len; /* of the run in the head that is left */
};

/* Reads the believed run at the top of `message` and gives the version below it: without a
 * leading From_ line, and with every Return-Path and X-Original-To that is not in the run
 * removed. The run's own fields stay, in their order, at the top. With `is_believed` false no
 * run is looked for (a leading From_ line is removed all the same). */
struct message top_block_take(struct arena *arena, const struct message *message, bool is_believed,
    struct top_block *block_out);

/* The version for one recipient with our block on top: Return-Path, X-Original-To where known,
 * Delivered-To, each unless `taken` says that it is there; and, where the envelope has a
 * protocol, Received (RFC 5321 4.4; with `id` and `hostname`). An address is written quoted as
 * it came; one with non-ASCII bytes in UTF-8. */
struct message top_block_write(struct arena *arena, const struct message *message,
    const struct top_block *taken, const struct envelope *envelope,
    const struct envelope_recipient *recipient, const char *hostname, const char *id);

#endif
