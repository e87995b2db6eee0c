#ifndef DELIVER_RECORD_H
#define DELIVER_RECORD_H

#include "deliver/delivery.h"

/* The delivery record: what became of one message for one recipient, always one entry, the same
 * keys in the same order from both fronts:
 *
 *	time id front queue_id message_id sender recipient original user bytes actions mailbox
 *	cause code detail note ms
 *
 * Text: key=value with quotes where needed. JSON: one object per line. Spans without a value are
 * left out in text and null in JSON. */
struct record;

/* Opens the target; one that cannot be opened is told in the log and no mail waits for it. */
struct record *record_open(const struct record_settings *settings);
void record_close(struct record **record);

#define RECORD_TIME_SIZE 40

/* Writes the time of day as the record has it; returns `to`. */
const char *record_time(char to[RECORD_TIME_SIZE]);

void record_write(struct record *record, const struct delivery *delivery);

/* The entry without its line end, `time` for its first key. */
void record_format(
    struct bytes *to, enum record_format format, const char *time, const struct delivery *delivery);

#endif
