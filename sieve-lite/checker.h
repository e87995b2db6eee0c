#ifndef SIEVE_LITE_CHECKER_H
#define SIEVE_LITE_CHECKER_H

#include "base/arena.h"
#include "sieve-lite/problems.h"
#include "sieve-lite/registry.h"
#include "sieve-lite/tree.h"

/* What a tree means: each name is bound to the feature that brings it, arguments are typed and
 * sorted. Goes on after an error; then the tree must not be run. */
struct enclosing {
	const struct node *node;
	const struct enclosing *outer;
};

/* What a name was found to mean. */
struct known_name {
	struct span name;
	enum feature_kind kind;
	const struct command *command; /* of tags */
	const void *record;            /* null: nothing is known */
};

#define CHECKER_KNOWN_NAMES 128

struct checker {
	struct arena *arena;
	struct problems *problems;
	const struct sieve_compile_options *options;
	struct feature_set features; /* what is in effect at this point */
	const struct node *previous; /* the command before, in the same block; or null */
	unsigned depth;              /* in blocks; 0 at the top */
	const struct enclosing
	    *enclosing;                /* the commands whose blocks these are, innermost first */
	struct unknown_name *unknowns; /* reported once each */
	struct known_name known[CHECKER_KNOWN_NAMES]; /* a place for each hash */
	void *states[REGISTRY_MAX];
	struct checker *outer; /* of the script that includes this one; null for the first */
};

/* Checks a whole script. `checker` has arena, problems and options set. */
void checker_check(struct checker *checker, struct node *first);

/* The rest is for the checks of features. */

/* The feature of that name is in effect from here on. False: there is none for this caller. */
bool checker_require(struct checker *checker, struct span name);

/* Compiles another script in the course of the first one's check; null: it has errors. `options`
 * are borrowed for the call. */
struct sieve_script *checker_compile(struct checker *outer, const char *name,
    const struct sieve_compile_options *options, struct span source);

/* registry_look_up() and registry_tag(), once for each name. */
const void *checker_look_up(struct checker *checker, enum feature_kind kind, struct span name);
const struct tag *checker_tag(
    struct checker *checker, const struct command *command, struct span name);

/* A feature's own zeroed memory for this script; run_script() finds it again. */
void *checker_state(struct checker *checker, const struct extension *extension, size_t size);

/* True the first time for each name: what is said once is enough. */
bool checker_is_news(struct checker *checker, struct span name);

/* True for a text that is the same in every run. */
bool text_is_constant(const struct text *text);
/* The same for all texts of an argument; false is reported, `what` is a noun. */
bool checker_want_constant(
    struct checker *checker, const struct argument *argument, const char *what);

/* Warns of names that no header can have (RFC 5228 2.4.2.2: no error). */
void checker_header_names(struct checker *checker, const struct argument *names);

#endif
