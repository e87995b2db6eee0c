#ifndef SIEVE_LITE_LIMITS_H
#define SIEVE_LITE_LIMITS_H

/* The limits of the language that no site can change (options.h has the others). RFC 5228 2.10.7
 * wants at least 15 levels of blocks and of tests, RFC 5229 section 6 at least 4000 bytes in a
 * variable. */

/* Checked while compiling. */
#define LIMIT_SCRIPT_BYTES ((size_t)1024 * 1024)
#define LIMIT_IDENTIFIER_BYTES 32
#define LIMIT_NUMBER UINT64_MAX
#define LIMIT_ARGUMENTS 32 /* of one command or test */
#define LIMIT_BLOCK_DEPTH 32
#define LIMIT_TEST_DEPTH 32
#define LIMIT_NODES 50000        /* commands, tests, arguments and strings of one script */
#define LIMIT_TEST_NODES 1000000 /* of a test file, which no stranger gives us */
#define LIMIT_ERRORS 64          /* then the compiler gives up */
#define LIMIT_VARIABLE_NAME_BYTES 64
#define LIMIT_MATCHES 32 /* wildcards of a pattern whose values can be used */

#define LIMIT_INCLUDES 255                             /* different scripts */
#define LIMIT_INCLUDED_BYTES ((size_t)4 * 1024 * 1024) /* of all of them */
#define LIMIT_SCRIPT_NAME_BYTES 255

#define LIMIT_PROGRAM_NAME_CHARACTERS 128
#define LIMIT_PROGRAM_ARGUMENTS 64
#define LIMIT_PROGRAM_ARGUMENT_BYTES 1024

/* Checked while running. */
#define LIMIT_INCLUDE_DEPTH 10
#define LIMIT_STEPS 10000000 /* a command, a test, a comparison; long texts count for more */
#define LIMIT_STEPS_BETWEEN_CLOCKS 4096
#define LIMIT_TEXT_BYTES ((size_t)1024 * 1024)     /* of one string after expansion */
#define LIMIT_TOLD_BYTES 1024                      /* of a value, to the trace */
#define LIMIT_LOOP_DEPTH 4                         /* of foreverypart */
#define LIMIT_RUN_BYTES ((size_t)64 * 1024 * 1024) /* made by one run */

#endif
