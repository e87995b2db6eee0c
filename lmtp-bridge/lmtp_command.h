#ifndef LMTP_BRIDGE_LMTP_COMMAND_H
#define LMTP_BRIDGE_LMTP_COMMAND_H

#include "base/arena.h"
#include "base/bytes.h"
#include "lmtp-bridge/lmtp_forward.h"
#include "mail/envelope.h"

#include <stdbool.h>
#include <stdint.h>

/* One command line of LMTP (RFC 2033, RFC 5321) and what stands in it. The table in
 * lmtp_command.c is the protocol: to add a command is to add a row there. Pure. */
enum lmtp_verb {
	LMTP_VERB_LHLO,
	LMTP_VERB_MAIL,
	LMTP_VERB_RCPT,
	LMTP_VERB_DATA,
	LMTP_VERB_BDAT,
	LMTP_VERB_RSET,
	LMTP_VERB_NOOP,
	LMTP_VERB_VRFY,
	LMTP_VERB_HELP,
	LMTP_VERB_STARTTLS,
	LMTP_VERB_AUTH,
	LMTP_VERB_XCLIENT,
	LMTP_VERB_XFORWARD,
	LMTP_VERB_QUIT,
};

/* How far the client has come; a command says in which of them it may be given. */
enum lmtp_state {
	LMTP_STATE_FRESH = 1,   /* no LHLO yet */
	LMTP_STATE_READY = 2,   /* no transaction */
	LMTP_STATE_MAIL = 4,    /* MAIL given, no recipient accepted yet */
	LMTP_STATE_RCPT = 8,    /* one or more accepted */
	LMTP_STATE_DATA = 16,   /* the message's text comes */
	LMTP_STATE_CHUNKS = 32, /* BDAT has begun it; the next BDAT or RSET may come */
	LMTP_STATE_DONE = 64,   /* it has come; one answer per recipient is due */
	LMTP_STATE_CLOSED = 128 /* the last reply is written */
};

/* What this listener offers (all borrowed). */
struct lmtp_options {
	const char *hostname;
	struct span client_address; /* for the envelope; "" on a unix socket */
	uint64_t max_message_bytes; /* 0: no limit */
	uint64_t max_recipients;
	uint64_t max_transactions; /* of one connection; 0: no limit */
	uint64_t max_bad_commands;
	bool offers_tls;        /* STARTTLS */
	bool is_secure;         /* TLS is on */
	bool needs_tls;         /* before mail is taken */
	bool needs_auth;        /* the same */
	const char *mechanisms; /* of AUTH, "PLAIN LOGIN"; "": it is not offered */
	bool is_trusted;        /* the client is believed about others */
	bool has_dsn;           /* RFC 3461: who offers it owes success reports */
};

struct lmtp_command {
	enum lmtp_verb verb;
	struct span name;                    /* LHLO: who the client says it is, safe in a header */
	struct envelope envelope;            /* MAIL: the sender and what parameters set */
	struct envelope_recipient recipient; /* RCPT: the same */
	uint64_t chunk_bytes;                /* BDAT */
	bool is_last_chunk;
	struct span mechanism;       /* AUTH */
	struct span response;        /* as it came; null data: none yet */
	struct lmtp_forward forward; /* XCLIENT, XFORWARD */
};

/* A reply of one line, without the line end. */
struct lmtp_reply {
	short code;
	const char *enhanced; /* "" where RFC 2034 wants none */
	const char *text;
	bool is_bad; /* counts towards max_bad_commands */
	bool is_end; /* nothing the client says can be understood any more */
};

/* Understands `line` (without its line end). True: `command_out` is set, its memory in `arena`.
 * False: `reply_out` says why not. */
bool lmtp_command_parse(struct arena *arena, struct span line, enum lmtp_state state,
    const struct lmtp_options *options, struct lmtp_command *command_out,
    struct lmtp_reply *reply_out);

/* The reply to a command that may not be given in this state. */
void lmtp_command_refuse_now(
    enum lmtp_verb verb, enum lmtp_state state, struct lmtp_reply *reply_out);

#endif
