#ifndef SIEVE_LITE_MAIL_FILE_H
#define SIEVE_LITE_MAIL_FILE_H

#include "mail/envelope.h"
#include "mail/message.h"

/* A message from a file as the commands give it to a script: with the envelope that the last MTA
 * wrote at its top. */
struct mail_file {
	struct spool *spool; /* owned */
	struct message message;
	struct envelope envelope;            /* sender of Return-Path, else null */
	struct envelope_recipient recipient; /* of Delivered-To, else empty; X-Original-To */
};

/* Reads `fd` to its end. False with a status whose detail says why; to be freed in any case. */
bool mail_file_read(struct arena *arena, int fd, struct mail_file *mail_out, struct status *status);
void mail_file_free(struct mail_file *mail);

#endif
