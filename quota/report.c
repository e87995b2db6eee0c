/* report.c - the figures as a table and as JSON. */
#include "quota/report.h"

#include "base/json.h"
#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>

void quota_report_size(struct bytes *to, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	unsigned unit = 0;
	if (bytes < 1024) {
		bytes_appendf(to, "%" PRIu64, bytes);
		return;
	}
	while (bytes >= UINT64_C(1024) * 1024) {
		bytes /= 1024;
		unit++;
	}
	if (bytes < UINT64_C(10) * 1024)
		bytes_appendf(to, "%" PRIu64 ".%" PRIu64 "%c", bytes / 1024,
		    bytes % 1024 * 10 / 1024, units[unit]);
	else
		bytes_appendf(to, "%" PRIu64 "%c", bytes / 1024, units[unit]);
}

/* How many columns a terminal gives it, roughly: a character each. */
static size_t width_of(struct span text)
{
	size_t width = 0;
	for (size_t i = 0; i < text.len; i++)
		width += ((unsigned char)text.data[i] & 0xC0) != 0x80;
	return width;
}

static void append_user(struct bytes *to, struct span user, size_t width)
{
	for (size_t i = 0; i < user.len; i++) {
		unsigned char byte = (unsigned char)user.data[i];
		/* Names come from tables: they shall not command the terminal. */
		bytes_append_byte(to, byte < ' ' || byte == 0x7F ? '?' : user.data[i]);
	}
	for (size_t i = width_of(user); i < width; i++)
		bytes_append_byte(to, ' ');
}

static void append_resource(struct bytes *to, uint64_t used, uint64_t limit,
    void (*format)(struct bytes *to, uint64_t value))
{
	struct bytes cell = {0};
	format(&cell, used);
	bytes_appendf(to, " %9s", bytes_terminate(&cell));
	bytes_reset(&cell);
	if (limit == 0) {
		bytes_appendf(to, "%10s%6s", "no limit", "");
	} else {
		format(&cell, limit);
		uint64_t percent = limit >= 100 && used > UINT64_MAX / 100
		                       ? used / (limit / 100)
		                       : number_multiply(used, 100) / limit;
		bytes_appendf(to, " %9s%5" PRIu64 "%%", bytes_terminate(&cell), percent);
	}
	bytes_clear(&cell);
}

static void append_count(struct bytes *to, uint64_t value)
{
	bytes_appendf(to, "%" PRIu64, value);
}

static void end_line(struct bytes *to)
{
	while (to->len > 0 && to->data[to->len - 1] == ' ')
		to->len--;
	bytes_append_byte(to, '\n');
}

void quota_report_table(struct bytes *to, const struct quota_report_row *rows, size_t count)
{
	static const struct span heading = {"USER", 4};
	size_t width = heading.len;
	bool has_heading = false;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].has_figures && width_of(rows[i].user) > width)
			width = width_of(rows[i].user);
	}
	for (size_t i = 0; i < count; i++) {
		const struct quota_report_row *row = &rows[i];
		if (!row->has_figures)
			continue;
		if (!has_heading) {
			append_user(to, heading, width);
			bytes_appendf(
			    to, "%10s%10s%6s%10s%10s", "STORAGE", "LIMIT", "", "MESSAGES", "LIMIT");
			end_line(to);
			has_heading = true;
		}
		append_user(to, row->user, width);
		append_resource(
		    to, row->usage.storage_bytes, row->limit.storage_bytes, quota_report_size);
		append_resource(
		    to, row->usage.message_count, row->limit.message_count, append_count);
		end_line(to);
	}
}

static void append_limit(struct bytes *to, const char *name, uint64_t limit)
{
	if (limit == 0)
		bytes_appendf(to, ",\"%s\":null", name);
	else
		bytes_appendf(to, ",\"%s\":%" PRIu64, name, limit);
}

void quota_report_json(struct bytes *to, const struct quota_report_row *row)
{
	bytes_append_text(to, "{\"user\":");
	json_append_string(to, row->user);
	if (row->has_figures) {
		bytes_appendf(to, ",\"storage_bytes\":%" PRIu64, row->usage.storage_bytes);
		append_limit(to, "storage_limit_bytes", row->limit.storage_bytes);
		bytes_appendf(to, ",\"message_count\":%" PRIu64, row->usage.message_count);
		append_limit(to, "message_limit", row->limit.message_count);
	} else {
		bytes_append_text(to, ",\"error\":");
		json_append_string(to, row->trouble);
	}
	bytes_append_text(to, "}\n");
}
