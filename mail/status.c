#include "mail/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* PEERS: of all exit statuses only these four mean the same to every MTA. */
static const struct row {
	const char *name;
	int exit_status;
	short reply;
	const char *enhanced;
	const char *text;
} table[CAUSE_COUNT] = {
    [CAUSE_DELIVERED] = {"delivered", EX_OK, 250, "2.0.0", "Saved"},
    [CAUSE_USER_UNKNOWN] = {"user-unknown", EX_NOUSER, 550, "5.1.1", "User doesn't exist"},
    [CAUSE_USER_DISABLED] = {"user-disabled", EX_NOPERM, 550, "5.2.1", "Mailbox is disabled"},
    [CAUSE_MAILBOX_FULL] = {"mailbox-full", EX_NOPERM, 552, "5.2.2", "Mailbox is full"},
    [CAUSE_MESSAGE_TOO_LARGE] = {"message-too-large", EX_NOPERM, 552, "5.2.3",
        "Message is larger than this mailbox can hold"},
    [CAUSE_REJECTED] = {"rejected", EX_NOPERM, 550, "5.7.1", "Message refused by the recipient"},
    [CAUSE_MAILBOX_FULL_FOR_NOW] = {"mailbox-full-for-now", EX_TEMPFAIL, 452, "4.2.2",
        "Mailbox is full"},
    [CAUSE_USER_ON_HOLD] = {"user-on-hold", EX_TEMPFAIL, 451, "4.2.1",
        "Mailbox does not accept mail at the moment"},
    [CAUSE_CANNOT_TELL] = {"cannot-tell", EX_TEMPFAIL, 451, "4.3.0",
        "Temporary trouble looking up the recipient"},
    [CAUSE_MAILBOX] = {"mailbox-trouble", EX_TEMPFAIL, 451, "4.2.0",
        "Temporary trouble with the mailbox"},
    [CAUSE_DISK_FULL] = {"disk-full", EX_TEMPFAIL, 452, "4.3.1", "No space for mail at the moment"},
    [CAUSE_TOO_BUSY] = {"too-busy", EX_TEMPFAIL, 451, "4.3.2", "Too busy, please try again"},
    [CAUSE_DEADLINE] = {"deadline", EX_TEMPFAIL, 451, "4.3.0", "Delivery took too long"},
    [CAUSE_CONFIGURATION] = {"configuration", EX_TEMPFAIL, 451, "4.3.5",
        "Mail system is not configured correctly"},
    [CAUSE_USAGE] = {"usage", EX_TEMPFAIL, 451, "4.3.5", "Mail system is not configured correctly"},
    [CAUSE_INTERNAL] = {"internal", EX_TEMPFAIL, 451, "4.3.0", "Temporary internal error"},
};

static const struct row *row_of(enum cause cause)
{
	return &table[(unsigned)cause < CAUSE_COUNT ? cause : CAUSE_INTERNAL];
}

static void clean(char *text)
{
	for (; *text != '\0'; text++) {
		if (((unsigned char)*text < ' ' && *text != '\n') || *text == 0x7F)
			*text = ' ';
	}
}

static void set_cause(struct status *status, enum cause cause)
{
	memset(status, 0, sizeof(*status));
	status->cause = cause;
	snprintf(status->text, sizeof(status->text), "%s", row_of(cause)->text);
}

bool status_set(struct status *status, enum cause cause, const char *text)
{
	return text == NULL ? (set_cause(status, cause), false)
	                    : status_setf(status, cause, "%s", text);
}

bool status_setf(struct status *status, enum cause cause, const char *format, ...)
{
	va_list args;
	set_cause(status, cause);
	va_start(args, format);
	vsnprintf(status->text, sizeof(status->text), format, args);
	va_end(args);
	clean(status->text);
	return false;
}

__attribute__((format(printf, 2, 0))) static void set_detail(
    struct status *status, const char *format, va_list args)
{
	vsnprintf(status->detail, sizeof(status->detail), format, args);
	clean(status->detail);
}

bool status_fail(struct status *status, enum cause cause, const char *detail_format, ...)
{
	va_list args;
	set_cause(status, cause);
	va_start(args, detail_format);
	set_detail(status, detail_format, args);
	va_end(args);
	return false;
}

bool status_detail(struct status *status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	set_detail(status, format, args);
	va_end(args);
	return false;
}

static enum cause cause_of_errno(int error, enum cause otherwise)
{
	switch (error) {
	case EDQUOT:
		return CAUSE_MAILBOX_FULL_FOR_NOW;
	case ENOSPC:
		return CAUSE_DISK_FULL;
	case ENOMEM:
	case ENFILE:
	case EMFILE:
		return CAUSE_INTERNAL;
	default:
		return otherwise;
	}
}

bool status_errno(
    struct status *status, enum cause otherwise, int error, const char *detail_format, ...)
{
	va_list args;
	set_cause(status, cause_of_errno(error, otherwise));
	va_start(args, detail_format);
	set_detail(status, detail_format, args);
	va_end(args);
	size_t len = strlen(status->detail);
	snprintf(status->detail + len, sizeof(status->detail) - len, ": %s", strerror(error));
	return false;
}

void status_delivered(struct status *status)
{
	set_cause(status, CAUSE_DELIVERED);
}

bool status_is_success(const struct status *status)
{
	return status->cause == CAUSE_DELIVERED;
}

bool status_is_permanent(const struct status *status)
{
	return status_reply(status) >= 500;
}

int status_exit(const struct status *status)
{
	/* A relayed answer brings its own class; only its sort is ours to translate. */
	if (status->reply >= 500)
		return row_of(status->cause)->exit_status == EX_NOUSER ? EX_NOUSER : EX_NOPERM;
	if (status->reply >= 400)
		return EX_TEMPFAIL;
	return row_of(status->cause)->exit_status;
}

int status_reply(const struct status *status)
{
	return status->reply != 0 ? status->reply : row_of(status->cause)->reply;
}

const char *status_enhanced(const struct status *status)
{
	return status->enhanced[0] != '\0' ? status->enhanced : row_of(status->cause)->enhanced;
}

const char *cause_name(enum cause cause)
{
	return row_of(cause)->name;
}
