#include "deliver/state.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct room {
	char top[64];
	struct arena *arena;
	struct users_settings sources[2];
	struct settings settings;
	struct delivery delivery;
	struct status status;
} room;

/* Anna of the source "virtual" or "system", with the home and the Maildir in it. */
static void enter(const char *source, const char *state_setting)
{
	memset(&room, 0, sizeof(room));
	room.arena = arena_new();
	snprintf(room.top, sizeof(room.top), "/tmp/test_state.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(room.top));
	room.sources[0] = (struct users_settings){.title = "system", .driver = "passwd"};
	room.sources[1] = (struct users_settings){.title = "virtual", .driver = "static"};
	room.settings = (struct settings){
	    .state_directory = state_setting, .users = room.sources, .user_source_count = 2};
	room.delivery = (struct delivery){
	    .arena = room.arena,
	    .settings = &room.settings,
	    .user = {.name = SPAN("anna@example.org"),
	        .domain = SPAN("example.org"),
	        .home = arena_spanf(room.arena, "%s/home", room.top),
	        .source = source},
	};
	struct store_options options = {
	    .location = arena_textf(room.arena, "maildir:%s/home/Maildir", room.top),
	    .host_name = "h"};
	room.delivery.store = store_open(room.arena, &options, &room.status);
	ck_assert_ptr_nonnull(room.delivery.store);
}

static void leave(void)
{
	char command[100];
	store_close(&room.delivery.store);
	arena_free(&room.arena);
	snprintf(command, sizeof(command), "rm -r %s", room.top);
	ck_assert_int_eq(system(command), 0);
}

static const char *in_room(const char *name)
{
	return arena_textf(room.arena, "%s/%s", room.top, name);
}

START_TEST(where_it_is)
{
	static const struct {
		const char *source, *setting, *path;
	} rows[] = {
	    {"system", "", "@/home/.local/state/ladle"},
	    {"the environment", "", "@/home/.local/state/ladle"},
	    {"virtual", "", LADLE_STATE_DIR "/anna@example.org"},
	    {"system", "/srv/state", "/srv/state/anna@example.org"},
	    {"virtual", "~/state", "@/home/state"},
	    {"virtual", "/srv/%{domain}/s", "/srv/example.org/s"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter(rows[i].source, rows[i].setting);
		const char *wanted =
		    rows[i].path[0] == '@' ? in_room(rows[i].path + 2) : rows[i].path;
		ck_assert_str_eq(state_directory_path(&room.delivery, &room.status), wanted);
		leave();
	}
	enter("virtual", "state");
	ck_assert_ptr_null(state_directory_path(&room.delivery, &room.status));
	ck_assert_int_eq(room.status.cause, CAUSE_CONFIGURATION);
	leave();
}
END_TEST

START_TEST(it_is_made_when_needed_and_private)
{
	struct stat found;
	enter("system", "");
	const char *path = state_directory_path(&room.delivery, &room.status);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_str_eq(state_directory(&room.delivery, &room.status), path);
	ck_assert_int_eq(stat(path, &found), 0);
	ck_assert_uint_eq(found.st_mode & 0777, 0700);
	ck_assert_str_eq(state_directory(&room.delivery, &room.status), path);
	leave();
}
END_TEST

START_TEST(never_inside_a_maildir)
{
	/* The user's own, which does not exist yet. */
	enter("system", "~/Maildir/state");
	ck_assert_ptr_null(state_directory(&room.delivery, &room.status));
	ck_assert_int_eq(room.status.cause, CAUSE_CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(room.status.detail, "inside a Maildir"));
	ck_assert_int_ne(access(in_room("home/Maildir"), F_OK), 0);
	leave();
	/* A home that is one. */
	enter("system", "");
	ck_assert(mkdir(in_room("home"), 0700) == 0 && mkdir(in_room("home/cur"), 0700) == 0 &&
	          mkdir(in_room("home/new"), 0700) == 0);
	ck_assert_ptr_null(state_directory(&room.delivery, &room.status));
	ck_assert_int_ne(access(in_room("home/.local"), F_OK), 0);
	leave();
	/* A neighbour whose name only begins alike. */
	enter("system", "~/Maildir-state");
	ck_assert_ptr_nonnull(state_directory(&room.delivery, &room.status));
	leave();
}
END_TEST

START_TEST(one_that_cannot_be_made_is_temporary)
{
	enter("system", "/dev/null");
	ck_assert_ptr_null(state_directory(&room.delivery, &room.status));
	ck_assert(!status_is_permanent(&room.status));
	leave();
}
END_TEST

START_TEST(names_in_directories)
{
	static const struct {
		struct span user;
		const char *file;
	} rows[] = {
	    {SPAN("anna"), "anna"},
	    {SPAN("anna+x@example.org"), "anna+x@example.org"},
	    {SPAN(".."), "%2E."},
	    {SPAN(".pending"), "%2Epending"},
	    {SPAN("a/b"), "a%2Fb"},
	    {SPAN("a\0b c%~"), "a%00b%20c%25%7E"},
	    {SPAN("j\xC3\xBCrgen"), "j\xC3\xBCrgen"},
	};
	static const char *const none[] = {"a%2", "a%", "a%zz", "a%2f", ".x", "a~1", "a b", "%61nna"};
	struct arena *arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_str_eq(state_file_name(arena, rows[i].user), rows[i].file);
		ck_assert(span_equals(state_user_name(arena, span_of(rows[i].file)), rows[i].user));
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_ptr_null(state_user_name(arena, span_of(none[i])).data);
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("state", where_it_is, it_is_made_when_needed_and_private, never_inside_a_maildir,
    one_that_cannot_be_made_is_temporary, names_in_directories)
