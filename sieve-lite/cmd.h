#ifndef SIEVE_LITE_CMD_H
#define SIEVE_LITE_CMD_H

#include "sieve-lite/mail_file.h"

/* The commands of the program sieve-lite; each gets its own arguments, argv[0] is its name.
 * Exit status: 0 all is well, 1 it is not (a script has errors, a test failed), 2 the command
 * could not do its work (usage, a file that cannot be read). */
#define CMD_OK 0
#define CMD_BAD 1
#define CMD_TROUBLE 2

int cmd_check(int argc, char **argv);
int cmd_extensions(int argc, char **argv);
int cmd_filter(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_test(int argc, char **argv);

/* What `run` is to do for a user of the configuration: as a delivery would. */
struct run_request {
	struct arena *arena;
	const char *config;      /* -c, or null */
	const char *user;        /* -d, or null: who we are */
	const char *script_path; /* null: all that a delivery would run */
	struct span script;
	struct mail_file *mail; /* with the envelope */
	bool is_json;
};

int cmd_run_user(const struct run_request *request);

#endif
