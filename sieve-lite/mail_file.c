/* mail_file.c - a message that is already there, with what is known of its envelope. */
#include "sieve-lite/mail_file.h"

#include "mail/header.h"
#include "mail/top_block.h"
#include "sieve-lite/address_list.h"

#include <errno.h>
#include <unistd.h>

#define COPY_BYTES 65536

static bool fill_spool(struct spool *spool, int fd, struct status *status)
{
	char buffer[COPY_BYTES];
	ssize_t got;
	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		if (!spool_append(spool, buffer, (size_t)got, status))
			return false;
	}
	return got == 0 ? spool_finish(spool, status)
	                : status_errno(status, CAUSE_MAILBOX, errno, "read");
}

/* Delivered-To, or empty. */
static struct address last_recipient(struct arena *arena, struct span head)
{
	struct header_field field;
	if (header_find(head, "Delivered-To", &field)) {
		const struct listed_address *listed = address_list_parse(arena, field.value);
		if (listed != NULL && listed->is_valid)
			return listed->address;
	}
	return (struct address){.text = SPAN("")};
}

bool mail_file_read(struct arena *arena, int fd, struct mail_file *mail_out, struct status *status)
{
	struct top_block top = {0};
	struct message whole;
	*mail_out = (struct mail_file){.spool = spool_new("/tmp")};
	if (!fill_spool(mail_out->spool, fd, status) ||
	    !message_open(arena, mail_out->spool, &whole, status))
		return false;
	mail_out->recipient.address = last_recipient(arena, whole.head);
	mail_out->message = top_block_take(arena, &whole, true, &top);
	mail_out->envelope.sender =
	    top.has_sender ? top.sender : (struct address){.text = SPAN("")};
	if (top.has_original)
		mail_out->recipient.original = top.original;
	return true;
}

void mail_file_free(struct mail_file *mail)
{
	spool_free(&mail->spool);
}
