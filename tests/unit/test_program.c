#include "mail/program.h"
#include "tests/unit/unit.h"

#include "base/clock.h"

#include <string.h>

/* The name may come from a file that the user has written: it never leads out of the directory. */
START_TEST(only_a_name_is_run)
{
	static const struct {
		const char *directory;
		struct span name;
		enum program_end end;
	} rows[] = {
	    {"/bin", {"true", 4}, PROGRAM_DONE},
	    {"/bin", {"false", 5}, PROGRAM_FAILED},
	    {"/bin", {"", 0}, PROGRAM_UNKNOWN},
	    {"/bin", {"..", 2}, PROGRAM_UNKNOWN},
	    {"/usr", {"bin/true", 8}, PROGRAM_UNKNOWN},
	    {"/bin", {"../bin/true", 11}, PROGRAM_UNKNOWN},
	    {"/bin", {"true\0x", 6}, PROGRAM_UNKNOWN},
	};
	static const char *const env[] = {NULL};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct action_program program = {.name = rows[i].name};
		struct program_request request = {.directory = rows[i].directory,
		    .program = &program,
		    .env = env,
		    .output_limit = 1000,
		    .deadline_ms = clock_monotonic_ms() + 60000};
		struct bytes output = {0};
		struct status status;
		enum program_end end = program_run(&request, &output, &status);
		ck_assert_msg(end == rows[i].end, "row %zu: %d %s", i, (int)end, status.detail);
		bytes_clear(&output);
	}
}
END_TEST

UNIT_TESTS("program", only_a_name_is_run)
