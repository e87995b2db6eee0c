#include "mail/spool.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct spool {
	const char *directory;
	struct bytes pending; /* all of it while small, then what is not yet in the file */
	int fd;               /* -1 while in memory */
	uint64_t file_bytes;
	uint64_t line_count;
	bool has_cr;     /* a CR came last: not yet known whether it belongs to a line end */
	bool ends_in_cr; /* the last byte stored is a bare CR */
	bool has_failed;
	struct status failure;
};

struct spool *spool_new(const char *directory)
{
	struct spool *spool = memory_new(1, sizeof(*spool));
	spool->directory = directory;
	spool->fd = -1;
	return spool;
}

struct spool *spool_adopt_bytes(struct span bytes, uint64_t line_count)
{
	struct spool *spool = spool_new(NULL);
	bytes_append_span(&spool->pending, bytes);
	spool->line_count = line_count;
	return spool;
}

struct spool *spool_adopt_fd(int fd, uint64_t size_bytes, uint64_t line_count)
{
	struct spool *spool = spool_new(NULL);
	spool->fd = fd;
	spool->file_bytes = size_bytes;
	spool->line_count = line_count;
	return spool;
}

void spool_free(struct spool **spool)
{
	if (*spool == NULL)
		return;
	if ((*spool)->fd >= 0)
		close((*spool)->fd);
	bytes_clear(&(*spool)->pending);
	free(*spool);
	*spool = NULL;
}

static bool fail(struct spool *spool, const char *act, struct status *status)
{
	status_errno(
	    &spool->failure, CAUSE_INTERNAL, errno, "%s message file in %s", act, spool->directory);
	spool->has_failed = true;
	bytes_clear(&spool->pending);
	*status = spool->failure;
	return false;
}

static bool flush(struct spool *spool, struct status *status)
{
	if (spool->fd < 0) {
		spool->fd = file_open_unnamed(spool->directory);
		if (spool->fd < 0)
			return fail(spool, "open", status);
	}
	if (file_write_all(spool->fd, spool->pending.data, spool->pending.len) != 0)
		return fail(spool, "write", status);
	spool->file_bytes += spool->pending.len;
	bytes_reset(&spool->pending);
	return true;
}

/* Copies up to the next CR; a CR waits until it is known what follows it. */
static void append_normalised(struct spool *spool, const char *data, size_t len)
{
	const char *end = data + len;
	while (data < end) {
		if (spool->has_cr) {
			spool->has_cr = false;
			if (*data != '\n') {
				bytes_append_byte(&spool->pending, '\r');
				spool->ends_in_cr = true;
			}
		}
		const char *cr = memchr(data, '\r', (size_t)(end - data));
		size_t run = (size_t)((cr == NULL ? end : cr) - data);
		bytes_append(&spool->pending, data, run);
		/* "CR CR LF" is stored as "CR LF": readers see a CRLF line already. */
		const char *at = data;
		if (run > 0 && spool->ends_in_cr && *at == '\n')
			at++;
		for (; (at = memchr(at, '\n', (size_t)(data + run - at))) != NULL; at++)
			spool->line_count++;
		if (run > 0)
			spool->ends_in_cr = false;
		data += run;
		if (cr != NULL) {
			spool->has_cr = true;
			data++;
		}
	}
}

bool spool_append(struct spool *spool, const char *data, size_t len, struct status *status)
{
	while (len > 0 && !spool->has_failed) {
		size_t step = len < SPOOL_MEMORY_BYTES ? len : SPOOL_MEMORY_BYTES;
		append_normalised(spool, data, step);
		data += step;
		len -= step;
		if (spool->pending.len > SPOOL_MEMORY_BYTES && !flush(spool, status))
			return false;
	}
	if (spool->has_failed)
		*status = spool->failure;
	return !spool->has_failed;
}

bool spool_finish(struct spool *spool, struct status *status)
{
	if (spool->has_cr && !spool->has_failed)
		bytes_append_byte(&spool->pending, '\r');
	spool->has_cr = false;
	if (spool->fd >= 0 && !spool->has_failed && !flush(spool, status))
		return false;
	if (spool->has_failed)
		*status = spool->failure;
	return !spool->has_failed;
}

uint64_t spool_size_bytes(const struct spool *spool)
{
	return spool->file_bytes + spool->pending.len;
}

uint64_t spool_line_count(const struct spool *spool)
{
	return spool->line_count;
}

struct span spool_in_memory(const struct spool *spool)
{
	if (spool->fd >= 0)
		return (struct span){NULL, 0};
	return spool->pending.data == NULL ? span_of("") : bytes_span(&spool->pending);
}

int spool_descriptor(const struct spool *spool)
{
	return spool->fd;
}

bool spool_read(const struct spool *spool, uint64_t offset, char *data, size_t len, size_t *got_out,
    struct status *status)
{
	if (spool->fd < 0) {
		size_t start = offset < spool->pending.len ? (size_t)offset : spool->pending.len;
		struct span part = span_first(span_from(bytes_span(&spool->pending), start), len);
		if (part.len > 0)
			memcpy(data, part.data, part.len);
		*got_out = part.len;
		return true;
	}
	/* The size said when it was written counts: a file that shrank under us is an error. */
	uint64_t left = offset < spool->file_bytes ? spool->file_bytes - offset : 0;
	size_t wanted = len < left ? len : (size_t)left;
	ssize_t got = file_read_at(spool->fd, data, wanted, offset);
	if (got < 0)
		return status_errno(status, CAUSE_INTERNAL, errno, "read message file");
	if ((size_t)got < wanted)
		return status_fail(status, CAUSE_INTERNAL, "message file is shorter than written");
	*got_out = (size_t)got;
	return true;
}
