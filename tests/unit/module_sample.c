/* A module for test_module.c: one that is right, and with WRONG_VERSION one that is not. */
#include "base/module.h"

struct sample {
	struct module module;
	int (*add)(int a, int b);
};

static int add(int a, int b)
{
	return a + b;
}

#ifdef WRONG_VERSION
#define OWN_VERSION "0.0.0"
#else
#define OWN_VERSION PACKAGE_VERSION
#endif

extern const struct sample MODULE_RECORD;
MODULE_EXPORT const struct sample MODULE_RECORD = {
    .module = {OWN_VERSION, sizeof(struct sample)},
    .add = add,
};
