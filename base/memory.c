#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

_Noreturn void memory_exhausted(void)
{
	/* No stdio, no handlers: both may want memory. Whoever started us reads 75. */
	_exit(EX_TEMPFAIL);
}

void *memory_new(size_t count, size_t size)
{
	void *memory = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
	if (memory == NULL)
		memory_exhausted();
	return memory;
}

void *memory_resize(void *old, size_t size)
{
	void *memory = realloc(old, size == 0 ? 1 : size);
	if (memory == NULL)
		memory_exhausted();
	return memory;
}

char *memory_string(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(memory_new(size, 1), text, size);
}
