#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"

#include <stddef.h>

/* Memory that lives as long as one task (a message, a recipient) and goes in one call.
 * Nothing in it is freed alone. Running out ends the process (memory.h). */
struct arena;

struct arena *arena_new(void);
/* Frees everything taken from it and sets the pointer to null; null is accepted. */
void arena_free(struct arena **arena);
/* Forgets everything but keeps one block: for a process that serves one task after another. */
void arena_reset(struct arena *arena);

/* Calls `tell` when all is forgotten or freed: for what must live as long, and lies elsewhere. The
 * last one that was asked for is the first. */
void arena_at_end(struct arena *arena, void (*tell)(void *context), void *context);

/* How much of the heap it holds. */
size_t arena_bytes(const struct arena *arena);

/* Zeroed memory for `count` items of `size` bytes, aligned for any type. */
void *arena_new_items(struct arena *arena, size_t count, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_new_items((arena), 1, sizeof(type)))

/* A copy of the bytes with a NUL behind it that is not counted. */
struct span arena_span(struct arena *arena, struct span from);
/* The same as a string (NULs inside end it early for whoever reads it so). */
char *arena_text(struct arena *arena, struct span from);
char *arena_textf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct span arena_spanf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
