#include "mail/date.h"

#include <stdlib.h>

struct span date_format(struct arena *arena, time_t when)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm local;
	if (localtime_r(&when, &local) == NULL)
		gmtime_r(&(time_t){0}, &local);
	long offset = local.tm_gmtoff / 60;
	return arena_spanf(arena, "%s, %02d %s %04d %02d:%02d:%02d %c%02ld%02ld",
	    days[local.tm_wday], local.tm_mday, months[local.tm_mon], local.tm_year + 1900,
	    local.tm_hour, local.tm_min, local.tm_sec, offset < 0 ? '-' : '+', labs(offset) / 60,
	    labs(offset) % 60);
}
