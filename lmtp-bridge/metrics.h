#ifndef LMTP_BRIDGE_METRICS_H
#define LMTP_BRIDGE_METRICS_H

#include "base/bytes.h"
#include "lmtp-bridge/board.h"

#include <stddef.h>

/* The board's figures for other programs, and for people. */

/* Appends them in Prometheus' text format, version 0.0.4. Pure. */
void metrics_format(const struct board *board, struct bytes *to);

/* Appends what `lmtp-bridge --status` shows: sums, rates, reasons, and a line for each process. */
void metrics_show(const struct board *board, struct bytes *to);

/* Answers GET /metrics on `count` listening sockets until SIGTERM or our parent's end. Says what
 * else is asked is not found; a client that dawdles is let go after two seconds. */
void metrics_serve(const struct board *board, const int *listening, size_t count);

#endif
