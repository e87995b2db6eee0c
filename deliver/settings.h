#ifndef DELIVER_SETTINGS_H
#define DELIVER_SETTINGS_H

#include "base/bytes.h"
#include "mail/address.h"
#include "mail/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The configuration, typed and checked. The table in settings_table.c has one row per setting;
 * what each one means, its range and its default stand there and nowhere else. Everything here
 * is constant once loaded and lives until settings_free(). */

#ifndef LADLE_CONFIG_FILE
#define LADLE_CONFIG_FILE "/etc/ladle.conf"
#endif

struct text_list {
	const char *const *items;
	size_t count;
};

/* users "TITLE" { } */
struct users_settings {
	const char *title;
	const char *driver;
	const char *path;
	const char *username;
	const char *witness;
	const char *home;
	const char *domain;
	const char *uid; /* a number or an account's name; "" none */
	const char *gid;
};

/* mailbox "FOLDER" { } */
struct mailbox_settings {
	const char *title;
	struct text_list special_use;
};

enum detail_folder { DETAIL_IGNORE, DETAIL_EXISTING, DETAIL_CREATE };
enum folder_separator { SEPARATOR_DOT, SEPARATOR_SLASH };

struct store_settings {
	const char *location;
	bool autocreate;
	bool autosubscribe;
	bool utf8_names;
	enum folder_separator separator;
	enum detail_folder detail;
	const char *sentinel;
	const char *attributes;
	const struct mailbox_settings *mailboxes;
	size_t mailbox_count;
};

/* rule "FOLDER" { } */
struct rule_settings {
	const char *title;
	const char *storage;
	const char *messages;
};

/* warning "PERCENT" { } */
struct warning_settings {
	const char *title;
	const char *command;
};

enum quota_over { QUOTA_OVER_REFUSE, QUOTA_OVER_DEFER };

struct quota_settings {
	const char *driver;
	enum quota_over over;
	uint64_t grace_bytes;
	uint64_t message_max_bytes;
	bool at_rcpt;
	const struct rule_settings *rules;
	size_t rule_count;
	const struct warning_settings *warnings;
	size_t warning_count;
};

/* list "URN" { } */
struct list_settings {
	const char *title;
	const char *file;
};

/* environment "NAME" { } */
struct environment_settings {
	const char *title;
	const char *value;
};
enum reject_way { REJECT_BY_PROTOCOL, REJECT_BY_MAIL };

/* header "NAME" { } */
struct header_settings {
	const char *title;
	bool forbid_add;
	bool forbid_delete;
};

enum score_type { SCORE_NUMBER, SCORE_LENGTH, SCORE_TEXT }; /* as enum sieve_score_type */

/* spamtest { } and virustest { } */
struct score_settings {
	const char *header;
	enum score_type type;
	const char *max_header;
	const char *max_value;
	struct text_list texts;
};

/* programs { } */
struct programs_settings {
	const char *pipe_directory;
	const char *filter_directory;
	const char *execute_directory;
	uint64_t timeout_s;
	uint64_t output_max_bytes;
	bool crlf;
};

struct sieve_settings {
	const char *script;
	const char *directory;
	struct text_list before;
	const char *fallback;
	struct text_list after;
	const char *global_directory;
	struct text_list extensions;
	struct text_list global_extensions;
	uint64_t max_actions;
	uint64_t max_redirects;
	uint64_t max_variable_bytes;
	uint64_t max_includes;
	uint64_t max_include_depth;
	uint64_t max_steps;
	uint64_t max_cpu_time_s;
	uint64_t max_overruns;
	bool user_log;
	bool error_notice;
	bool last_good;
	uint64_t duplicate_default_s;
	uint64_t duplicate_max_s;
	uint64_t vacation_min_s;
	uint64_t vacation_min_short_s;
	uint64_t vacation_max_s;
	uint64_t vacation_default_s;
	const char *vacation_subject;
	const char *vacation_no_subject;
	bool vacation_original_recipient;
	bool vacation_check_recipient;
	bool vacation_from_recipient;
	uint64_t max_notifications;
	const char *notify_sender;
	const char *report_sender;
	bool vacation_to_author;
	const char *notify_from;
	uint64_t notify_max_recipients;
	uint64_t notify_max_fields;
	uint64_t max_variables;
	uint64_t max_header_bytes;
	const char *user_email;
	struct score_settings spamtest;
	struct score_settings virustest;
	struct programs_settings programs;
	const struct header_settings *headers;
	size_t header_count;
	const struct list_settings *lists;
	size_t list_count;
	const struct environment_settings *environment;
	size_t environment_count;
	enum reject_way reject;
	const char *redirect_sender;
	uint64_t redirect_duplicate_period_s;
};

struct outbox_settings {
	const char *transport;
	const char *sendmail;
	uint64_t retry_min_s;
	uint64_t retry_max_s;
	uint64_t expire_s;
	uint64_t send_timeout_s;
	uint64_t processes;
	bool at_once;
	const char *pending;
};

enum listen_tls { LISTEN_TLS_NONE, LISTEN_TLS_OPTIONAL, LISTEN_TLS_REQUIRED, LISTEN_TLS_IMPLICIT };
enum listen_auth { LISTEN_AUTH_NONE, LISTEN_AUTH_OPTIONAL, LISTEN_AUTH_REQUIRED };

/* listen "unix:PATH" { } or listen "inet:HOST:PORT" { } */
struct listen_settings {
	const char *title;
	const char *owner;
	const char *group;
	uint64_t mode;
	bool dsn;
	bool proxy;
	enum listen_tls tls;
	enum listen_auth auth;
	struct text_list trusted;
	struct text_list peers;
};

enum sandbox { SANDBOX_ON, SANDBOX_OFF };

struct lmtp_settings {
	const char *user;         /* "": each recipient's own (system users) */
	enum sandbox sandbox;     /* of sessions */
	const char *session_user; /* "": the same as `user` */
	struct text_list probe_senders;
	uint64_t max_recipients;
	uint64_t max_transactions; /* of one connection; 0: no limit */
	uint64_t max_bad_commands;
	uint64_t max_message_bytes; /* 0: no limit */
	uint64_t sessions;          /* at the same time */
	uint64_t session_age_s;     /* 0: no limit */
	uint64_t client_sessions;   /* of one client address; 0: no limit */
	uint64_t user_sessions;     /* with mail for one user; 0: no limit */
	uint64_t delivery_processes;
	uint64_t process_uses;
	uint64_t process_age_s;
	const char *sasl_path;
	uint64_t command_timeout_s;
	uint64_t data_timeout_s;
	const struct listen_settings *listeners;
	size_t listener_count;
};

enum tls_min { TLS_MIN_1_2, TLS_MIN_1_3 };

/* tls { } */
struct tls_settings {
	const char *certificate;
	const char *key; /* "": in the certificate's file */
	const char *client_ca;
	struct text_list client_fingerprints;
	enum tls_min min_version;
	const char *ciphers;
};

enum policy_unknown { POLICY_UNKNOWN_DUNNO, POLICY_UNKNOWN_REFUSE };

struct srs_settings {
	const char *key_file;
	const char *domain;
	uint64_t valid_s;
	const struct listen_settings *listeners;
	size_t listener_count;
};

struct policy_settings {
	enum policy_unknown unknown;
	uint64_t timeout_s;
	const struct listen_settings *listeners;
	size_t listener_count;
};

struct metrics_settings {
	const char *status_file; /* "": none */
	const struct listen_settings *listeners;
	size_t listener_count;
};

enum log_level_setting {
	LOG_SETTING_ERROR,
	LOG_SETTING_WARNING,
	LOG_SETTING_INFO,
	LOG_SETTING_DEBUG
};

struct log_settings {
	const char *target;
	enum log_level_setting level; /* the same order as enum log_level */
};

enum record_format { RECORD_TEXT, RECORD_JSON };
enum record_story { RECORD_STORY_NEVER, RECORD_STORY_LMTP, RECORD_STORY_ALWAYS };

struct record_settings {
	const char *target;
	enum record_format format;
	enum record_story story;
	uint64_t story_size_bytes;
};

struct settings {
	struct arena *arena;
	const char *path; /* the file that was read, or "" */

	const char *postmaster;
	const char *hostname;
	const char *recipient_delimiter;
	bool fold_case;
	struct text_list plugins;
	uint64_t first_valid_uid;
	uint64_t delivery_timeout_s;
	uint64_t lookup_timeout_s;
	const char *state_directory;
	const char *spool_directory;

	const struct users_settings *users;
	size_t user_source_count;
	struct store_settings store;
	struct quota_settings quota;
	struct sieve_settings sieve;
	struct outbox_settings outbox;
	struct lmtp_settings lmtp;
	struct tls_settings tls;
	struct policy_settings policy;
	struct srs_settings srs;
	struct metrics_settings metrics;
	struct log_settings log;
	struct record_settings record;
};

/* Reads `path`, or LADLE_CONFIG_FILE when it is null; that one may be missing, then all is
 * default. Null with a status (CAUSE_CONFIGURATION) whose detail names file, line and remedy. */
struct settings *settings_load(const char *path, struct status *status);
void settings_free(struct settings **settings);

/* Sets one setting after loading: "quota.over=defer", "postmaster=x@y"; with a title between
 * section and name, "quota.rule.Trash.storage=ignore", an entry of that title is made where
 * there is none. Elements of a list are split at commas. False with a status. */
bool settings_override(struct settings *settings, const char *assignment, struct status *status);

/* The null sender or one that matches `lmtp { probe_senders }` ("*" matches anything): such an
 * envelope may be somebody's check whether the mailbox exists. */
bool settings_is_probe_sender(const struct settings *settings, const struct address *sender);

#endif
