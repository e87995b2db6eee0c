#include "base/clock.h"
#include "tests/unit/unit.h"
#include "users/nss.h"
#include "users/users.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;

static int fake_getpwnam(
    const char *name, struct passwd *entry, char *buf, size_t size, struct passwd **found_out)
{
	if (strcmp(name, "slow") == 0)
		sleep(1000);
	if (strcmp(name, "down") == 0)
		return ECONNREFUSED;
	if (strcmp(name, "crash") == 0)
		_exit(0);
	if (strcmp(name, "endless") == 0)
		return ERANGE;
	if (strcmp(name, "anna") != 0)
		return 0;
	if (size < 5000)
		return ERANGE;
	snprintf(buf, size, "Anna");
	snprintf(buf + 5, size - 5, "/home/anna");
	*entry = (struct passwd){.pw_name = buf, .pw_dir = buf + 5, .pw_uid = 1001, .pw_gid = 1002};
	*found_out = entry;
	return 0;
}

START_TEST(an_answer_comes_from_here_or_from_a_child)
{
	static const struct {
		const char *name;
		bool is_child_only;
		bool is_known;
		const char *detail; /* null: an answer */
	} rows[] = {
	    {"anna", false, true, NULL},
	    {"bert", false, false, NULL},
	    {"down", false, false, "passwd: look up \"down\": Connection refused"},
	    {"endless", false, false, "passwd: look up \"endless\": Numerical result out of range"},
	    {"crash", true, false, "passwd: the process that asks for \"crash\" died"},
	};
	static const struct nss nss = {.getpwnam = fake_getpwnam};
	arena = arena_new();
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool in_child = i % 2 == 0;
		const char *name = rows[i / 2].name;
		struct nss_user user;
		struct status status;
		if (rows[i / 2].is_child_only && !in_child)
			continue;
		bool done = nss_find(&nss, arena, name, in_child ? 10000 : 0, &user, &status);
		ck_assert_msg(done == (rows[i / 2].detail == NULL), "%s: %s", name, status.detail);
		if (!done) {
			ck_assert_str_eq(status.detail, rows[i / 2].detail);
			ck_assert(!status_is_permanent(&status));
			continue;
		}
		ck_assert_int_eq(user.is_known, rows[i / 2].is_known);
		if (!user.is_known)
			continue;
		ck_assert(span_is(user.name, "Anna"));
		ck_assert(span_is(user.home, "/home/anna"));
		ck_assert_int_eq(user.uid, 1001);
		ck_assert_int_eq(user.gid, 1002);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(a_service_that_hangs_costs_its_time_limit_only)
{
	static const struct nss nss = {.getpwnam = fake_getpwnam};
	struct nss_user user;
	struct status status;
	arena = arena_new();
	int64_t began_ms = clock_monotonic_ms();
	ck_assert(!nss_find(&nss, arena, "slow", 50, &user, &status));
	ck_assert_str_eq(status.detail, "passwd: no answer for \"slow\" within 50 ms");
	ck_assert_int_eq(status.cause, CAUSE_CANNOT_TELL);
	ck_assert_int_lt(clock_monotonic_ms() - began_ms, 5000);
	arena_free(&arena);
}
END_TEST

START_TEST(remote_services_are_told_from_local_ones)
{
	static const struct {
		const char *config, *service; /* null: all local */
	} rows[] = {
	    {"passwd: files systemd\n", NULL},
	    {"passwd:\tfiles\r\n", NULL},
	    {"group: sss\npasswd: files # sss\n", NULL},
	    {"", NULL},
	    {"#passwd: ldap\n", NULL},
	    {"passwd: files [NOTFOUND=return] sss\n", "sss"},
	    {"passwd: files [!UNAVAIL=return SUCCESS=merge] systemd\n", NULL},
	    {"passwd: files[NOTFOUND=return]ldap", "ldap"},
	    {"passwd: compat", "compat"},
	    {"  passwd: sss files\n", "sss"},
	};
	char path[64] = "/tmp/ladle-test.XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	struct nss nss = {.config_path = path};
	arena = arena_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		size_t len = strlen(rows[i].config);
		ck_assert_int_eq(pwrite(fd, rows[i].config, len, 0), (ssize_t)len);
		const char *service = nss_remote_service(&nss, arena);
		ck_assert_msg(rows[i].service == NULL
		                  ? service == NULL
		                  : service != NULL && strcmp(service, rows[i].service) == 0,
		    "%s", rows[i].config);
	}
	close(fd);
	unlink(path);
	ck_assert_ptr_null(nss_remote_service(&nss, arena));
	nss.config_path = "/";
	ck_assert_str_eq(nss_remote_service(&nss, arena), "?");
	arena_free(&arena);
}
END_TEST

START_TEST(local_users_are_those_of_the_file)
{
	ck_assert(nss_is_local_user(nss_system(), SPAN("root")));
	ck_assert(!nss_is_local_user(nss_system(), SPAN("roo")));
	ck_assert(!nss_is_local_user(nss_system(), SPAN("no-such-user")));
}
END_TEST

static bool count_user(void *context, const struct user *user)
{
	size_t *count = context;
	ck_assert_uint_ge(user->uid, 1000);
	ck_assert_str_eq(user->source, "system");
	++*count;
	return true;
}

START_TEST(the_system_has_root_who_gets_no_mail)
{
	struct user_source_options source = {
	    .title = "system", .driver = "passwd", .uid = -1, .gid = -1};
	struct users_options options = {.sources = &source,
	    .source_count = 1,
	    .recipient_delimiter = "+",
	    .first_valid_uid = 1000};
	struct user user;
	struct status status;
	arena = arena_new();
	struct users *users = users_open(&options, &status);
	ck_assert_ptr_nonnull(users);
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN("root+x"), &user, &status), USER_CANNOT_TELL);
	ck_assert_msg(strstr(status.detail, "passwd: user \"root\" has uid 0") != NULL &&
	                  strstr(status.detail, "alias") != NULL,
	    "%s", status.detail);
	ck_assert_int_eq(
	    users_lookup_name(users, arena, SPAN("no:one"), &user, &status), USER_UNKNOWN);
	if (nss_remote_service(nss_system(), arena) == NULL) {
		ck_assert_int_eq(
		    users_lookup_name(users, arena, SPAN("no-such-user"), &user, &status),
		    USER_UNKNOWN);
		size_t count = 0;
		ck_assert_msg(users_walk(users, count_user, &count, &status), "%s", status.detail);
	}
	struct passwd *nobody = getpwnam("nobody");
	if (nobody != NULL && nobody->pw_uid >= 1000) {
		ck_assert_int_eq(
		    users_lookup_name(users, arena, SPAN("nobody"), &user, &status), USER_FOUND);
		ck_assert_uint_eq(user.uid, nobody->pw_uid);
		ck_assert_uint_eq(user.gid, nobody->pw_gid);
	}
	users_close(&users);
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("passwd", an_answer_comes_from_here_or_from_a_child,
    a_service_that_hangs_costs_its_time_limit_only, remote_services_are_told_from_local_ones,
    local_users_are_those_of_the_file, the_system_has_root_who_gets_no_mail)
