#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include "base/arena.h"

#include <time.h>

/* "Sat, 21 Nov 2026 09:30:00 +0000" (RFC 5322 3.3), in the local time zone, English always. */
struct span date_format(struct arena *arena, time_t when);

#endif
