#ifndef MAIL_MDN_H
#define MAIL_MDN_H

#include "mail/compose.h"
#include "mail/envelope.h"

/* The notice that a message was refused, as a message disposition notification (RFC 8098, RFC 5429
 * 2.1.1). It goes to the envelope sender, from the null sender; nobody writes one to a null
 * sender. */
struct mdn {
	const struct message *message; /* the refused one: its header is sent back */
	const struct envelope *envelope;
	const struct envelope_recipient *recipient;
	struct span reason;      /* UTF-8 */
	struct span subject;     /* empty: "Rejected: " and the old one's, `old_subject` */
	struct span old_subject; /* decoded; empty: none */
	struct span
	    postmaster; /* the address in From; empty: postmaster at the recipient's domain */
	time_t now;
};

struct message *mdn_compose(struct arena *arena, const struct mdn *mdn);

#endif
