#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/* The log for the administrator. The one thing that is global, because a library function deep
 * down may have something to tell and a process has one log. Without log_open() it is silent.
 * Nothing here ever fails a delivery. */
enum log_level {
	LOG_LEVEL_ERROR,   /* mail is delayed or a person has to act */
	LOG_LEVEL_WARNING, /* it works, but not as configured */
	LOG_LEVEL_INFO,    /* the record of each delivery */
	LOG_LEVEL_DEBUG,
};

/* `target` is "syslog", "stderr", "none" or the path of a file to append to; `program` (kept
 * by reference) begins each line. Lines above `level` are dropped. 0, or -1 with errno when
 * the file cannot be opened; the log is then silent. May be called again. */
int log_open(const char *target, const char *program, enum log_level level);

/* One line; control characters in it are written as `?`. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For lines that are expensive to make. */
bool log_is_on(enum log_level level);

#endif
