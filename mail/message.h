#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include "base/arena.h"
#include "mail/spool.h"

/* A stretch of a body: bytes in memory, or, where `text` has null data, of the spool. */
struct message_piece {
	struct span text;
	uint64_t offset; /* in the spool */
	uint64_t size_bytes;
	uint64_t line_count; /* as in struct message, as if no CR stood before it */
	const struct message_piece *next;
};

/* One version of a message: bytes in memory (`head`: the header, as far as it was read), then its
 * body in pieces; as the message came, one piece: the rest of the spool. A version with other
 * headers (the top block of one recipient, editheader) has another head and the same body, one
 * with a changed body has pieces of memory between those of the spool; nothing is copied on disk.
 * All line ends are LF. */
struct message {
	const struct spool *spool; /* null: nothing is taken from one */
	struct span head; /* header block, with the empty line that ends it if there is one */
	const struct message_piece *body; /* null: empty */
	uint64_t size_bytes;              /* of all */
	uint64_t line_count; /* LF bytes in it that no CR stands before: with them the size is that
	                      * with CRLF line ends */
};

/* So much of a header is read into memory and seen by filters; a longer one is stored whole
 * all the same, its rest just counts as body. Cut at a line's end. */
#define MESSAGE_HEADER_MAX ((size_t)1024 * 1024)

/* Finds the header of a finished spool. The header ends at the first empty line or with the
 * message, and not at a line that is no field: what stands below that is a field to Dovecot too,
 * and so to people's programs. The spool is borrowed by the message and all versions of it. */
bool message_open(struct arena *arena, const struct spool *spool, struct message *message_out,
    struct status *status);

/* A version of `message` with other bytes for its head (arena memory). */
struct message message_with_head(const struct message *message, struct span head);

/* The body of a new version, put together from front to back. Zero-initialise but for the first
 * two. */
struct message_draft {
	struct arena *arena;
	const struct spool *spool; /* of the message that the ranges are taken from */
	struct message_piece *first;
	struct message_piece *last;
	uint64_t size_bytes;
	uint64_t line_count;
	bool ends_in_cr;
};

/* `text` is arena memory. */
void message_draft_text(struct message_draft *draft, struct span text);
/* Bytes `from` to `to` of another version of the same message. Its spool is read to count lines
 * where only part of a piece is taken, but not into memory. */
bool message_draft_range(struct message_draft *draft, const struct message *message, uint64_t from,
    uint64_t to, struct status *status);
/* The version; `head` is arena memory, and ends with an empty line if there is to be a body. */
struct message message_draft_finish(const struct message_draft *draft, struct span head);

/* A message that is all in memory, such as one we wrote ourselves: `text` is copied, its CR LF
 * become LF. It stands for a version of any message. */
struct message message_of_text(struct arena *arena, struct span text);

/* Size as with CRLF line ends (what IMAP and W= say). */
uint64_t message_crlf_bytes(const struct message *message);

/* Reads from head and body as if they were one; like spool_read(). */
bool message_read(const struct message *message, uint64_t offset, char *data, size_t len,
    size_t *got_out, struct status *status);

/* Writes it all to `fd` from where that stands; a failed write is told with errno's cause. The
 * caller names the object in the status. */
bool message_write(const struct message *message, int fd, struct status *status);

#endif
