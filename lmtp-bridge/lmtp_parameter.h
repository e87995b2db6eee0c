#ifndef LMTP_BRIDGE_LMTP_PARAMETER_H
#define LMTP_BRIDGE_LMTP_PARAMETER_H

#include "lmtp-bridge/lmtp_command.h"

#include <stdbool.h>

/* The parameters of MAIL and RCPT. To add one is to add a row in lmtp_parameter.c and a field in
 * mail/envelope.h. Pure. */

/* Understands what stands behind the path, `rest`, and sets what it means in `command`. One that
 * was not offered is refused: the client would believe that we had understood it. */
bool lmtp_parameters_parse(struct arena *arena, struct span rest,
    const struct lmtp_options *options, struct lmtp_command *command, struct lmtp_reply *reply_out);

/* xtext = *( xchar / "+" 2HEXDIG )	(RFC 3461 4); appends what it means. Lower case digits are
 * not allowed. False: none; `to` has what came before the fault. */
bool lmtp_xtext_decode(struct span text, struct bytes *to);

#endif
