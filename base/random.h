#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* 64 bits nobody can guess, from the kernel; blocks only while the machine first boots. */
uint64_t random_u64(void);

#endif
