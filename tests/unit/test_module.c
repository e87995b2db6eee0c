#include "base/module.h"
#include "tests/unit/unit.h"

#include <string.h>

struct sample {
	struct module module;
	int (*add)(int a, int b);
};

START_TEST(a_module_beside_the_program_is_loaded_once)
{
	char why[256] = "";
	const struct module *module =
	    module_load("module_sample", sizeof(struct sample), why, sizeof(why));
	ck_assert_msg(module != NULL, "%s", why);
	ck_assert_int_eq(((const struct sample *)(const void *)module)->add(2, 3), 5);
	ck_assert_ptr_eq(
	    module_load("module_sample", sizeof(struct sample), why, sizeof(why)), module);
}
END_TEST

static const struct {
	const char *name;
	size_t size;
	const char *why;
} refused[] = {
    {"module_none", sizeof(struct sample), "module_none.so"},
    {"module_wrong", sizeof(struct sample), "version 0.0.0"},
    {"module_sample", sizeof(struct sample) + 8, "module_sample.so"},
};

START_TEST(another_is_not_and_the_reason_is_told)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char why[256] = "";
		ck_assert_ptr_null(module_load(refused[i].name, refused[i].size, why, sizeof(why)));
		ck_assert_msg(strstr(why, refused[i].why) != NULL, "%s", why);
	}
}
END_TEST

UNIT_TESTS(
    "module", a_module_beside_the_program_is_loaded_once, another_is_not_and_the_reason_is_told)
