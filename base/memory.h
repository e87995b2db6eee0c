#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Heap memory that is always there: when the machine has no more, the process leaves at once
 * with status 75 (EX_TEMPFAIL), so no caller tests for null. Sizes are in bytes. */

/* Returns zeroed memory for `count` items of `size` bytes; the caller owns it, free() ends it.
 * A product that overflows counts as exhaustion. */
void *memory_new(size_t count, size_t size);

/* Resizes `old` (may be null) to `size` bytes like realloc(); new bytes are not zeroed. */
void *memory_resize(void *old, size_t size);

/* Returns a copy of a NUL-terminated string; the caller owns it. */
char *memory_string(const char *text);

/* Ends the process with 75: for callers that find a size impossible. */
_Noreturn void memory_exhausted(void);

#endif
