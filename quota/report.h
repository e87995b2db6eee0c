#ifndef QUOTA_REPORT_H
#define QUOTA_REPORT_H

#include "quota/quota.h"

/* Figures for people and programs. Pure. */

struct quota_report_row {
	struct span user;
	bool has_figures;
	struct quota_usage usage;
	struct quota_limit limit;
	struct span trouble; /* where there are none */
};

/* Lines under a heading, in columns as wide as needed; rows without figures are left out, and
 * where none is left there is no heading. */
void quota_report_table(struct bytes *to, const struct quota_report_row *rows, size_t count);

/* One object and a line end. No limit is null:
 *
 *	{"user":"anna","storage_bytes":1,"storage_limit_bytes":null,
 *	 "message_count":1,"message_limit":100}
 *	{"user":"otto","error":"User doesn't exist"} */
void quota_report_json(struct bytes *to, const struct quota_report_row *row);

/* "0", "1023", "1.5K", "23M": at most four digits. */
void quota_report_size(struct bytes *to, uint64_t bytes);

#endif
