#ifndef MAIL_HTML_TEXT_H
#define MAIL_HTML_TEXT_H

#include "base/bytes.h"

/* Appends the text of an HTML page (UTF-8) as a person reads it: without tags, comments, scripts
 * and styles, with character references resolved, runs of blanks as one, and CR LF where a block
 * ends. Linear, and never longer than the page but for references to characters. */
void html_text_append(struct bytes *to, struct span html);

#endif
