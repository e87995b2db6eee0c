#ifndef MAIL_STATUS_H
#define MAIL_STATUS_H

#include <stdbool.h>

/* How one recipient's delivery ended. Everything above base/ reports through it, whoever knows
 * why fills it in, and the fronts only translate it: to an exit status and a line (deliver), to
 * a reply (LMTP), to a record (both). Ask "who can mend it?": the sender or nobody: permanent;
 * the user, the administrator or time: temporary; in doubt: temporary. */
enum cause {
	CAUSE_DELIVERED,
	/* Permanent: the message or the recipient is positively at fault. */
	CAUSE_USER_UNKNOWN,
	CAUSE_USER_DISABLED,
	CAUSE_MAILBOX_FULL,
	CAUSE_MESSAGE_TOO_LARGE, /* could not fit even into the empty mailbox */
	CAUSE_REJECTED,          /* by the recipient's or the site's filter */
	/* Temporary: everything else. */
	CAUSE_MAILBOX_FULL_FOR_NOW,
	CAUSE_USER_ON_HOLD,
	CAUSE_CANNOT_TELL, /* a user source, a list, a database did not answer */
	CAUSE_MAILBOX,     /* the store refused: permission, I/O error, lock */
	CAUSE_DISK_FULL,
	CAUSE_TOO_BUSY,
	CAUSE_DEADLINE,
	CAUSE_CONFIGURATION,
	CAUSE_USAGE,    /* we were called in a way that cannot work */
	CAUSE_INTERNAL, /* a crash, a bug, no memory, no process */
	CAUSE_COUNT
};

#define STATUS_TEXT_SIZE 2048
#define STATUS_DETAIL_SIZE 512

/* No pointers, so that it crosses a pipe as it is. Texts are NUL-terminated. */
struct status {
	enum cause cause;
	short reply;                 /* 0, or the reply code of a relayed answer */
	char enhanced[12];           /* "", or the enhanced code of a relayed answer */
	char text[STATUS_TEXT_SIZE]; /* for the sender: no paths, uids, errno texts; may have LF */
	char detail[STATUS_DETAIL_SIZE]; /* for the log: the object, the act, the error */
};

/* Sets cause and sender's text (null: the cause's own sentence); clears detail and the rest.
 * Control characters other than LF become blanks. Too long a text is cut. Returns false always,
 * so that a failing function can end with it. */
bool status_set(struct status *status, enum cause cause, const char *text);
bool status_setf(struct status *status, enum cause cause, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets cause, the cause's own sentence, and the text for the log. Returns false always. */
bool status_fail(struct status *status, enum cause cause, const char *detail_format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the text for the log to a status that is set. Returns false always. */
bool status_detail(struct status *status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* status_fail() for a failed system call: the cause follows from `error` (an errno; ENOSPC and
 * the like: CAUSE_DISK_FULL, else `otherwise`) and ": ENOSPC"-like text ends the detail. EDQUOT
 * is CAUSE_MAILBOX_FULL_FOR_NOW: the file system's quota may be the site's as well as ours. */
bool status_errno(struct status *status, enum cause otherwise, int error, const char *detail_format,
    ...) __attribute__((format(printf, 4, 5)));

void status_delivered(struct status *status);
bool status_is_success(const struct status *status);
bool status_is_permanent(const struct status *status);

/* The one table behind both fronts. */
int status_exit(const struct status *status);             /* 0, 67, 75 or 77; nothing else, ever */
int status_reply(const struct status *status);            /* 250, 451, 452, 550, 552, ... */
const char *status_enhanced(const struct status *status); /* "5.1.1" */
const char *cause_name(enum cause cause);                 /* "user-unknown", for records */

#endif
