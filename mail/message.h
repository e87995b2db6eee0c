#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "base/arena.h"
#include "mail/spool.h"

/* One version of a message: bytes in memory (`head`: the header, as far as it was read), then
 * the rest of the spool from `tail_offset` on. A version with other headers (the top block of
 * one recipient, editheader) has another head and the same tail; nothing is copied on disk.
 * All line ends are LF. */
struct message {
	const struct spool *spool; /* null: all of it is in `head` */
	struct span head;     /* header block, with the empty line that ends it if there is one */
	uint64_t tail_offset; /* where in the spool the rest begins: the body */
	uint64_t size_bytes;  /* head and tail */
	uint64_t line_count;  /* LF bytes in head and tail that no CR stands before: with them the
	                       * size is that with CRLF line ends */
};

/* So much of a header is read into memory and seen by filters; a longer one is stored whole
 * all the same, its rest just counts as body. Cut at a line's end. */
#define MESSAGE_HEADER_MAX ((size_t)1024 * 1024)

/* Finds the header of a finished spool. The header ends at the first empty line, or before the
 * first line that is no header field nor the continuation of one (then there is no empty line
 * and that line begins the body). The spool is borrowed by the message and all versions of it. */
bool message_open(struct arena *arena, const struct spool *spool, struct message *message_out,
    struct status *status);

/* A version of `message` with other bytes for its head (arena memory). */
struct message message_with_head(const struct message *message, struct span head);

/* A message that is all in memory, such as one we wrote ourselves: `text` (borrowed) is its head.
 */
struct message message_of_text(struct span text);

/* Size as with CRLF line ends (what IMAP and W= say). */
uint64_t message_crlf_bytes(const struct message *message);

/* Reads from head and tail as if they were one; like spool_read(). */
bool message_read(const struct message *message, uint64_t offset, char *data, size_t len,
    size_t *got_out, struct status *status);

/* Writes it all to `fd` from where that stands; a failed write is told with errno's cause. The
 * caller names the object in the status. */
bool message_write(const struct message *message, int fd, struct status *status);

#endif
