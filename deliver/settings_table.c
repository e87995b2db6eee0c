/* settings_table.c - every setting there is, once.
 *
 * Defaults are what a site wants that has said nothing. A sentence completes "it is ...": the
 * sample configuration and the manual page are checked against these rows. */
#include "deliver/settings_table.h"

#include "deliver/settings.h"

#define AT(type, field) offsetof(struct type, field)
/* clang-format off */

const struct setting_section setting_sections[] = {
    {"users", "", true, AT(settings, users), AT(settings, user_source_count),
        sizeof(struct users_settings),
        "A source of users, asked in the order of the file. Without any: the system's accounts."},
    {"store", "", false, AT(settings, store), 0, 0, "Where mail is put."},
    {"mailbox", "store", true, AT(store_settings, mailboxes), AT(store_settings, mailbox_count),
        sizeof(struct mailbox_settings), "What a folder is for, if a user has it."},
    {"quota", "", false, AT(settings, quota), 0, 0, "How much a user may keep."},
    {"rule", "quota", true, AT(quota_settings, rules), AT(quota_settings, rule_count),
        sizeof(struct rule_settings),
        "The limit of a folder; \"*\" is the whole mailbox."},
    {"warning", "quota", true, AT(quota_settings, warnings), AT(quota_settings, warning_count),
        sizeof(struct warning_settings),
        "What happens when a delivery takes usage to \"95%\" of a limit of the mailbox."},
    {"sieve", "", false, AT(settings, sieve), 0, 0, "Filter scripts."},
    {"spamtest", "sieve", false, AT(sieve_settings, spamtest), 0, 0,
        "Where the checker of spam has written its verdict."},
    {"virustest", "sieve", false, AT(sieve_settings, virustest), 0, 0,
        "The same of the checker of viruses."},
    {"programs", "sieve", false, AT(sieve_settings, programs), 0, 0,
        "Programs that scripts may run."},
    {"header", "sieve", true, AT(sieve_settings, headers), AT(sieve_settings, header_count),
        sizeof(struct header_settings), "What scripts may do with a header field (editheader)."},
    {"list", "sieve", true, AT(sieve_settings, lists), AT(sieve_settings, list_count),
        sizeof(struct list_settings), "A list that scripts may ask by its name, a URN (:list)."},
    {"environment", "sieve", true, AT(sieve_settings, environment),
        AT(sieve_settings, environment_count), sizeof(struct environment_settings),
        "What scripts are told as vnd.dovecot.config.NAME."},
    {"outbox", "", false, AT(settings, outbox), 0, 0,
        "Mail that scripts send: it waits in each user's state directory until it is taken."},
    {"lmtp", "", false, AT(settings, lmtp), 0, 0, "The LMTP front, lmtp-bridge."},
    {"listen", "lmtp", true, AT(lmtp_settings, listeners), AT(lmtp_settings, listener_count),
        sizeof(struct listen_settings), "A socket: \"unix:PATH\", \"inet:HOST:PORT\" or \"systemd:NAME\"."},
    {"srs", "", false, AT(settings, srs), 0, 0,
        "The sender rewriting scheme, for sieve.redirect_sender = \"srs\"."},
    {"listen", "srs", true, AT(srs_settings, listeners), AT(srs_settings, listener_count),
        sizeof(struct listen_settings), "A socket: \"unix:PATH\", \"inet:HOST:PORT\" or \"systemd:NAME\"."},
    {"tls", "", false, AT(settings, tls), 0, 0, "The certificate listeners with tls show."},
    {"policy", "", false, AT(settings, policy), 0, 0, "Postfix's check_policy_service."},
    {"listen", "policy", true, AT(policy_settings, listeners),
        AT(policy_settings, listener_count), sizeof(struct listen_settings),
        "A socket: \"unix:PATH\", \"inet:HOST:PORT\" or \"systemd:NAME\"."},
    {"metrics", "", false, AT(settings, metrics), 0, 0, "Figures about lmtp-bridge."},
    {"listen", "metrics", true, AT(metrics_settings, listeners),
        AT(metrics_settings, listener_count), sizeof(struct listen_settings),
        "A socket: \"unix:PATH\", \"inet:HOST:PORT\" or \"systemd:NAME\"."},
    {"log", "", false, AT(settings, log), 0, 0, "Messages for the administrator."},
    {"record", "", false, AT(settings, record), 0, 0,
        "What became of each message, one entry per recipient."},
};
const size_t setting_section_count = sizeof(setting_sections) / sizeof(setting_sections[0]);

#define TEXT(section, field, fallback, sentence) \
	{#section, #field, SETTING_TEXT, fallback, AT(section##_settings, field), 0, 0, NULL, sentence}
#define LIST(section, field, fallback, sentence) \
	{#section, #field, SETTING_LIST, fallback, AT(section##_settings, field), 0, 0, NULL, sentence}
#define BOOL(section, field, fallback, sentence) \
	{#section, #field, SETTING_BOOL, fallback, AT(section##_settings, field), 0, 0, NULL, sentence}
#define CHOICE(section, field, choices, fallback, sentence) \
	{#section, #field, SETTING_CHOICE, fallback, AT(section##_settings, field), 0, 0, choices, sentence}
#define NUMBER(section, field, min, max, fallback, sentence) \
	{#section, #field, SETTING_NUMBER, fallback, AT(section##_settings, field), min, max, NULL, sentence}
#define BYTES(section, field, fallback, sentence) \
	{#section, #field, SETTING_BYTES, fallback, AT(section##_settings, field##_bytes), 0, UINT64_MAX, NULL, sentence}
#define SECONDS(section, field, min, max, fallback, sentence) \
	{#section, #field, SETTING_SECONDS, fallback, AT(section##_settings, field##_s), min, max, NULL, sentence}
/* The file itself has no section name. */
#define GLOBAL(type, field, member, min, max, fallback, sentence) \
	{"", #field, SETTING_##type, fallback, AT(settings, member), min, max, NULL, sentence}

/* Two sections of one structure. */
#define SCORE(section, name, type, fallback, field, choices, sentence) \
	{section, name, SETTING_##type, fallback, AT(score_settings, field), 0, 0, choices, sentence}
#define SCORES(section) \
    SCORE(section, "header", TEXT, "", header, NULL, \
        "The field, \"X-Spam-Score\", or \"field: pattern\"; empty: no mail is tested."), \
    SCORE(section, "type", CHOICE, "number", type, "number|length|text", \
        "What is found there: a number, a row of characters, one of texts."), \
    SCORE(section, "max_value", TEXT, "", max_value, NULL, "The highest score there is."), \
    SCORE(section, "max_header", TEXT, "", max_header, NULL, "Where that is told, as header."), \
    SCORE(section, "texts", LIST, "", texts, NULL, "The texts for 0, 1 and so on.")

#define HOUR UINT64_C(3600)
#define DAY (24 * HOUR)
#define YEAR (366 * DAY)
#define MANY UINT64_C(1000000)

/* The rows of a section stand together: setting_rows(). */
const struct setting setting_table[] = {
    GLOBAL(TEXT, postmaster, postmaster, 0, 0, "postmaster",
        "Who answers for this system: the sender of what it writes itself."),
    GLOBAL(TEXT, hostname, hostname, 0, 0, "",
        "This machine's name in Received fields and file names; empty: what the system says."),
    GLOBAL(TEXT, recipient_delimiter, recipient_delimiter, 0, 0, "+",
        "Bytes that begin the detail in a local part, \"user+detail\"; empty: none."),
    GLOBAL(BOOL, fold_case, fold_case, 0, 0, "true",
        "Whether local parts are looked up in lower case."),
    GLOBAL(LIST, plugins, plugins, 0, 0, "quota,sieve",
        "What takes part in a delivery beside users and store."),
    GLOBAL(NUMBER, first_valid_uid, first_valid_uid, 1, UINT32_MAX - 1, "1000",
        "Accounts with a smaller uid get no mail: a protection of system accounts."),
    GLOBAL(SECONDS, delivery_timeout, delivery_timeout_s, 1, 900, "240s",
        "How long a delivery may take as a whole; well under the MTA's own limit."),
    GLOBAL(SECONDS, lookup_timeout, lookup_timeout_s, 1, 900, "30s",
        "How long one source of users may take to answer."),
    GLOBAL(TEXT, state_directory, state_directory, 0, 0, "",
        "Where memory about users is kept; empty: ~/.local/state/ladle or " LADLE_STATE_DIR "."),
    GLOBAL(TEXT, spool_directory, spool_directory, 0, 0, "/tmp",
        "Where a large message waits, in a file without a name, while it is delivered."),

    TEXT(users, driver, "",
        "What kind of source it is: \"passwd\", \"passwd-file\" or \"static\"."),
    TEXT(users, path, "", "The file of passwd-file."),
    TEXT(users, username, "%{user}",
        "What is looked up: \"%{user}\" or \"%{user}@%{domain}\"."),
    TEXT(users, witness, "",
        "A user who must be found, or else the source is not believed when it knows none."),
    TEXT(users, home, "",
        "The home directory where the source has none; may have variables."),
    TEXT(users, domain, "", "The only domain the source is asked for; empty: all."),
    TEXT(users, uid, "", "The account mail is stored as, where the source has none."),
    TEXT(users, gid, "", "Its group, where the source has none."),

    TEXT(store, location, "maildir:~/Maildir",
        "The mailbox; ~ and variables stand for the user's own."),
    BOOL(store, autocreate, "true", "Whether a folder that mail is filed into is made."),
    BOOL(store, autosubscribe, "true", "Whether a folder so made is subscribed."),
    BOOL(store, utf8_names, "false",
        "Whether folder names on disk are UTF-8 instead of modified UTF-7."),
    CHOICE(store, separator, ".|/", ".", "What stands between folder levels in scripts."),
    CHOICE(store, detail, "ignore|existing|create", "existing",
        "Whether mail for user+folder goes to that folder: never, if there is one, always."),
    TEXT(store, sentinel, "",
        "A file that must exist before anything is stored, as a sign that the disk is there."),
    TEXT(store, attributes, "",
        "Dovecot's file of annotations; empty: dovecot-attributes in the Maildir."),
    LIST(mailbox, special_use, "", "What it is for, as IMAP has it: \"\\\\Junk\"."),

    TEXT(quota, driver, "maildir++", "How usage is counted: \"maildir++\"."),
    CHOICE(quota, over, "refuse|defer", "refuse",
        "What a full mailbox answers: refuse for good, or let the MTA try again."),
    BYTES(quota, grace, "10M", "How far one message may overshoot the limit."),
    BYTES(quota, message_max, "0", "The largest message a mailbox takes; 0: no limit."),
    BOOL(quota, at_rcpt, "true",
        "Whether a full inbox refuses before scripts are asked; no where many only redirect."),
    TEXT(rule, storage, "", "Bytes: \"1G\", \"+100M\", \"ignore\" or \"unlimited\"."),
    TEXT(rule, messages, "", "Messages: \"100000\", \"+10\"."),

    TEXT(warning, command, "", "A command for /bin/sh, run once for each time it is reached."),

    TEXT(sieve, script, "~/.dovecot.sieve", "The user's own script; empty: none."),
    LIST(sieve, before, "", "Scripts, or directories of them, that run before the user's."),
    TEXT(sieve, directory, "~/sieve", "Where include finds the user's scripts, NAME.sieve."),
    {"sieve", "default", SETTING_TEXT, "", AT(sieve_settings, fallback), 0, 0, NULL,
        "The script, or a directory of them, of users who have none."},
    LIST(sieve, after, "", "Scripts, or directories of them, that run after the user's."),
    TEXT(sieve, global_directory, "",
        "Where include :global finds the site's scripts, NAME.sieve; empty: nowhere."),
    LIST(sieve, extensions, "",
        "What users' scripts may require: names, or \"+name\" and \"-name\"."),
    LIST(sieve, global_extensions, "", "What the site's scripts may require."),
    NUMBER(sieve, max_actions, 1, 1000, "32", "Actions of one script."),
    NUMBER(sieve, max_redirects, 0, 1000, "4", "Redirects of one script; 0: none is allowed."),
    BYTES(sieve, max_variable, "64K", "The longest value of a variable; more is cut off."),
    NUMBER(sieve, max_includes, 0, 255, "255", "Different scripts that one script includes."),
    NUMBER(sieve, max_include_depth, 1, 10, "10", "How deep includes may stand in includes."),
    NUMBER(sieve, max_steps, 1000, 10000000, "10000000",
        "Steps of one script: a command, a test, a comparison, and more for long texts."),
    SECONDS(sieve, max_cpu_time, 1, HOUR, "30s", "Processor time of one script."),
    NUMBER(sieve, max_overruns, 0, MANY, "10",
        "Runs over its budget within an hour before a user's script is left out; 0: never."),
    BOOL(sieve, user_log, "true",
        "Whether errors of a user's script go to a file beside it, SCRIPT.log."),
    BOOL(sieve, error_notice, "false", "Whether the user gets a mail about them once a day."),
    BOOL(sieve, last_good, "false",
        "Whether the last version that worked runs while a user's script does not compile."),
    SECONDS(sieve, duplicate_default, 1, YEAR, "7d", "How long duplicate remembers unasked."),
    SECONDS(sieve, duplicate_max, 1, YEAR, "30d", "How long duplicate remembers at the most."),
    SECONDS(sieve, vacation_min, 0, YEAR, "1d", "The shortest time between answers to a sender."),
    SECONDS(sieve, vacation_min_short, 0, YEAR, "0",
        "The same where a script says it in seconds; 0: every message may be answered."),
    SECONDS(sieve, vacation_max, 7 * DAY, YEAR, "60d", "The longest time between answers."),
    SECONDS(sieve, vacation_default, 0, YEAR, "7d", "The time where the script does not say."),
    TEXT(sieve, vacation_subject, "Auto: %{subject}", "The Subject of answers, unless the script says."),
    TEXT(sieve, vacation_no_subject, "Automated reply", "The same for messages without one."),
    BOOL(sieve, vacation_original_recipient, "true",
        "Whether the original recipient counts as an address of the user."),
    BOOL(sieve, vacation_check_recipient, "true",
        "Whether only messages that name the user as a recipient are answered."),
    BOOL(sieve, vacation_from_recipient, "false",
        "Whether answers have an envelope sender, the recipient; else the null sender."),
    NUMBER(sieve, max_notifications, 0, 1000, "10", "Notifications of one script."),
    TEXT(sieve, notify_sender, "",
        "The envelope sender of notifications, as for redirect_sender; empty: their author."),
    TEXT(sieve, report_sender, "postmaster", "Who sends reports, as for redirect_sender."),
    BOOL(sieve, vacation_to_author, "false",
        "Whether To of an answer shows the author, whoever the envelope sender is."),
    TEXT(sieve, notify_from, "",
        "Who notifications are from, where a script does not say; empty: the user."),
    NUMBER(sieve, notify_max_recipients, 1, 1000, "8", "Recipients of one; more are left out."),
    NUMBER(sieve, notify_max_fields, 0, 1000, "16", "Fields that its URI may set."),
    NUMBER(sieve, max_variables, 1, 512, "255", "Variables of one script."),
    BYTES(sieve, max_header, "2K", "The longest field that addheader adds."),
    TEXT(sieve, user_email, "",
        "How users are called outside: \"%{local}@example.org\"; empty: as they are looked up."),
    CHOICE(sieve, reject, "protocol|mail", "protocol",
        "How a script refuses: in the protocol wherever that can be, or always by a mailed notice."),
    TEXT(sieve, redirect_sender, "sender",
        "Who is the envelope sender of what is redirected: \"sender\", \"recipient\", "
        "\"original_recipient\", \"postmaster\", \"<ADDRESS>\" or \"srs\"."),
    SECONDS(sieve, redirect_duplicate_period, 0, YEAR, "12h",
        "How long the same message is not redirected to the same address again; 0: always is."),

    SCORES("spamtest"),
    SCORES("virustest"),

    TEXT(programs, pipe_directory, "",
        "Where the programs for the action pipe are; empty: there is no such action."),
    TEXT(programs, filter_directory, "", "The same for filter."),
    TEXT(programs, execute_directory, "", "The same for execute."),
    SECONDS(programs, timeout, 1, HOUR, "10s", "How long a program may take."),
    BYTES(programs, output_max, "64M", "How much a program may write."),
    BOOL(programs, crlf, "true", "Whether what they read has lines that end with CR LF."),

    BOOL(header, forbid_add, "false", "Whether scripts may not add it."),
    BOOL(header, forbid_delete, "false", "Whether scripts may not delete it."),

    TEXT(list, file, "",
        "One entry on a line, or Dovecot's dictionary file; ~ and variables stand for the user's."),
    TEXT(environment, value, "", "The value."),

    TEXT(outbox, transport, "sendmail",
        "What takes it: \"sendmail\", \"smtp:HOST:PORT\" or \"smtp:unix:PATH\"."),
    TEXT(outbox, sendmail, "/usr/sbin/sendmail", "The program, as the MTA brings it."),
    SECONDS(outbox, retry_min, 1, 30 * DAY, "5m", "How soon it is tried again at first."),
    SECONDS(outbox, retry_max, 1, 30 * DAY, "4h", "How long it waits at most between two tries."),
    SECONDS(outbox, expire, 1, YEAR, "5d", "When it is given up."),
    SECONDS(outbox, send_timeout, 1, HOUR, "5m", "How long the transport may take for one."),
    NUMBER(outbox, processes, 1, 100, "4", "Users whose mail lmtp-bridge sends at the same time."),
    BOOL(outbox, at_once, "true",
        "Whether deliver sends what a delivery has left there as soon as that has ended."),
    TEXT(outbox, pending, "/var/spool/ladle/pending",
        "Where waiting mail in the homes of users is announced."),

    TEXT(srs, key_file, "", "A file of keys, one on a line; the first signs, all are believed."),
    TEXT(srs, domain, "", "The domain of rewritten senders; empty: the recipient's."),
    SECONDS(srs, valid, DAY, 500 * DAY, "21d", "How long mail to a rewritten sender is taken."),

    TEXT(lmtp, user, "",
        "The one account all mail is stored as; empty: each recipient's own."),
    TEXT(lmtp, session_user, "",
        "The account that speaks with clients; empty: the one of user."),
    CHOICE(lmtp, sandbox, "on|off", "on",
        "Whether who speaks with clients is shut in: no files but the spool's, no programs."),
    LIST(lmtp, probe_senders, "double-bounce*",
        "Senders that only ask whether a mailbox exists; fullness is not held against them."),
    NUMBER(lmtp, max_recipients, 1, MANY, "1000", "Recipients of one message."),
    NUMBER(lmtp, max_transactions, 0, MANY, "0", "Messages of one connection; 0: no limit."),
    NUMBER(lmtp, max_bad_commands, 1, MANY, "20", "Bad commands before a client is sent off."),
    BYTES(lmtp, max_message, "0", "The largest message; 0: no limit."),
    NUMBER(lmtp, sessions, 1, MANY, "200", "Clients at the same time."),
    SECONDS(lmtp, session_age, 0, YEAR, "1h", "How old a session becomes; 0: no limit."),
    NUMBER(lmtp, client_sessions, 0, MANY, "0", "The same of one client address; 0: no limit."),
    NUMBER(lmtp, user_sessions, 0, MANY, "10",
        "Clients with mail for one user at the same time; 0: no limit."),
    NUMBER(lmtp, delivery_processes, 1, 10000, "20", "Processes that store, at most."),
    NUMBER(lmtp, process_uses, 1, 1000000000, "10000",
        "How many questions and messages a process that stores serves before it is replaced."),
    SECONDS(lmtp, process_age, 0, YEAR, "1h", "How old it becomes; 0: no limit."),
    TEXT(lmtp, sasl_path, "",
        "The directory with lmtp-bridge.conf of Cyrus SASL; empty: where it looks itself."),
    SECONDS(lmtp, command_timeout, 1, HOUR, "300s", "How long a client may be silent."),
    SECONDS(lmtp, data_timeout, 1, HOUR, "300s", "The same within a message."),

    TEXT(tls, certificate, "", "The file with the certificate and its chain, PEM."),
    TEXT(tls, key, "", "The file with its key; empty: the certificate's."),
    TEXT(tls, client_ca, "", "The file of the CAs whose clients need no AUTH; empty: none."),
    LIST(tls, client_fingerprints, "",
        "SHA-256 fingerprints of client certificates that need no AUTH."),
    CHOICE(tls, min_version, "1.2|1.3", "1.2", "The oldest version that is spoken."),
    TEXT(tls, ciphers, "", "Ciphers of TLS 1.2, as OpenSSL names them; empty: its own choice."),

    CHOICE(policy, unknown, "dunno|refuse", "dunno",
        "What is said of a user who does not exist: nothing, or that."),
    SECONDS(policy, timeout, 1, HOUR, "100s", "How long a client may be silent."),

    TEXT(metrics, status_file, "/run/ladle/status",
        "Where lmtp-bridge --status finds them; empty: nowhere."),

    TEXT(listen, owner, "", "Who owns a unix socket; empty: the one who starts."),
    TEXT(listen, group, "", "Its group."),
    {"listen", "mode", SETTING_MODE, "0600", AT(listen_settings, mode), 0, 0777, NULL,
        "Its mode: who may connect."},
    LIST(listen, peers, "",
        "The accounts whose processes may use a unix socket; empty: all that can connect."),
    LIST(listen, trusted, "",
        "Networks whose clients are believed about others (XFORWARD, XCLIENT, PROXY)."),
    CHOICE(listen, tls, "none|optional|required|implicit", "none",
        "Whether STARTTLS is offered, wanted before mail, or TLS begins at once."),
    CHOICE(listen, auth, "none|optional|required", "none",
        "Whether AUTH is offered, or wanted from clients who are not known otherwise."),
    BOOL(listen, proxy, "false", "Whether each connection begins with the PROXY protocol."),
    BOOL(listen, dsn, "true", "Whether DSN is offered; success is then reported by us."),

    TEXT(log, target, "syslog", "\"syslog\", \"stderr\", \"none\" or the path of a file."),
    CHOICE(log, level, "error|warning|info|debug", "info", "What is worth a line."),

    TEXT(record, target, "syslog", "\"syslog\", \"stderr\", \"none\" or the path of a file."),
    CHOICE(record, format, "text|json", "text", "How an entry looks."),
    CHOICE(record, story, "never|lmtp|always", "lmtp",
        "Whether deliver --explain can tell later why a message went where it is."),
    BYTES(record, story_size, "2M", "How much of that is kept, of all users together."),
};
const size_t setting_count = sizeof(setting_table) / sizeof(setting_table[0]);
