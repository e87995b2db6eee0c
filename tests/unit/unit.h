#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

/* What every unit test needs around Check: one main per file.
 *
 *   START_TEST(adds) { ck_assert_int_eq(1 + 1, 2); } END_TEST
 *   UNIT_TESTS("numbers", adds)
 */
#include <check.h>
#include <stdlib.h>

#define UNIT_TESTS(title, ...)                                                  \
	int main(void)                                                          \
	{                                                                       \
		const TTest *const tests[] = {__VA_ARGS__};                     \
		Suite *suite = suite_create(title);                             \
		for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) { \
			TCase *tc = tcase_create(tests[i]->name);               \
			tcase_set_timeout(tc, 300);                              \
			tcase_add_test(tc, tests[i]);                           \
			suite_add_tcase(suite, tc);                             \
		}                                                               \
		SRunner *runner = srunner_create(suite);                        \
		srunner_run_all(runner, CK_ENV);                                \
		int failed = srunner_ntests_failed(runner);                     \
		srunner_free(runner);                                           \
		return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;               \
	}

#endif
