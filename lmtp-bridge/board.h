#ifndef LMTP_BRIDGE_BOARD_H
#define LMTP_BRIDGE_BOARD_H

#include "base/bytes.h"
#include "deliver/replay.h"
#include "mail/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What the processes of one bridge know of each other, in memory that they share: counters that
 * only grow, and a slot for each process with what it is doing. Nothing is locked; who dies leaves
 * no trace but its slot, which the supervisor clears. Nobody decides by what a session can write
 * what would lose or double mail, so one that writes nonsense does no more harm than wrong figures
 * and limits.
 *
 * Every function accepts a null board and BOARD_NO_SLOT and then does nothing. */

#define BOARD_SLOTS 4096u
#define BOARD_NO_SLOT UINT32_MAX
#define BOARD_USERS 32 /* recipients of a transaction that count for lmtp.user_sessions */
#define BOARD_TEXT 120
#define BOARD_BUCKETS 20
#define BOARD_SECONDS 64
#define BOARD_GROUPS 64u

enum board_kind {
	BOARD_NOTHING,
	BOARD_DELIVERY,
	BOARD_LMTP,
	BOARD_POLICY,
	BOARD_SERVICE, /* metrics, outbox */
	BOARD_KINDS
};

enum board_state {
	BOARD_FREE, /* a delivery process that waits for any session */
	BOARD_HELD, /* one that waits for its session; a session that waits for its client */
	BOARD_BUSY, /* at work; a session within a transaction */
	BOARD_STATES
};

/* What takes time. The first ones are the pipeline's steps. */
enum board_stage {
	BOARD_STAGE_USER,
	BOARD_STAGE_ADMIT,
	BOARD_STAGE_DECIDE,
	BOARD_STAGE_VET,
	BOARD_STAGE_WRITE,
	BOARD_STAGE_SYNC,
	BOARD_STAGE_PUBLISH,
	BOARD_STAGE_COMMIT,
	BOARD_STAGE_RCPT,    /* the answer to one RCPT, as the session sees it */
	BOARD_STAGE_MESSAGE, /* from the end of a message to its last answer */
	BOARD_STAGES
};

struct board_histogram {
	_Atomic uint64_t counts[BOARD_BUCKETS]; /* the last one: longer than all bounds */
	_Atomic uint64_t sum_us;
};

struct board_slot {
	_Atomic int32_t pid; /* 0: not in use */
	_Atomic uint32_t kind;
	_Atomic uint32_t state;
	uint32_t group;             /* one of BOARD_GROUPS: who can stand in for whom */
	_Atomic int64_t started_ms; /* clock.h */
	_Atomic int64_t since_ms;   /* of this state */
	_Atomic uint64_t done_count;
	_Atomic uint32_t user_count;
	_Atomic uint32_t users[BOARD_USERS];
	/* Written by one process and read by others without care: may be half new, always ends. */
	char peer[48];         /* of a session */
	char text[BOARD_TEXT]; /* "id=... <recipient>" */
};

enum board_counter {
	BOARD_SESSIONS,         /* begun */
	BOARD_REFUSED_ALL,      /* clients over lmtp.sessions */
	BOARD_REFUSED_CLIENT,   /* over lmtp.client_sessions */
	BOARD_REFUSED_USER,     /* recipients over lmtp.user_sessions */
	BOARD_MESSAGES,         /* whose end came */
	BOARD_BYTES,            /* of messages */
	BOARD_CRASHES_DELIVERY, /* processes that ended badly */
	BOARD_CRASHES_SESSION,
	BOARD_RELOADS,
	BOARD_RELOADS_REFUSED,
	BOARD_COUNTERS
};

/* Sessions, which speak with the outside, can write the first part; what stands behind it, on pages
 * of its own, they cannot even see (board_hide_replies). */
#define BOARD_OPEN_BYTES ((size_t)2 * 1024 * 1024)

struct board {
	union {
		struct {
			char magic[16];
			uint32_t size_bytes;
			_Atomic int32_t supervisor_pid;
			_Atomic int64_t started_ms;
			_Atomic uint64_t counters[BOARD_COUNTERS];
			_Atomic uint64_t admitted[CAUSE_COUNT];  /* answers to RCPT; [0] is yes */
			_Atomic uint64_t delivered[CAUSE_COUNT]; /* answers after the message */
			_Atomic int64_t outbox_users; /* with waiting mail; -1: nobody has looked */
			_Atomic int64_t outbox_items;
			struct board_histogram stages[BOARD_STAGES];
			/* Deliveries in each of the last seconds: second, and count in it. */
			_Atomic int64_t second[BOARD_SECONDS];
			_Atomic uint32_t second_count[BOARD_SECONDS];
			/* Delivery processes in BOARD_FREE: hints. */
			_Atomic uint32_t free_counts[BOARD_GROUPS];
			_Atomic uint32_t slot_end; /* no slot from here on was ever used */
			struct board_slot slots[BOARD_SLOTS];
		};
		char open_part[BOARD_OPEN_BYTES];
	};
	struct replay_counts lost_replies;
};

/* Makes one. With `path` other processes can find it there (board_attach); a file of that name is
 * replaced. Null with errno; memory that only we see when `path` is "". */
struct board *board_open(const char *path);
/* Looks at another bridge's, read-only. Null with errno. */
const struct board *board_attach(const char *path);
void board_detach(const struct board **board);
/* Removes its file, unless another bridge has put its own there. */
void board_remove(const struct board *board, const char *path);
void board_close(struct board **board);
/* For a process that speaks with the outside: by the lost replies that are remembered deliveries
 * decide what they store, so it parts from that memory for good. */
void board_hide_replies(struct board *board);
/* No slot from here on is in use. */
uint32_t board_slot_end(const struct board *board);

/* -- the supervisor -- */

/* A slot for a process about to be forked, or BOARD_NO_SLOT. */
uint32_t board_slot_take(
    struct board *board, enum board_kind kind, uint32_t group, enum board_state state);
void board_slot_start(struct board *board, uint32_t slot, pid_t pid);
void board_slot_clear(struct board *board, uint32_t slot);
/* Counts the free delivery processes of a group, and puts the hint right. */
size_t board_count_free(struct board *board, uint32_t group);

/* -- everybody -- */

void board_add(struct board *board, enum board_counter counter, uint64_t number);
void board_admitted(struct board *board, enum cause cause);
void board_delivered(struct board *board, enum cause cause);
void board_set_outbox(struct board *board, uint64_t users, uint64_t items);
/* Of the lost replies that are remembered; null: nobody can count them. */
struct replay_counts *board_lost_replies(struct board *board);
void board_time(struct board *board, enum board_stage stage, int64_t us);
int64_t board_now_us(void);

void board_state(struct board *board, uint32_t slot, enum board_state state);
enum board_state board_state_of(const struct board *board, uint32_t slot);
void board_done(struct board *board, uint32_t slot);
void board_text(struct board *board, uint32_t slot, const char *id, struct span recipient);
void board_peer(struct board *board, uint32_t slot, const char *peer);
/* Copies, without control characters. */
void board_text_of(const struct board *board, uint32_t slot, char *to, size_t size);
void board_peer_of(const struct board *board, uint32_t slot, char *to, size_t size);
/* About how many processes of our group are free. */
uint32_t board_free_count(const struct board *board, uint32_t slot);
uint64_t board_done_count(const struct board *board, uint32_t slot);

/* The recipients of a session's transaction, by the key of their user (board_user_key). */
uint32_t board_user_key(struct span name);
void board_user_add(struct board *board, uint32_t slot, uint32_t key);
void board_users_clear(struct board *board, uint32_t slot);
/* In how many other sessions' transactions the user is. */
size_t board_user_count(const struct board *board, uint32_t slot, uint32_t key);

/* The upper bounds of histograms, in microseconds; BOARD_BUCKETS - 1 of them. */
extern const int64_t board_bounds_us[BOARD_BUCKETS - 1];
const char *board_stage_name(enum board_stage stage);

#endif
