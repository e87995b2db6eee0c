#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "mail/compose.h"

/* The report of success that a sender has asked for (NOTIFY=SUCCESS, RFC 3461; RFC 3464): about one
 * recipient, with the header of the message only. It goes to the envelope sender, from the null
 * sender; nobody writes one to a null sender. */
enum dsn_action {
	DSN_DELIVERED,
	DSN_RELAYED, /* the next server does not tell what becomes of it */
};

struct dsn {
	enum dsn_action action;
	const char *reporting_host;
	struct span postmaster;
	struct span sender;    /* to whom it goes */
	struct span recipient; /* whom we knew */
	struct span orcpt;     /* as the ORCPT parameter came; empty: none */
	struct span envid;     /* decoded; empty: none */
	struct span delivery_id;
	time_t arrived;
	time_t now;
	struct span head; /* of the message */
};

struct message *dsn_compose(struct arena *arena, const struct dsn *dsn);

#endif
