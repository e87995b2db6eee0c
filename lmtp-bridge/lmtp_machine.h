#ifndef LMTP_BRIDGE_LMTP_MACHINE_H
#define LMTP_BRIDGE_LMTP_MACHINE_H

/* What lmtp_proto.c, lmtp_text.c and lmtp_auth.c share and nobody else sees. */
#include "lmtp-bridge/lmtp_data.h"
#include "lmtp-bridge/lmtp_line.h"
#include "lmtp-bridge/lmtp_proto.h"
#include "lmtp-bridge/lmtp_transaction.h"

/* What BDAT announced; its octets follow the command. */
struct chunk {
	bool is_open;
	bool is_last;
	bool is_refused; /* they are no text of a message */
	uint64_t left;
};

enum auth { AUTH_NONE, AUTH_CHALLENGED, AUTH_WAITS /* for the caller */ };

struct lmtp {
	const struct lmtp_options *options;
	enum lmtp_state state;
	struct arena *line_arena; /* for one command */
	struct lmtp_line line;
	struct bytes output;
	uint64_t bad_commands;
	struct bytes client_name;
	struct lmtp_told xclient;  /* until the connection ends */
	struct lmtp_told xforward; /* until the transaction ends */

	bool is_starting_tls; /* waits for the caller */
	enum auth auth;
	struct bytes auth_response; /* decoded */
	unsigned auth_failures;
	bool is_authenticated;

	struct lmtp_transaction transaction;
	uint64_t transaction_count;
	struct envelope_recipient asked; /* RCPT: waits for its answer */
	bool is_asking;

	struct lmtp_data data;
	uint64_t text_bytes;
	struct chunk chunk;
};

/* One reply of one line. */
void lmtp_say(struct lmtp *lmtp, int code, const char *enhanced, const char *text);
/* A bad command more, which may be one too many. */
void lmtp_count_bad(struct lmtp *lmtp, struct lmtp_event *event);

/* AUTH, and the lines that follow it. */
void lmtp_auth_begin(
    struct lmtp *lmtp, const struct lmtp_command *command, struct lmtp_event *event);
void lmtp_auth_response(struct lmtp *lmtp, struct span line, struct lmtp_event *event);

void lmtp_refuse(struct lmtp *lmtp, const struct lmtp_reply *why, struct lmtp_event *event);

/* Text after DATA, and of an open chunk: how many bytes were taken. */
size_t lmtp_text_step(struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event);
size_t lmtp_text_step_chunk(
    struct lmtp *lmtp, const char *in, size_t len, struct lmtp_event *event);
/* The chunk is whole. */
void lmtp_text_end_chunk(struct lmtp *lmtp, struct lmtp_event *event);

#endif
