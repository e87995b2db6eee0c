#ifndef LMTP_BRIDGE_PROCESS_TABLE_H
#define LMTP_BRIDGE_PROCESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct generation;

/* What a child of the supervisor is. */
enum process_kind {
	PROCESS_DELIVERY,
	PROCESS_LMTP,
	PROCESS_POLICY,
	PROCESS_METRICS,
	PROCESS_FLUSHER,
	PROCESS_SRS,
	PROCESS_KINDS
};

struct process {
	pid_t pid;
	enum process_kind kind;
	struct generation *generation;
	uint32_t slot; /* board.h */
	int64_t started_ms;
	bool is_leaving; /* it was asked to go */
	char client[48]; /* of a session: its client's address; "" where it has none */
};

/* All children; the order means nothing. Zero-initialise it. */
struct process_table {
	struct process *items;
	size_t count;
	size_t capacity;
	size_t counts[PROCESS_KINDS];
};

/* "lmtp-session": for ps(1). */
const char *process_name(enum process_kind kind);
bool process_is_session(const struct process *process);

void process_table_add(struct process_table *table, const struct process *process);
/* Null when it is none of ours. */
struct process *process_table_find(const struct process_table *table, pid_t pid);
/* Forgets it; pointers to others may change. */
void process_table_remove(struct process_table *table, struct process *process);
size_t process_table_count_client(const struct process_table *table, const char *client);
void process_table_clear(struct process_table *table);

#endif
