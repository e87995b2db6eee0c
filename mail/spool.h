#ifndef MAIL_SPOOL_H
#define MAIL_SPOOL_H

#include "base/bytes.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stdint.h>

/* The bytes of one message while it is being delivered: in memory while small, then in a file
 * without a name. Written once from front to back, then only read; constant memory however
 * long the message is.
 *
 * The one treatment of line ends, for both fronts: CR LF becomes LF. A bare CR, a bare LF, NUL
 * and 8-bit bytes stay what they are. */
struct spool;

#define SPOOL_MEMORY_BYTES ((size_t)128 * 1024)

/* A new, empty one. `directory` (borrowed, must live as long) is where the file is made when
 * the message outgrows SPOOL_MEMORY_BYTES. */
struct spool *spool_new(const char *directory);

/* Adopts what another process wrote: `bytes` in memory (copied), or `fd` (taken over) with
 * `size_bytes` in it. `line_count` is what spool_line_count() said there. Read-only from the start.
 */
struct spool *spool_adopt_bytes(struct span bytes, uint64_t line_count);
struct spool *spool_adopt_fd(int fd, uint64_t size_bytes, uint64_t line_count);

void spool_free(struct spool **spool);

/* Appends; temporary failure when the file cannot be made or is full. After a failure the
 * spool only remembers that: later appends fail the same way, so that a front may go on
 * reading its client. */
bool spool_append(struct spool *spool, const char *data, size_t len, struct status *status);
/* No more will come (a CR at the very end is now written as it is). */
bool spool_finish(struct spool *spool, struct status *status);

uint64_t spool_size_bytes(const struct spool *spool); /* as stored, LF line ends */
/* LF bytes in it, apart from those behind a bare CR. */
uint64_t spool_line_count(const struct spool *spool);

/* The whole as bytes in memory, or null data when it is in a file. */
struct span spool_in_memory(const struct spool *spool);
/* The descriptor of the file (borrowed), or -1 when it is in memory. */
int spool_descriptor(const struct spool *spool);

/* Reads up to `len` bytes at `offset`; fewer only at the end. */
bool spool_read(const struct spool *spool, uint64_t offset, char *data, size_t len, size_t *got_out,
    struct status *status);

#endif
