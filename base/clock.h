#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds of a clock that never jumps; only differences mean something. Deadlines are
 * points on it. */
int64_t clock_monotonic_ms(void);

/* Milliseconds left until `deadline_ms`, at least 0, at most INT_MAX: as poll() wants it. */
int clock_left_ms(int64_t deadline_ms);

/* Milliseconds of processor time that this process has used. */
int64_t clock_cpu_ms(void);

/* The time of day with microseconds or better. */
struct timespec clock_now(void);

#endif
