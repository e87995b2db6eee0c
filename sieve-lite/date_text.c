/* date_text.c - dates in header fields, and the parts of a date.
 *
 *	date-time = [ day-name "," ] day month year hour ":" minute [ ":" second ] zone
 *	zone      = ("+" / "-") 4DIGIT / obsolete names (RFC 5322 4.3)
 *
 * Comments and blanks may stand between any two of these. */
#include "sieve-lite/date_text.h"

#include <stdlib.h>
#include <string.h>

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
static const char weekdays[] = "SunMonTueWedThuFriSat";

/* -- The calendar -- */

struct civil {
	int64_t year;
	unsigned month; /* 1 to 12 */
	unsigned day;
};

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
	static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01. A year is counted from March, so that the leap day is its last; 400
 * years have 146097 days. */
static int64_t days_of(struct civil civil)
{
	int64_t year = civil.month > 2 ? civil.year : civil.year - 1;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t month = civil.month > 2 ? civil.month - 3 : civil.month + 9;
	int64_t day_of_year = (153 * month + 2) / 5 + civil.day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static struct civil civil_of(int64_t days)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
	    day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct civil civil = {.year = year_of_era + era * 400};
	civil.day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
	civil.month = (unsigned)(month < 10 ? month + 3 : month - 9);
	if (civil.month <= 2)
		civil.year++;
	return civil;
}

/* -- Reading -- */

static void skip_space(struct span *rest)
{
	unsigned depth = 0;
	while (rest->len > 0) {
		char byte = rest->data[0];
		if (byte == '(')
			depth++;
		else if (byte == ')' && depth > 0)
			depth--;
		else if (byte == '\\' && depth > 0)
			*rest = span_from(*rest, 1);
		else if (depth == 0 && span_trim(span_first(*rest, 1)).len > 0)
			return;
		*rest = span_from(*rest, 1);
	}
}

/* A number of `least` to `most` digits. */
static bool take_number(struct span *rest, size_t least, size_t most, unsigned *number_out)
{
	size_t len = 0;
	skip_space(rest);
	*number_out = 0;
	for (; len < rest->len && len <= most; len++) {
		char byte = rest->data[len];
		if (byte < '0' || byte > '9')
			break;
		*number_out = *number_out * 10 + (unsigned)(byte - '0');
	}
	*rest = span_from(*rest, len);
	return len >= least && len <= most;
}

static struct span take_word(struct span *rest)
{
	size_t len = 0;
	skip_space(rest);
	while (len < rest->len && ascii_lower(rest->data[len]) >= 'a' &&
	       ascii_lower(rest->data[len]) <= 'z')
		len++;
	struct span word = span_first(*rest, len);
	*rest = span_from(*rest, len);
	return word;
}

static bool take_byte(struct span *rest, char byte)
{
	skip_space(rest);
	if (rest->len == 0 || rest->data[0] != byte)
		return false;
	*rest = span_from(*rest, 1);
	return true;
}

static bool take_month(struct span *rest, unsigned *month_out)
{
	struct span word = take_word(rest);
	for (unsigned i = 0; word.len >= 3 && i < 12; i++) {
		struct span month = {months + 3 * (size_t)i, 3};
		if (span_equals_nocase(span_first(word, 3), month)) {
			*month_out = i + 1;
			return true;
		}
	}
	return false;
}

/* Years of two digits: 00 to 49 are 2000 on, others and those of three digits 1900 on. */
static bool take_year(struct span *rest, int64_t *year_out)
{
	unsigned number;
	size_t before;
	skip_space(rest);
	before = rest->len;
	if (!take_number(rest, 2, 4, &number))
		return false;
	size_t digits = before - rest->len;
	*year_out = number;
	if (digits == 2 && number < 50)
		*year_out += 2000;
	else if (digits < 4)
		*year_out += 1900;
	return true;
}

bool date_text_parse_zone(struct span text, int *zone_minutes_out)
{
	unsigned number;
	if (text.len != 5 || (text.data[0] != '+' && text.data[0] != '-'))
		return false;
	struct span digits = span_from(text, 1);
	if (!take_number(&digits, 4, 4, &number) || number % 100 > 59)
		return false;
	int minutes = (int)(number / 100 * 60 + number % 100);
	*zone_minutes_out = text.data[0] == '-' ? -minutes : minutes;
	return true;
}

/* "+01:00", "+0100" or "Z" */
static bool take_iso8601_zone(struct span rest, int *zone_out)
{
	char zone[5];
	*zone_out = 0;
	if (span_is_nocase(rest, "Z"))
		return true;
	if (rest.len != 6 || rest.data[3] != ':')
		return date_text_parse_zone(rest, zone_out);
	memcpy(zone, rest.data, 3);
	memcpy(zone + 3, rest.data + 4, 2);
	return date_text_parse_zone((struct span){zone, sizeof(zone)}, zone_out);
}

/* In minutes. What is not understood, and none at all, says nothing of the zone: UTC (RFC 5322
 * 4.3). */
static int take_zone(struct span *rest)
{
	static const struct {
		const char *name;
		int minutes;
	} names[] = {{"EDT", -240}, {"EST", -300}, {"CDT", -300}, {"CST", -360}, {"MDT", -360},
	    {"MST", -420}, {"PDT", -420}, {"PST", -480}};
	int minutes = 0;
	skip_space(rest);
	if (rest->len > 0 && (rest->data[0] == '+' || rest->data[0] == '-')) {
		bool has_colon = rest->len >= 6 && rest->data[3] == ':';
		if (!take_iso8601_zone(span_first(*rest, has_colon ? 6 : 5), &minutes))
			minutes = 0;
		return minutes;
	}
	struct span word = take_word(rest);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_is_nocase(word, names[i].name))
			minutes = names[i].minutes;
	}
	return minutes;
}

/* What stands behind the last ";" that is in no comment; all of it where there is none. */
static struct span behind_semicolon(struct span value)
{
	size_t start = 0;
	unsigned depth = 0;
	for (size_t i = 0; i < value.len; i++) {
		char byte = value.data[i];
		if (byte == '(')
			depth++;
		else if (byte == ')' && depth > 0)
			depth--;
		else if (byte == ';' && depth == 0)
			start = i + 1;
	}
	return span_from(value, start);
}

bool date_text_parse(struct span value, struct date_text *date_out)
{
	struct civil civil = {0};
	unsigned hour;
	unsigned minute;
	struct span rest = behind_semicolon(value);
	*date_out = (struct date_text){0};
	if (take_word(&rest).len > 0 && !take_byte(&rest, ','))
		return false;
	if (!take_number(&rest, 1, 2, &civil.day) || !take_month(&rest, &civil.month) ||
	    !take_year(&rest, &civil.year) || !take_number(&rest, 1, 2, &hour) ||
	    !take_byte(&rest, ':') || !take_number(&rest, 1, 2, &minute))
		return false;
	if (take_byte(&rest, ':') && !take_number(&rest, 1, 2, &date_out->second))
		return false;
	date_out->zone_minutes = take_zone(&rest);
	if (civil.day == 0 || civil.day > days_in_month(civil.year, civil.month) || hour > 23 ||
	    minute > 59 || date_out->second > 60)
		return false;
	date_out->minutes =
	    days_of(civil) * 1440 + (int64_t)hour * 60 + minute - date_out->zone_minutes;
	return true;
}

static bool take_exactly(struct span *rest, size_t digits, char before, unsigned *number_out)
{
	if (before != '\0' && (rest->len == 0 || rest->data[0] != before))
		return false;
	*rest = span_from(*rest, before != '\0' ? 1 : 0);
	return rest->len >= digits && rest->data[0] != ' ' &&
	       take_number(rest, digits, digits, number_out);
}

bool date_text_parse_iso8601(struct span text, time_t *when_out)
{
	struct civil civil = {0};
	unsigned year;
	unsigned hour;
	unsigned minute;
	unsigned second;
	int zone;
	if (!take_exactly(&text, 4, '\0', &year) || !take_exactly(&text, 2, '-', &civil.month) ||
	    !take_exactly(&text, 2, '-', &civil.day) || text.len == 0 ||
	    !take_exactly(&text, 2, text.data[0] == 't' ? 't' : 'T', &hour) ||
	    !take_exactly(&text, 2, ':', &minute) || !take_exactly(&text, 2, ':', &second) ||
	    !take_iso8601_zone(text, &zone))
		return false;
	civil.year = year;
	if (civil.month == 0 || civil.month > 12 || civil.day == 0 ||
	    civil.day > days_in_month(civil.year, civil.month) || hour > 23 || minute > 59 ||
	    second > 60)
		return false;
	int64_t minutes = days_of(civil) * 1440 + (int64_t)hour * 60 + minute - zone;
	*when_out = (time_t)(minutes * 60 + second);
	return true;
}

/* -- The zone of this machine -- */

int date_text_local_zone(const struct date_text *date)
{
	time_t when = (time_t)(date->minutes * 60);
	struct tm local;
	return localtime_r(&when, &local) != NULL ? (int)(local.tm_gmtoff / 60) : 0;
}

struct date_text date_text_local(time_t when)
{
	int64_t second = when % 60;
	if (second < 0)
		second += 60;
	struct date_text date = {
	    .minutes = (when - second) / 60,
	    .second = (unsigned)second,
	};
	date.zone_minutes = date_text_local_zone(&date);
	return date;
}

/* -- Parts -- */

/* A date taken apart, in its zone. */
struct parts {
	struct civil civil;
	int64_t days;
	unsigned hour;
	unsigned minute;
	unsigned second;
	unsigned weekday;
	int zone;
};

static struct parts take_apart(const struct date_text *date)
{
	int64_t minutes = date->minutes + date->zone_minutes;
	int64_t of_day = minutes % 1440;
	if (of_day < 0)
		of_day += 1440;
	struct parts parts = {.days = (minutes - of_day) / 1440,
	    .hour = (unsigned)(of_day / 60),
	    .minute = (unsigned)(of_day % 60),
	    .second = date->second,
	    .zone = date->zone_minutes};
	parts.civil = civil_of(parts.days);
	/* 1970-01-01 was a Thursday. */
	int64_t weekday = (parts.days + 4) % 7;
	parts.weekday = (unsigned)(weekday < 0 ? weekday + 7 : weekday);
	return parts;
}

static struct span date_of(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(
	    arena, "%04d-%02u-%02u", (int)parts->civil.year, parts->civil.month, parts->civil.day);
}

static struct span time_of(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%02u:%02u:%02u", parts->hour, parts->minute, parts->second);
}

static struct span zone_of(struct arena *arena, const struct parts *parts, const char *separator)
{
	int zone = abs(parts->zone);
	return arena_spanf(
	    arena, "%c%02d%s%02d", parts->zone < 0 ? '-' : '+', zone / 60, separator, zone % 60);
}

static struct span year(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%04d", (int)parts->civil.year);
}

static struct span month(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%02u", parts->civil.month);
}

static struct span day(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%02u", parts->civil.day);
}

/* Days since 1858-11-17. */
static struct span julian(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%d", (int)(parts->days + 40587));
}

static struct span hour(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%02u", parts->hour);
}

static struct span minute(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%02u", parts->minute);
}

static struct span second(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%02u", parts->second);
}

static struct span iso8601(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%sT%s%s", date_of(arena, parts).data, time_of(arena, parts).data,
	    parts->zone == 0 ? "Z" : zone_of(arena, parts, ":").data);
}

static struct span std11(struct arena *arena, const struct parts *parts)
{
	const char *name = months + 3 * (size_t)(parts->civil.month - 1);
	return arena_spanf(arena, "%.3s, %02u %c%.2s %04d %s %s",
	    weekdays + 3 * (size_t)parts->weekday, parts->civil.day, name[0] - 'a' + 'A', name + 1,
	    (int)parts->civil.year, time_of(arena, parts).data, zone_of(arena, parts, "").data);
}

static struct span zone(struct arena *arena, const struct parts *parts)
{
	return zone_of(arena, parts, "");
}

static struct span weekday(struct arena *arena, const struct parts *parts)
{
	return arena_spanf(arena, "%u", parts->weekday);
}

static const struct {
	const char *name;
	struct span (*write)(struct arena *arena, const struct parts *parts);
} writers[] = {
    {"year", year},
    {"month", month},
    {"day", day},
    {"date", date_of},
    {"julian", julian},
    {"hour", hour},
    {"minute", minute},
    {"second", second},
    {"time", time_of},
    {"iso8601", iso8601},
    {"std11", std11},
    {"zone", zone},
    {"weekday", weekday},
};

#define WRITER_COUNT (sizeof(writers) / sizeof(writers[0]))

static size_t find_writer(struct span name)
{
	size_t i = 0;
	while (i < WRITER_COUNT && !span_is_nocase(name, writers[i].name))
		i++;
	return i;
}

bool date_text_has_part(struct span name)
{
	return find_writer(name) < WRITER_COUNT;
}

bool date_text_part(
    struct arena *arena, const struct date_text *date, struct span name, struct span *part_out)
{
	size_t i = find_writer(name);
	if (i == WRITER_COUNT)
		return false;
	struct parts parts = take_apart(date);
	*part_out = writers[i].write(arena, &parts);
	return true;
}
