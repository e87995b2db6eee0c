#ifndef SIEVE_LITE_DATE_TEXT_H
#define SIEVE_LITE_DATE_TEXT_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Dates of the years 0 to 9999 in the Gregorian calendar, with the zone they were told in. */
struct date_text {
	int64_t minutes;  /* since 1970-01-01 00:00 UTC */
	unsigned second;  /* 0 to 60 */
	int zone_minutes; /* east of UTC */
};

/* The date-time (RFC 5322 3.3, obsolete forms of 4.3 too) that is the whole header value or stands
 * behind its last ";". False: there is none, or no such day. */
bool date_text_parse(struct span value, struct date_text *date_out);

/* "2026-11-21T20:00:00+01:00", the zone also as "+0100" or "Z" (RFC 3339 and what the part "zone"
 * gives). */
bool date_text_parse_iso8601(struct span text, time_t *when_out);

/* That moment, in the zone of this machine. */
struct date_text date_text_local(time_t when);
/* The zone of this machine at that moment, in minutes east of UTC. */
int date_text_local_zone(const struct date_text *date);

/* "+hhmm" / "-hhmm" */
bool date_text_parse_zone(struct span text, int *zone_minutes_out);

/* A part of a date in its zone by its name in RFC 5260 4.2: "year", "julian", "iso8601" ... False:
 * there is no such part. */
bool date_text_part(
    struct arena *arena, const struct date_text *date, struct span name, struct span *part_out);
/* Whether date_text_part() knows it. */
bool date_text_has_part(struct span name);

#endif
