#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/arena.h"
#include "mail/message.h"

/* The parts of a message (RFC 2045, 2046), found in one pass from front to back in bounded memory:
 * header blocks are kept, bodies are only measured. Whatever the message, this succeeds; what has
 * no sense as MIME is text. */

/* A part is no deeper, and there are no more; what would be beyond belongs to its surroundings. */
#define MIME_DEPTH_MAX 64
#define MIME_PARTS_MAX 1000
/* So much is kept of the header of one part, and of all; lines behind it are passed over. */
#define MIME_HEADER_MAX ((size_t)64 * 1024)
#define MIME_HEADERS_MAX ((size_t)1024 * 1024)
/* A line is looked at so far; a longer boundary is none. */
#define MIME_LINE_MAX 1000

enum mime_kind {
	MIME_LEAF,
	MIME_MULTIPART,
	MIME_MESSAGE, /* message/rfc822: the next part is the message in it */
};

struct mime_part {
	enum mime_kind kind;
	unsigned depth;
	size_t end;         /* the index behind the last part within this one */
	struct span header; /* with the empty line; where it was cut, without */
	/* In the message: */
	uint64_t header_start;
	uint64_t body_start;
	uint64_t body_end; /* the line end before a boundary belongs to that */
	/* Of a multipart: what stands before the first boundary, and behind the last. */
	uint64_t prologue_end;
	uint64_t epilogue_start;
	bool has_body;      /* an empty line ended the header */
	bool is_in_message; /* its header is that of a message, not only of a part */
	/* Lower case; text/plain where the header says nothing, or nonsense. */
	struct span type;
	struct span subtype;
	struct span encoding; /* lower case; null data: none said */
	struct span charset;  /* null data: none said */
};

struct mime_tree {
	struct mime_part *parts; /* the message itself first, each before the parts within it */
	size_t count;
};

/* Reads all of `message` once. */
bool mime_parse(struct arena *arena, const struct message *message, struct mime_tree *tree_out,
    struct status *status);

#endif
