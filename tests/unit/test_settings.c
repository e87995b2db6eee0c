#include "deliver/settings.h"
#include "deliver/settings_table.h"
#include "tests/unit/unit.h"

#include "base/arena.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert(file != NULL);
	ck_assert(fputs(text, file) >= 0);
	ck_assert(fclose(file) == 0);
}

static struct settings *load_text(const char *text, struct status *status)
{
	char path[] = "/tmp/test_settings.XXXXXX";
	int fd = mkstemp(path);
	ck_assert(fd >= 0);
	close(fd);
	put(path, text);
	struct settings *settings = settings_load(path, status);
	unlink(path);
	return settings;
}

/* What follows "/tmp/test_settings.XXXXXX:". */
static const char *after_path(const struct status *status)
{
	return status->detail + strlen("/tmp/test_settings.XXXXXX:");
}

START_TEST(defaults_serve_without_a_file)
{
	struct status status;
	struct settings *settings = load_text("", &status);
	ck_assert(settings != NULL);
	ck_assert_str_eq(settings->recipient_delimiter, "+");
	ck_assert_str_eq(settings->store.location, "maildir:~/Maildir");
	ck_assert(settings->store.autocreate && !settings->store.utf8_names);
	ck_assert_uint_eq(settings->delivery_timeout_s, 240);
	ck_assert_uint_eq(settings->quota.grace_bytes, 10485760);
	ck_assert_uint_eq(settings->plugins.count, 2);
	ck_assert_str_eq(settings->plugins.items[1], "sieve");
	ck_assert_uint_eq(settings->user_source_count, 1);
	ck_assert_str_eq(settings->users[0].driver, "passwd");
	ck_assert_str_eq(settings->users[0].username, "%{user}");
	ck_assert_uint_gt(strlen(settings->hostname), 0);
	ck_assert_int_eq(settings->log.level, LOG_SETTING_INFO);
	settings_free(&settings);
	ck_assert(settings == NULL);
}
END_TEST

START_TEST(rows_of_a_section_stand_together)
{
	const struct setting *rows = setting_table;
	for (size_t i = 0; i < setting_count; i++) {
		bool is_first = true;
		for (size_t j = 0; i > 0 && j < i; j++)
			is_first = is_first && strcmp(rows[i].section, rows[j].section) != 0;
		ck_assert_msg(is_first || strcmp(rows[i].section, rows[i - 1].section) == 0,
		    "\"%s\" stands apart from the rest of \"%s\"", rows[i].name, rows[i].section);
	}
}
END_TEST

START_TEST(a_missing_file_is_an_error_only_when_it_was_named)
{
	struct status status;
	ck_assert(settings_load("/nowhere/ladle.conf", &status) == NULL);
	ck_assert_int_eq(status.cause, CAUSE_CONFIGURATION);
	ck_assert_str_eq(status.detail, "/nowhere/ladle.conf: No such file or directory");
}
END_TEST

START_TEST(everything_can_be_said)
{
	struct status status;
	struct settings *settings =
	    load_text("postmaster = \"p@example.org\" # a comment\n"
	              "plugins = {\"sieve\"}\n"
	              "users \"v\" { driver = \"passwd-file\" path = /etc/users }\n"
	              "users \"s\" { driver = \"passwd\" }\n"
	              "quota { over = \"defer\" grace = 1M\n"
	              "  rule \"*\" { storage = \"1G\" messages = 100000 }\n"
	              "  rule \"Trash\" { storage = \"+100M\" } }\n"
	              "sieve { before = {\"/a.sieve\", \"/b\"} }\n"
	              "lmtp { user = vmail probe_senders = {}\n"
	              "  listen \"unix:/run/l\" { mode = \"0666\" dsn = no }\n"
	              "  listen \"inet:127.0.0.1:24\" {} }\n"
	              "policy { listen \"unix:/run/p\" { owner = postfix } }\n"
	              "record { target = \"/var/log/r\" format = \"json\" }\n",
	        &status);
	ck_assert_msg(settings != NULL, "%s", status.detail);
	ck_assert_str_eq(settings->postmaster, "p@example.org");
	ck_assert_uint_eq(settings->plugins.count, 1);
	ck_assert_uint_eq(settings->user_source_count, 2);
	ck_assert_str_eq(settings->users[0].title, "v");
	ck_assert_str_eq(settings->users[0].path, "/etc/users");
	ck_assert_str_eq(settings->users[1].title, "s");
	ck_assert_int_eq(settings->quota.over, QUOTA_OVER_DEFER);
	ck_assert_uint_eq(settings->quota.grace_bytes, 1048576);
	ck_assert_uint_eq(settings->quota.rule_count, 2);
	ck_assert_str_eq(settings->quota.rules[0].messages, "100000");
	ck_assert_str_eq(settings->quota.rules[1].title, "Trash");
	ck_assert_str_eq(settings->quota.rules[1].messages, "");
	ck_assert_uint_eq(settings->sieve.before.count, 2);
	ck_assert_uint_eq(settings->lmtp.probe_senders.count, 0);
	ck_assert_uint_eq(settings->lmtp.listener_count, 2);
	ck_assert_uint_eq(settings->lmtp.listeners[0].mode, 0666);
	ck_assert(!settings->lmtp.listeners[0].dsn && settings->lmtp.listeners[1].dsn);
	ck_assert_uint_eq(settings->lmtp.listeners[1].mode, 0600);
	ck_assert_str_eq(settings->policy.listeners[0].owner, "postfix");
	ck_assert_int_eq(settings->record.format, RECORD_JSON);
	settings_free(&settings);
}
END_TEST

START_TEST(mistakes_are_told_with_line_and_remedy)
{
	static const struct {
		const char *text;
		const char *said;
	} rows[] = {
	    {"\nquota {\n  ovr = \"refuse\"\n}\n",
	        "3: there is no setting \"ovr\" in section \"quota\"; did you mean \"over\"?"},
	    {"recipient_delimeter = \"+\"\n",
	        "1: there is no setting \"recipient_delimeter\" outside of sections; did you mean "
	        "\"recipient_delimiter\"?"},
	    {"grace = \"10M\"\n",
	        "1: there is no setting \"grace\" outside of sections; it belongs "
	        "in section \"quota\""},
	    {"zyxwvut = \"1\"\n",
	        "1: there is no setting \"zyxwvut\" outside of sections; remove it "
	        "or see the manual page for the names"},
	    {"quota {\n  over = \"maybe\"\n}\n",
	        "2: over = \"maybe\": write \"refuse\" or \"defer\""},
	    {"log { level = \"loud\" }\n",
	        "1: level = \"loud\": write \"error\", \"warning\", \"info\" or \"debug\""},
	    {"quota { grace = \"10 M\" }\n",
	        "1: grace = \"10 M\": write a size such as \"10M\" (B, K, M, G, T)"},
	    {"quota { grace = \"-1\" }\n",
	        "1: grace = \"-1\": write a size such as \"10M\" (B, K, M, G, T)"},
	    {"delivery_timeout = 240\n",
	        "1: delivery_timeout = \"240\": write a time such as \"240s\" (s, m, h, d)"},
	    {"delivery_timeout = 1h\n",
	        "1: delivery_timeout = \"1h\": write a number from 1s to 900s"},
	    {"first_valid_uid = 0\n",
	        "1: first_valid_uid = \"0\": write a number from 1 to 4294967294"},
	    {"store {\n\n  autocreate = \"maybe\"\n}\n",
	        "3: autocreate = \"maybe\": write true or false"},
	    {"lmtp { listen \"x\" { mode = \"0999\" } }\n",
	        "1: mode = \"0999\": write a mode such as \"0660\""},
	    {"store { }\nquota { }\nstore { }\n",
	        "3: section \"store\" is there a second time; put both into one"},
	    {"users \"a\" {}\nusers \"a\" {}\n", "2: found duplicate title 'a'"},
	    {"include(\"/nowhere/more.conf\")\n",
	        "1: cannot read the included file /nowhere/more.conf: No such file or directory"},
	    {"quota {\n", "3: section \"quota\" is not closed; a } is missing"},
	    {"postmaster \"x\"\n", "1: missing equal sign after option 'postmaster'"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct status status;
		struct settings *settings = load_text(rows[i].text, &status);
		ck_assert_msg(settings == NULL, "accepted: %s", rows[i].text);
		ck_assert_int_eq(status.cause, CAUSE_CONFIGURATION);
		ck_assert_str_eq(after_path(&status), rows[i].said);
	}
}
END_TEST

START_TEST(includes_are_looked_for_beside_the_file)
{
	char directory[] = "/tmp/test_settings.XXXXXX";
	char main_path[64], more_path[64];
	struct status status;
	ck_assert(mkdtemp(directory) != NULL);
	snprintf(main_path, sizeof(main_path), "%s/ladle.conf", directory);
	snprintf(more_path, sizeof(more_path), "%s/more.conf", directory);
	put(main_path, "include(\"more.conf\")\nstore { autocreate = false }\n");
	put(more_path, "quota { over = \"defer\" }\n");
	struct settings *settings = settings_load(main_path, &status);
	ck_assert_msg(settings != NULL, "%s", status.detail);
	ck_assert_int_eq(settings->quota.over, QUOTA_OVER_DEFER);
	ck_assert(!settings->store.autocreate);
	ck_assert_str_eq(settings->path, main_path);
	settings_free(&settings);
	put(more_path, "\n\nquota { over = \"d\" }\n");
	ck_assert(settings_load(main_path, &status) == NULL);
	ck_assert(strstr(status.detail, "/more.conf:3: over = \"d\"") != NULL);
	unlink(main_path);
	unlink(more_path);
	rmdir(directory);
}
END_TEST

START_TEST(options_override)
{
	static const struct {
		const char *assignment;
		const char *said; /* null: it is taken */
	} rows[] = {
	    {"quota.over=defer", NULL},
	    {"postmaster=a=b", NULL},
	    {"sieve.before=/a, /b", NULL},
	    {"quota.rule.Lists.c.storage=1G", NULL},
	    {"lmtp.listen.inet:127.0.0.1:24.dsn=true", NULL},
	    {"quota.over", "-o quota.over: write -o section.name=value"},
	    {"qota.over=defer", "-o qota.over=defer: there is no section \"qota\""},
	    {"quota.ovr=defer", "-o quota.ovr=defer: there is no setting \"ovr\" in section "
	                        "\"quota\"; did you mean \"over\"?"},
	    {"quota.over=no", "-o quota.over=no: over = \"no\": write \"refuse\" or \"defer\""},
	};
	struct status status;
	struct settings *settings = load_text("", &status);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_taken = settings_override(settings, rows[i].assignment, &status);
		ck_assert_msg(is_taken == (rows[i].said == NULL), "%s", rows[i].assignment);
		if (!is_taken)
			ck_assert_str_eq(status.detail, rows[i].said);
	}
	ck_assert_int_eq(settings->quota.over, QUOTA_OVER_DEFER);
	ck_assert_str_eq(settings->postmaster, "a=b");
	ck_assert_uint_eq(settings->sieve.before.count, 2);
	ck_assert_str_eq(settings->sieve.before.items[1], "/b");
	ck_assert_uint_eq(settings->quota.rule_count, 1);
	ck_assert_str_eq(settings->quota.rules[0].title, "Lists.c");
	ck_assert_str_eq(settings->quota.rules[0].storage, "1G");
	ck_assert_str_eq(settings->lmtp.listeners[0].title, "inet:127.0.0.1:24");
	ck_assert(settings->lmtp.listeners[0].dsn);
	settings_free(&settings);
}
END_TEST

START_TEST(probes_are_known_by_their_sender)
{
	static const struct {
		const char *sender;
		bool is_probe;
	} rows[] = {{"", true}, {"double-bounce@mx.example.org", true}, {"Double-Bounce", true},
	    {"anna@example.org", false}, {"x-double-bounce", false}};
	struct status status;
	struct arena *arena = arena_new();
	struct settings *settings = load_text("", &status);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address sender;
		const char *why;
		ck_assert(address_parse(arena, span_of(rows[i].sender), &sender, &why));
		ck_assert_msg(settings_is_probe_sender(settings, &sender) == rows[i].is_probe, "%s",
		    rows[i].sender);
	}
	settings_free(&settings);
	arena_free(&arena);
}
END_TEST

UNIT_TESTS("settings", defaults_serve_without_a_file, rows_of_a_section_stand_together,
    a_missing_file_is_an_error_only_when_it_was_named, everything_can_be_said,
    mistakes_are_told_with_line_and_remedy, includes_are_looked_for_beside_the_file,
    options_override, probes_are_known_by_their_sender)
