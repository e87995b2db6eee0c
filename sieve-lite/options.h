#ifndef SIEVE_LITE_OPTIONS_H
#define SIEVE_LITE_OPTIONS_H

#include "sieve-lite/score.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What scripts may do with a header (RFC 5293 section 6), whatever case its name is in. */
struct sieve_header_rule {
	const char *name;
	bool forbids_add;
	bool forbids_delete;
};

/* What a site may set about the language: limits, and what extensions leave to it. Each feature
 * adds its own part here; every field has a default, in options.c. What no site needs to change
 * is a constant in limits.h. */
struct sieve_options {
	/* Budgets of one run; over them, the script ends with an error. */
	uint64_t max_steps;     /* as LIMIT_STEPS counts them */
	uint64_t max_actions;   /* 0: as many as it likes */
	uint64_t max_redirects; /* 0: none is allowed */
	/* variables (RFC 5229): names of a script; a longer value is cut. */
	uint64_t max_variables;
	uint64_t max_variable_bytes;
	/* editheader (RFC 5293): longer values are refused. */
	uint64_t max_header_bytes;
	const struct sieve_header_rule *header_rules;
	size_t header_rule_count;
	/* include (RFC 6609), no more than LIMIT_INCLUDES and LIMIT_INCLUDE_DEPTH. */
	uint64_t max_includes;
	uint64_t max_include_depth;
	/* duplicate (RFC 7352): what a script asks for is lowered to the maximum. */
	uint64_t duplicate_default_seconds;
	uint64_t duplicate_max_seconds;
	/* spamtest, virustest (RFC 5235): without, all mail counts as not tested. */
	struct sieve_score_options spamtest;
	struct sieve_score_options virustest;
	/* Addresses of the site, for mail of ours; null: postmaster at the recipient's domain. */
	const char *postmaster;
	/* vacation (RFC 5230): what a script asks for is raised or lowered to these. */
	uint64_t vacation_min_seconds;       /* of :days, */
	uint64_t vacation_min_short_seconds; /* and of :seconds (RFC 6131); 0: every message */
	uint64_t vacation_max_seconds;
	uint64_t vacation_default_seconds;
	const char *vacation_default_subject;  /* where the message has none */
	const char *vacation_subject_template; /* with "%{subject}" */
	bool vacation_uses_original;           /* the original recipient is the user's as well */
	bool vacation_checks_recipient;        /* no answer where no address of theirs is in it */
	bool vacation_sends_from_recipient;    /* in the envelope, instead of the null sender */
	bool vacation_to_ignores_envelope;     /* To shows the author, whoever the sender is */
	/* vnd.dovecot.report: as notify_envelope_from; null: the postmaster */
	const char *report_from;
	/* enotify (RFC 5435, RFC 5436) */
	uint64_t max_notifications;     /* of one run */
	uint64_t notify_max_recipients; /* of one notification; what is beyond is left out */
	uint64_t notify_max_fields;
	/* Where neither script nor user say one, as notify_envelope_from; null: the recipient. */
	const char *notify_from;
	/* "sender", "recipient", "orig_recipient", "user_email", "postmaster" or "<address>"; null:
	 * as From. Of the envelope. */
	const char *notify_envelope_from;
};

extern const struct sieve_options sieve_options_default;

#endif
