#ifndef STORE_MAILDIR_NAME_H
#define STORE_MAILDIR_NAME_H

#include "base/arena.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Names in a Maildir++: of folders and of message files. Pure. */

#define MAILDIR_NAME_MAX ((size_t)255)

/* store_folder_name() for Maildir++, where levels are joined by '.' and a literal '.' cannot be
 * stored. False: no such folder can exist; `*why_out` is a short constant text. */
bool maildir_folder_name(struct arena *arena, char separator, bool utf8_names, struct span name,
    struct span *canonical_out, const char **why_out);

/* The directory of a canonical folder below the root: ".Work.Entw&APw-rfe"; "." is the inbox.
 * With `utf8_names` UTF-8 stays as it is. */
char *maildir_disk_name(struct arena *arena, bool utf8_names, struct span canonical);

/* A name that no other delivery anywhere has or will have, whatever hosts and processes share
 * the Maildir: "1700000000.M123456P789_1R0123456789abcdef.mx1". `number` counts within the
 * process, `host_name` may be null. */
char *maildir_unique_name(struct arena *arena, const char *host_name, unsigned number);

#define MAILDIR_FLAGS_SIZE 7

/* The letters for IMAP flags, in the order of the alphabet; what has no letter is left out.
 * "$Forwarded" is P (passed). */
void maildir_flag_letters(
    const struct span *flags, size_t count, char letters_out[MAILDIR_FLAGS_SIZE]);

#define MAILDIR_FLAG_COUNT (MAILDIR_FLAGS_SIZE - 1)

/* The IMAP flags that the letters of a file's name stand for, behind its ":2,"; how many. */
size_t maildir_flags_of(struct span file_name, struct span flags_out[MAILDIR_FLAG_COUNT]);

/* The name under which it is published: with S= and W=, and the letters if there are any. */
char *maildir_final_name(struct arena *arena, const char *unique_name, uint64_t bytes,
    uint64_t crlf_bytes, const char *letters);

#endif
