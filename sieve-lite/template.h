#ifndef SIEVE_LITE_TEMPLATE_H
#define SIEVE_LITE_TEMPLATE_H

#include "base/bytes.h"

#include <stdbool.h>

/* Texts that a site sets, with pieces that are only known for a message: "Auto: %{subject}".
 *
 *	%{name}			what `look_up` gives for the name
 *	%{name | filter ...}	changed by "lower", "upper", "trim", "truncate(bytes)"
 *	%%			a percent sign
 *
 * It is the part of Dovecot's variables that such settings use. */

/* What the name stands for. False: there is nothing of that name. */
typedef bool template_look_up(void *context, struct span name, struct span *value_out);

/* Appends the text; false where it is not well formed or has an unknown name or filter (what was
 * appended is taken back then). `to` grows by no more than the values need. */
bool template_expand(struct bytes *to, struct span text, template_look_up *look_up, void *context);

#endif
