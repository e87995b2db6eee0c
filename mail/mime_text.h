#ifndef MAIL_MIME_TEXT_H
#define MAIL_MIME_TEXT_H

#include "mail/mime.h"

/* What parts hold. All of these append to `to`, no more than the first MIME_TEXT_MAX bytes; line
 * ends of the message become CR LF. NUL and 8-bit bytes are bytes like any other. */
#define MIME_TEXT_MAX ((size_t)1024 * 1024)

/* Bytes `from` to `end` of the message as they came. */
bool mime_text_raw(const struct message *message, uint64_t from, uint64_t end, struct bytes *to,
    struct status *status);

/* The body of a part, its transfer encoding undone; text becomes UTF-8. What cannot be decoded
 * stays as it came. */
bool mime_text_content(const struct message *message, const struct mime_part *part,
    struct bytes *to, struct status *status);

/* The same as a person reads it: of HTML without the mark-up. */
bool mime_text_visible(const struct message *message, const struct mime_part *part,
    struct bytes *to, struct status *status);

/* True for a part that mime_text_visible() is made for: "text" and XHTML. */
bool mime_text_is_text(const struct mime_part *part);

#endif
