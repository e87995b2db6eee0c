#include "deliver/front_options.h"

#include "base/utf8.h"
#include "mail/address.h"

#include <string.h>

const char front_usage[] =
    "usage: deliver [options] < message\n"
    "\n"
    "Delivers one message from standard input into one mailbox.\n"
    "\n"
    "  -d USER          deliver to this user of the configured sources (needed as root);\n"
    "                   without it, to whoever runs deliver\n"
    "  -f SENDER        envelope sender; '' or '<>' is the null sender\n"
    "  -r RECIPIENT     final envelope recipient\n"
    "  -a ADDRESS       original envelope recipient, before aliases\n"
    "  -m FOLDER        store in this folder instead of the inbox (where no filter decides)\n"
    "  -p FILE          read the message from FILE\n"
    "  -c FILE          configuration file (default: " LADLE_CONFIG_FILE ")\n"
    "  -o NAME=VALUE    override a setting: -o quota.over=defer\n"
    "  -e, -k           accepted for dovecot-lda's sake, change nothing\n"
    "  --flush-outbox   deliver nothing; send what earlier deliveries left to be sent: our own, "
    "with\n"
    "                   -d USER's, as root everybody's\n"
    "  --srs-reverse ADDRESS\n"
    "                   deliver nothing; tell whom a rewritten sender stands for\n"
    "  --check          check the configuration; with -d, show what would happen to USER's mail\n"
    "  --explain ID     why a delivery ended as it did: ID of the delivery, or the MTA's queue "
    "id;\n"
    "                   with -d, as that user\n"
    "  --help, --version\n"
    "\n"
    "Without -d, and not as root, USER, HOME, SENDER, RECIPIENT, ORIGINAL_RECIPIENT, EXTENSION "
    "and\n"
    "LOCAL_PART_SUFFIX are taken from the environment where no option says otherwise.\n"
    "\n"
    "Exit status: 0 stored and synced; 67 unknown user; 77 refused (full, disabled, rejected);\n"
    "75 everything else: try again. Then one line, as \"5.2.2 Mailbox is full\".\n";

/* One row per option with an argument. */
static bool set_option(struct front_options *options, char letter, const char *value)
{
	switch (letter) {
	case 'a':
		options->original = span_of(value);
		return true;
	case 'c':
		options->config_path = value;
		return true;
	case 'd':
		options->user_name = span_of(value);
		return true;
	case 'f':
		options->sender = span_of(value);
		return true;
	case 'm':
		/* So that -m ${extension} is safe when there is none. */
		if (*value != '\0')
			options->folder = span_of(value);
		return true;
	case 'p':
		options->message_path = value;
		return true;
	case 'r':
		options->recipient = span_of(value);
		return true;
	default:
		return false;
	}
}

/* Of one with a value, `value` is the next argument, or null. */
static bool set_long_option(
    struct front_options *options, const char *name, const char *value, bool *takes_value_out)
{
	*takes_value_out = strcmp(name, "--explain") == 0 && value != NULL;
	if (*takes_value_out)
		options->explained = span_of(value);
	else if (strcmp(name, "--help") == 0)
		options->wants_help = true;
	else if (strcmp(name, "--version") == 0)
		options->wants_version = true;
	else if (strcmp(name, "--check") == 0)
		options->wants_check = true;
	else if (strcmp(name, "--flush-outbox") == 0)
		options->wants_flush = true;
	else
		return false;
	return true;
}

struct parse {
	struct front_options *options;
	const char **overrides; /* room for as many as argv has */
	int argc;
	char *const *argv;
	int at;
};

/* The letters of one argument: "-ek", "-f x", "-fx". */
static bool parse_letters(struct parse *parse, const char *letters, struct status *status)
{
	for (; *letters != '\0'; letters++) {
		if (*letters == 'e' || *letters == 'k')
			continue;
		if (strchr("acdfmopr", *letters) == NULL)
			return status_setf(status, CAUSE_USAGE,
			    "unknown option -%c: see deliver --help", *letters);
		const char *value = letters[1] != '\0' ? letters + 1 : parse->argv[parse->at + 1];
		if (letters[1] == '\0')
			parse->at++;
		if (value == NULL)
			return status_setf(
			    status, CAUSE_USAGE, "option -%c needs a value", *letters);
		if (*letters == 'o') {
			parse->overrides[parse->options->override_count++] = value;
			return true;
		}
		return set_option(parse->options, *letters, value);
	}
	return true;
}

static bool parse_arguments(struct parse *parse, struct status *status)
{
	for (parse->at = 1; parse->at < parse->argc; parse->at++) {
		const char *argument = parse->argv[parse->at];
		bool is_end = strcmp(argument, "--") == 0;
		if (strncmp(argument, "--", 2) == 0 && !is_end) {
			bool takes_value = false;
			if (strcmp(argument, "--srs-reverse") == 0 && parse->at + 1 < parse->argc)
				parse->options->srs_address = parse->argv[++parse->at];
			else if (!set_long_option(parse->options, argument,
			             parse->argv[parse->at + 1], &takes_value))
				return status_setf(status, CAUSE_USAGE,
				    "unknown option %.40s: see deliver --help", argument);
			parse->at += takes_value;
		} else if (argument[0] == '-' && argument[1] != '\0' && !is_end) {
			if (!parse_letters(parse, argument + 1, status))
				return false;
		} else if (!is_end || parse->at + 1 < parse->argc) {
			/* pipe(8) puts every recipient of a message where ${recipient} stands. */
			return status_set(status, CAUSE_USAGE,
			    "several recipients: set <transport>_destination_recipient_limit = 1");
		}
	}
	return true;
}

static struct span find_env(char *const *env, const char *name)
{
	size_t len = strlen(name);
	for (; env != NULL && *env != NULL; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return span_of(*env + len + 1);
	}
	return (struct span){NULL, 0};
}

static void use_if_unset(struct span *option, char *const *env, const char *name)
{
	if (option->data == NULL)
		*option = find_env(env, name);
}

/* An empty variable says nothing, but for SENDER: there it is the null sender. */
static void drop_empty(struct span *option)
{
	if (option->len == 0)
		option->data = NULL;
}

static void take_environment(struct front_options *options, char *const *env)
{
	use_if_unset(&options->sender, env, "SENDER");
	use_if_unset(&options->recipient, env, "RECIPIENT");
	use_if_unset(&options->original, env, "ORIGINAL_RECIPIENT");
	use_if_unset(&options->detail, env, "EXTENSION");
	drop_empty(&options->detail);
	if (options->detail.data == NULL) {
		/* Exim's has the delimiter in it. */
		options->detail = span_from(find_env(env, "LOCAL_PART_SUFFIX"), 1);
		drop_empty(&options->detail);
	}
	options->home = find_env(env, "HOME");
	options->login = find_env(env, "USER");
	drop_empty(&options->login);
	use_if_unset(&options->login, env, "LOGNAME");
	drop_empty(&options->recipient);
	drop_empty(&options->original);
	drop_empty(&options->home);
	drop_empty(&options->login);
}

bool front_options_wants_talk(const struct front_options *options)
{
	return options->wants_help || options->wants_version || options->wants_check ||
	       options->wants_flush || options->srs_address != NULL ||
	       options->explained.data != NULL;
}

bool front_options_parse(struct arena *arena, int argc, char *const *argv, char *const *env,
    bool is_root, struct front_options *options_out, struct status *status)
{
	*options_out = (struct front_options){0};
	struct parse parse = {
	    .options = options_out,
	    .overrides = arena_new_items(arena, (size_t)argc + 1, sizeof(char *)),
	    .argc = argc,
	    .argv = argv,
	};
	if (!parse_arguments(&parse, status))
		return false;
	options_out->overrides = parse.overrides;
	bool is_delivery = !front_options_wants_talk(options_out);
	if (is_delivery && is_root && options_out->user_name.data == NULL)
		return status_set(status, CAUSE_USAGE, "started as root without -d USER");
	if (!utf8_is_valid(options_out->folder))
		return status_set(status, CAUSE_USAGE, "the folder of -m is not valid UTF-8");
	if (options_out->user_name.data == NULL && !is_root)
		take_environment(options_out, env);
	if (options_out->sender.data != NULL && address_is_null_sender(options_out->sender))
		options_out->sender = SPAN("");
	return true;
}
