#include "base/arena.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The first block is small, for what is kept by the thousand; each further one twice as large. */
#define FIRST_BYTES ((size_t)2 * 1024)
#define BLOCK_BYTES ((size_t)16 * 1024)

struct block {
	struct block *next;
	size_t used;
	size_t size;
	max_align_t data[];
};

/* Told when the memory goes; lies in it. */
struct farewell {
	struct farewell *next;
	void (*tell)(void *context);
	void *context;
};

struct arena {
	struct block *blocks; /* the first is the one in use */
	struct farewell *farewells;
};

static struct block *block_new(size_t size)
{
	if (size > SIZE_MAX / 2)
		memory_exhausted();
	/* Zeroed when handed out, not here: most of a block is never used. */
	struct block *block = memory_resize(NULL, sizeof(*block) + size);
	*block = (struct block){.size = size};
	return block;
}

struct arena *arena_new(void)
{
	struct arena *arena = memory_new(1, sizeof(*arena));
	arena->blocks = block_new(FIRST_BYTES);
	return arena;
}

static void free_blocks(struct block *block)
{
	while (block != NULL) {
		struct block *next = block->next;
		free(block);
		block = next;
	}
}

static void say_farewell(struct arena *arena)
{
	for (const struct farewell *one = arena->farewells; one != NULL; one = one->next)
		one->tell(one->context);
	arena->farewells = NULL;
}

void arena_free(struct arena **arena)
{
	if (*arena == NULL)
		return;
	say_farewell(*arena);
	free_blocks((*arena)->blocks);
	free(*arena);
	*arena = NULL;
}

void arena_reset(struct arena *arena)
{
	say_farewell(arena);
	free_blocks(arena->blocks->next);
	arena->blocks->next = NULL;
	if (arena->blocks->size > BLOCK_BYTES) {
		free(arena->blocks);
		arena->blocks = block_new(BLOCK_BYTES);
	}
	arena->blocks->used = 0;
}

void *arena_new_items(struct arena *arena, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / 4 / size)
		memory_exhausted();
	size_t align = alignof(max_align_t);
	size_t bytes = (count * size + align - 1) / align * align;
	struct block *block = arena->blocks;
	if (block->size - block->used < bytes) {
		size_t next = block->size < BLOCK_BYTES / 2 ? block->size * 2 : BLOCK_BYTES;
		block = block_new(bytes > next ? bytes : next);
		block->next = arena->blocks;
		arena->blocks = block;
	}
	void *memory = (char *)block->data + block->used;
	block->used += bytes;
	return memset(memory, 0, bytes);
}

void arena_at_end(struct arena *arena, void (*tell)(void *context), void *context)
{
	struct farewell *farewell = ARENA_NEW(arena, struct farewell);
	*farewell = (struct farewell){arena->farewells, tell, context};
	arena->farewells = farewell;
}

size_t arena_bytes(const struct arena *arena)
{
	size_t bytes = sizeof(*arena);
	for (const struct block *block = arena->blocks; block != NULL; block = block->next)
		bytes += sizeof(*block) + block->size;
	return bytes;
}

struct span arena_span(struct arena *arena, struct span from)
{
	return (struct span){arena_text(arena, from), from.len};
}

char *arena_text(struct arena *arena, struct span from)
{
	char *copy = arena_new_items(arena, from.len + 1, 1);
	if (from.len > 0)
		memcpy(copy, from.data, from.len);
	return copy;
}

__attribute__((format(printf, 2, 0))) static char *arena_textv(
    struct arena *arena, const char *format, va_list args)
{
	struct bytes text = {0};
	bytes_appendv(&text, format, args);
	char *copy = arena_text(arena, bytes_span(&text));
	bytes_clear(&text);
	return copy;
}

char *arena_textf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *copy = arena_textv(arena, format, args);
	va_end(args);
	return copy;
}

struct span arena_spanf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *copy = arena_textv(arena, format, args);
	va_end(args);
	return span_of(copy);
}
