#ifndef STORE_MAILDIR_KEYWORDS_H
#define STORE_MAILDIR_KEYWORDS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* IMAP keywords as Dovecot keeps them in a Maildir: each folder has up to 26, whose letters, "a" to
 * "z", stand behind the flags in the name of a message, and a list `dovecot-keywords` that says
 * which is which. */

#define MAILDIR_KEYWORDS_MAX 26

/* Is it a keyword that has no other place in a file's name? */
bool maildir_is_keyword(struct span flag);

/* The letters of the keywords among `flags` in the folder whose directory is `dir`, in the order of
 * the alphabet. One that has none there yet gets one if `may_add`; the list is durable then, with
 * mode `mode` and group `gid`. False: some are left out, because there is no letter left, the list
 * is locked for longer than a moment, or something failed; the letters are good all the same. */
bool maildir_keyword_letters(int dir, const struct span *flags, size_t count, bool may_add,
    mode_t mode, gid_t gid, char letters_out[MAILDIR_KEYWORDS_MAX + 1]);

#endif
