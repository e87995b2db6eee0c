#ifndef SIEVE_LITE_SCORE_H
#define SIEVE_LITE_SCORE_H

/* What a checker of spam or viruses has found, as it wrote it into the header of the message (RFC
 * 5235 leaves to the site where). In ext_spamtest.c. */

enum sieve_score_type {
	SIEVE_SCORE_NUMBER, /* "5.2" of at most so many */
	SIEVE_SCORE_LENGTH, /* "*****": its length */
	SIEVE_SCORE_TEXT,   /* "Infected": one of `texts` */
};

#define SIEVE_SCORE_TEXTS 11

struct sieve_score_options {
	/* "X-Spam-Score", or "X-Spam-Status: score=([0-9.]+)", where the first group of a POSIX
	 * extended regular expression finds it. Null or empty: all mail counts as not tested. */
	const char *status_header;
	enum sieve_score_type status_type;
	/* The score of what is certainly spam: told by another field, or a number; one of them. */
	const char *max_header;
	const char *max_value;
	/* What stands for 0 (not tested) to 10, of viruses to 5; null or empty: nothing. */
	const char *texts[SIEVE_SCORE_TEXTS];
};

/* Null, or why such options cannot be right; `why` is where a sentence may be put together. */
const char *sieve_score_fault(
    const struct sieve_score_options *options, char *why, unsigned long why_size);

#endif
