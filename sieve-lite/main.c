/* main.c - the program sieve-lite: finds the command and runs it. */
#include "sieve-lite/cmd.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *arguments;
	const char *purpose;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"check", "FILE...", "tell what is wrong in scripts ('-': standard input)", cmd_check},
    {"run", "[SCRIPT] MESSAGE", "tell what a script would do to a message, and why", cmd_run},
    {"test", "FILE...", "run script tests (.svtest; --tap: as TAP)", cmd_test},
    {"filter", "[-n] SCRIPT MAILDIR", "apply a script to mail that is already there", cmd_filter},
    {"extensions", "[-c FILE]", "list what scripts may require, as configured", cmd_extensions},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	fputs("usage: sieve-lite COMMAND [ARGUMENT...]\n\n", to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-11s %-19s  %s\n", commands[i].name, commands[i].arguments,
		    commands[i].purpose);
	fputs("  --help                           print this\n"
	      "  --version                        print the version\n\n"
	      "Exit status: 0 all is well, 1 a script is not, 2 trouble.\n",
	    to);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return CMD_OK;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		puts("sieve-lite (ladle) " PACKAGE_VERSION);
		return CMD_OK;
	}
	for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	usage(stderr);
	return CMD_TROUBLE;
}
