#ifndef SIEVE_LITE_PARTS_H
#define SIEVE_LITE_PARTS_H

#include "mail/mime.h"
#include "sieve-lite/run.h"

/* The MIME parts of the message in effect, as tests look at them: found when first asked for, known
 * by their index in the tree, and read anew when the message changes. */

/* What a part holds, as tests see it. */
enum part_view {
	PART_RAW,     /* the body as it came, parts and all */
	PART_CONTENT, /* of a leaf: decoded */
	PART_VISIBLE, /* of a leaf: decoded, as a person reads it */
};
#define PART_VIEWS 3

/* One loop over parts that runs (RFC 5703 section 3). */
struct part_loop {
	size_t current;
	bool is_replaced; /* the current part was: what is in it now is not gone through */
	bool is_over;     /* the message is another */
	struct part_loop *outer;
};

/* Null when the message could not be read, which ends the run. */
const struct mime_tree *parts_tree(struct run *run);

/* The part that the innermost loop is at; 0, the message, where there is none. */
size_t parts_current(const struct run *run);

/* The header fields of a part. */
struct field *parts_fields(struct run *run, size_t index);

/* What it holds, cut to MIME_TEXT_MAX bytes. The span is good until `scratch` is used again; the
 * caller clears that. */
struct span parts_text(struct run *run, size_t index, enum part_view view, struct bytes *scratch);

/* Another message is in effect from here on: loops over the parts of the old one end. */
void parts_set_message(struct run *run, const struct message *version);
/* The same for one of bytes, a header and a body (copied). */
void parts_set_text(struct run *run, struct span text);

/* Ends the run where reading the message failed. Gives `is_done` back. */
bool parts_note_failure(struct run *run, bool is_done);

#endif
