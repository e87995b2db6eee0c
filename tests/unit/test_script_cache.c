#include "deliver/script_cache.h"
#include "tests/unit/unit.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OLD_S 100
#define MAX_BYTES ((size_t)256 * 1024)

static char top[64];
static struct script_rules rules;
static struct settings *settings;
static struct arena *arena;
static struct script_cache *cache;

static const char *path_of(const char *name)
{
	return arena_textf(arena, "%s/%s", top, name);
}

static void write_file(const char *name, const char *text, int64_t age_s)
{
	struct timespec times[2] = {clock_now(), clock_now()};
	FILE *file = fopen(path_of(name), "w");
	ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
	times[0].tv_sec = times[1].tv_sec -= age_s;
	ck_assert_int_eq(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

static void open_room(void)
{
	struct status status;
	strcpy(top, "/tmp/ladle-cache.XXXXXX");
	ck_assert(mkdtemp(top) != NULL);
	arena = arena_new();
	write_file("ladle.conf", "", 0);
	settings = settings_load(path_of("ladle.conf"), &status);
	ck_assert_ptr_nonnull(settings);
	ck_assert(script_rules_set(arena, settings, &rules, &status));
	cache = script_cache_new(&rules, MAX_BYTES);
}

static void close_room(void)
{
	static const char *const names[] = {"ladle.conf", "main.sieve", "one.sieve", "two.sieve"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	rmdir(top);
	script_cache_free(&cache);
	arena_free(&arena);
	settings_free(&settings);
}

static enum script_answer get(const char *name, const struct script_version **version_out)
{
	struct status status;
	struct script_wanted wanted = {.path = path_of(name), .personal_directory = top};
	return script_cache_get(cache, arena, &wanted, version_out, &status);
}

static size_t file_count(const struct script_version *version)
{
	size_t count = 0;
	for (const struct script_file *file = version->files; file != NULL; file = file->next)
		count++;
	return count;
}

/* ctime cannot be set back, so a file is not settled before it is two seconds old. What a young
 * one may not do is the same with files of any age: be served after it has changed. */
START_TEST(a_version_is_never_served_after_a_file_of_it_has_changed)
{
	const struct script_version *version;
	open_room();
	write_file("main.sieve", "require \"include\"; include \"one\";", OLD_S);
	ck_assert_int_eq(get("main.sieve", &version), SCRIPT_READY);
	ck_assert_uint_eq(file_count(version), 2);
	ck_assert(!version->files->next->exists);

	/* One that an include did not find appears... */
	write_file("one.sieve", "kepp;", OLD_S);
	ck_assert_int_eq(get("main.sieve", &version), SCRIPT_BROKEN);
	ck_assert_str_eq(version->errors.first->script, "one");
	/* ...is written over with the same size and times... */
	write_file("one.sieve", "keep;", OLD_S);
	ck_assert_int_eq(get("main.sieve", &version), SCRIPT_READY);
	/* ...includes another one... */
	write_file("one.sieve", "require \"include\"; include \"two\";", OLD_S);
	write_file("two.sieve", "stop;", OLD_S);
	ck_assert_int_eq(get("main.sieve", &version), SCRIPT_READY);
	ck_assert_uint_eq(file_count(version), 3);
	/* ...and is gone. */
	unlink(path_of("two.sieve"));
	ck_assert_int_eq(get("main.sieve", &version), SCRIPT_READY);
	ck_assert(!version->files->next->next->exists);
	unlink(path_of("main.sieve"));
	ck_assert_int_eq(get("main.sieve", &version), SCRIPT_NONE);
	close_room();
}
END_TEST

START_TEST(what_is_old_enough_and_unchanged_is_compiled_once)
{
	const struct script_version *version;
	struct status status;
	/* A file that nobody has touched for seconds. It is no script, but its errors are kept
	 * like one. */
	struct script_wanted wanted = {.path = "/etc/passwd"};
	open_room();
	ck_assert_int_eq(script_cache_get(cache, arena, &wanted, &version, &status), SCRIPT_BROKEN);
	const struct sieve_error *error = version->errors.first;
	ck_assert_int_eq(script_cache_get(cache, arena, &wanted, &version, &status), SCRIPT_BROKEN);
	ck_assert_ptr_eq(version->errors.first, error);
	close_room();
}
END_TEST

/* One file by many names: each is a script of its own. */
START_TEST(what_was_not_used_for_longest_goes_when_there_is_no_room)
{
	enum { NAMES = 400 };
	struct script_wanted first = {.path = "/etc/passwd"};
	const struct script_version *version;
	struct status status;
	char path[2 * NAMES + 32] = "/etc/";
	open_room();
	struct arena *one = arena_new();
	ck_assert_int_eq(script_cache_get(cache, one, &first, &version, &status), SCRIPT_BROKEN);
	const struct sieve_error *error = version->errors.first;
	size_t one_bytes = script_cache_bytes(cache);
	for (size_t i = 0; i < NAMES; i++) {
		size_t len = strlen(path);
		strcpy(path + len, "./passwd");
		struct script_wanted other = {.path = path};
		ck_assert_int_eq(
		    script_cache_get(cache, one, &other, &version, &status), SCRIPT_BROKEN);
		ck_assert_str_eq(version->errors.first->script, path);
		path[len + 2] = '\0';
		ck_assert_uint_le(script_cache_bytes(cache), MAX_BYTES);
		ck_assert_int_eq(
		    script_cache_get(cache, one, &first, &version, &status), SCRIPT_BROKEN);
		ck_assert_ptr_eq(version->errors.first, error);
		arena_reset(one);
	}
	ck_assert_uint_lt(MAX_BYTES, NAMES * one_bytes);
	arena_free(&one);
	close_room();
}
END_TEST

/* A file that is two seconds old is believed to be the same as long as its times are. */
START_TEST(who_has_the_same_text_shares_what_was_compiled)
{
	static const char *const names[] = {"one.sieve", "two.sieve"};
	const struct script_version *version;
	struct bytes text = {0};
	size_t bytes[2];
	open_room();
	while (text.len < 6000)
		bytes_append_text(&text, "if header \"subject\" \"x\" { keep; }\n");
	for (size_t i = 0; i < 2; i++)
		write_file(names[i], bytes_terminate(&text), OLD_S);
	bytes_clear(&text);
	sleep(3);
	struct arena *one = arena_new();
	for (size_t i = 0; i < 2; i++) {
		struct status status;
		struct script_wanted wanted = {.path = arena_text(one, span_of(path_of(names[i])))};
		ck_assert_int_eq(
		    script_cache_get(cache, one, &wanted, &version, &status), SCRIPT_READY);
		bytes[i] = script_cache_bytes(cache);
	}
	ck_assert_uint_gt(bytes[0], 50000);
	ck_assert_uint_lt(bytes[1], bytes[0] + 30000);
	/* The first one's goes, the second one's stays. */
	write_file(names[0], "stop;", OLD_S);
	ck_assert_int_eq(get(names[0], &version), SCRIPT_READY);
	ck_assert_uint_gt(script_cache_bytes(cache), 50000);
	unlink(path_of(names[1]));
	ck_assert_int_eq(get(names[1], &version), SCRIPT_NONE);
	ck_assert_uint_lt(script_cache_bytes(cache), 50000);
	arena_free(&one);
	close_room();
}
END_TEST

/* Those of many recipients are in use at the same time. */
START_TEST(what_was_given_stays_as_long_as_its_arena)
{
	static const char *const paths[] = {"/etc/passwd", "/etc/group", "/etc/./passwd"};
	const struct script_version *versions[3];
	struct status status;
	open_room();
	struct arena *one = arena_new();
	struct script_cache *tiny = script_cache_new(&rules, 1);
	for (size_t i = 0; i < 3; i++) {
		struct script_wanted wanted = {.path = paths[i]};
		ck_assert_int_eq(
		    script_cache_get(tiny, one, &wanted, &versions[i], &status), SCRIPT_BROKEN);
		ck_assert_uint_eq(script_cache_bytes(tiny), 0);
	}
	script_cache_free(&tiny);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(versions[i]->errors.first->script, paths[i]);
	arena_free(&one);
	close_room();
}
END_TEST

/* Texts are kept, so a user could fill the memory of a process that serves others too. */
START_TEST(all_that_is_included_is_bounded)
{
	const struct script_version *version;
	struct bytes text = {0};
	open_room();
	bytes_append_text(&text, "require \"include\";");
	for (unsigned i = 0; i < 8; i++)
		bytes_appendf(&text, "include \"i%u\";", i);
	write_file("main.sieve", bytes_terminate(&text), OLD_S);
	bytes_reset(&text);
	while (text.len < 1000000)
		bytes_append_text(&text, "# only a comment, but a long one\n");
	for (unsigned i = 0; i < 8; i++)
		write_file(arena_textf(arena, "i%u.sieve", i), bytes_terminate(&text), OLD_S);
	bytes_clear(&text);
	ck_assert_int_eq(get("main.sieve", &version), SCRIPT_BROKEN);
	size_t kept = 0;
	for (const struct script_file *file = version->files; file != NULL; file = file->next)
		kept += file->text.len;
	ck_assert_uint_le(kept, 6000000);
	for (unsigned i = 0; i < 8; i++)
		unlink(path_of(arena_textf(arena, "i%u.sieve", i)));
	close_room();
}
END_TEST

UNIT_TESTS("script_cache", all_that_is_included_is_bounded,
    a_version_is_never_served_after_a_file_of_it_has_changed,
    what_is_old_enough_and_unchanged_is_compiled_once,
    what_was_not_used_for_longest_goes_when_there_is_no_room,
    who_has_the_same_text_shares_what_was_compiled, what_was_given_stays_as_long_as_its_arena)
