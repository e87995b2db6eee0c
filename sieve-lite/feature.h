#ifndef SIEVE_LITE_FEATURE_H
#define SIEVE_LITE_FEATURE_H

#include "sieve-lite/sieve.h"
#include "sieve-lite/tree.h"

/* What a feature of the language brings: constant records only. A feature is one ext_X.c with
 * one struct extension and its row in registry.c; nothing else knows it by name. Arrays end with
 * a record without a name. */

struct checker;
struct match;
struct prepared_text;
struct run;

enum argument_type { WANTS_NOTHING, WANTS_NUMBER, WANTS_TEXT, WANTS_TEXTS };

struct positional {
	const char *name; /* for messages; null: there are no more */
	enum argument_type type;
	bool is_optional; /* left out when there are too few arguments for all */
	bool is_constant; /* must be known before the script runs: no variables in it */
};

struct tag {
	const char *name; /* without the colon */
	const char *on;   /* commands that take it, separated by blanks; null for own tags */
	enum argument_type wants; /* what follows it */
	const char *group;        /* a command takes one of a group only; null: none */
	bool leaves_keep;         /* the action does not cancel the implicit keep then */
	/* Both may be null. False: reported. */
	bool (*check)(struct checker *checker, struct node *node, struct argument *use);
	/* On an action: puts what it says into the action. */
	void (*apply)(struct run *run, const struct argument *use, struct action *action);
	/* On "fileinto": the mailbox it means instead of `folder`, or that. */
	struct span (*redirect)(struct run *run, const struct argument *use, struct span folder);
	/* On "set": changes the value; the largest precedence first (RFC 5229 4.1). */
	unsigned precedence;
	struct span (*modify)(struct run *run, struct span value);
};

/* A piece of a string that is only known at run time. */
struct text_part {
	struct span literal; /* or, with `value`, the name it is made from */
	struct span (*value)(struct run *run, const struct text_part *part);
	uint64_t index; /* whatever `value` needs */
	struct text_part *next;
};

/* Variables of other features: "${name.rest}" (RFC 5229 section 3). */
struct variable_space {
	const char *name;
	/* Makes `part` say what "rest" means. False: reported, at `at`. */
	bool (*check)(
	    struct checker *checker, struct place at, struct span rest, struct text_part *part);
	/* What "set" does to it; null: it cannot be set. */
	void (*set)(struct run *run, const struct text_part *part, struct span value);
};

enum tests_taken { TAKES_NO_TEST, TAKES_TEST, TAKES_TEST_LIST };

struct command {
	const char *name;
	unsigned needs; /* of enum sieve_ability */
	struct positional positionals[NODE_POSITIONALS + 1];
	const struct tag *tags; /* its own; extensions bring more (struct tag, on) */
	enum tests_taken tests;
	enum node_outcome decisive; /* of a list of tests: the first with it ends the list */
	bool has_block;
	/* Takes a match type and a comparator; the last positional argument is its keys. */
	bool is_comparing;
	bool has_address_part;
	bool ends_block;           /* nothing that follows in its block is run */
	bool continues_chain;      /* stands behind the block of another one, which runs both */
	bool stays_beside_refusal; /* its actions are done although the message is refused */
	/* What the arguments alone do not say; called when they are checked. False: reported. */
	bool (*check)(struct checker *checker, struct node *node);
	/* Sets `outcome` once the tests are checked, before the block is. */
	void (*conclude)(struct node *node);
	/* A test has `test`, a command `run` or, where it does nothing by itself (require, else),
	 * neither; what has both is both. Failing is said through run_fail() and its like; what
	 * is returned does not count then. */
	void (*run)(struct run *run, const struct node *node);
	bool (*test)(struct run *run, const struct node *node);
};

/* How two strings compare (RFC 4790). */
struct comparator {
	const char *name;
	bool is_substring; /* fit for :contains and :matches */
	/* Both are compared byte by byte after this; null: as they are. */
	char (*fold)(char byte);
	/* Or both are made into other texts first, which a match type that is `on_prepared` gets;
	 * wildcards keep their meaning in a pattern. Null: they are what they are. */
	struct prepared_text (*prepare)(struct run *run, struct span text, bool is_pattern);
	/* Less than, equal to or greater than 0. False: undefined, matches nothing. */
	bool (*compare)(struct span a, struct span b, int *order_out);
};

struct matching {
	const struct match_type *type;
	const struct comparator *comparator;
	const struct argument *keys;
	struct argument *use;            /* of the match type's tag; null: none was given */
	struct argument *comparator_use; /* of :comparator; null: none was given */
	const void *data;                /* what the match type's check prepared */
};

struct match_type {
	const char *name;
	enum argument_type wants;
	bool is_substring; /* only with comparators that are */
	bool is_counting;  /* the number of values is compared, by `matches`, as a decimal */
	bool on_prepared;  /* wants texts as the comparator prepares them */
	bool is_pattern;   /* its keys have the wildcards of match_glob() */
	bool (*check)(struct checker *checker, struct node *node, struct matching *matching);
	bool (*matches)(struct match *match, struct span value, struct span key);
};

struct address_part {
	const char *name;
	bool is_whole; /* also of what is no valid address */
	/* False: this address has no such part, which matches nothing. */
	bool (*part)(struct run *run, const struct address *address, struct span *part_out);
};

struct envelope_part {
	const char *name; /* compared without case */
	/* The address, or null where it is unknown. */
	const struct address *(*address)(struct run *run);
	/* Instead of `address`, for parts that are none. */
	bool (*text)(struct run *run, struct span *text_out);
};

struct extension {
	const char *name;     /* as required; null: always in effect */
	const char *alias;    /* of a guest: another name for it; null: none */
	const char *document; /* where it is described: "RFC 5228" */
	unsigned needs;       /* of enum sieve_ability: without, it does not exist */
	const char *implies;  /* another that is in effect with it; null: none */
	const struct command *commands;
	const struct tag *tags;
	const struct match_type *match_types;
	const struct comparator *comparators;
	const struct address_part *address_parts;
	const struct envelope_part *envelope_parts;
	const struct variable_space *variable_spaces;
	/* Changes the meaning of strings, by what begins with "$"; called for those that have one,
	 * in the order of the registry. False: reported. */
	bool (*check_text)(struct checker *checker, struct text *text);
	/* Called when a whole script was checked and has no mistake so far. */
	void (*finish)(struct checker *checker);
	/* Has a say in each storing, the implicit keep included, after the tags; whether the script
	 * required it or not. */
	void (*store)(struct run *run, struct action *action);
};

#endif
