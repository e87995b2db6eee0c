#include "base/random.h"

#include "base/memory.h"

#include <unistd.h>

uint64_t random_u64(void)
{
	uint64_t value;
	/* Only a kernel without the call can fail here: then nothing of ours may run. */
	if (getentropy(&value, sizeof(value)) != 0)
		memory_exhausted();
	return value;
}
