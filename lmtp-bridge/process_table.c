#include "lmtp-bridge/process_table.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *process_name(enum process_kind kind)
{
	static const char *const names[PROCESS_KINDS] = {
	    [PROCESS_DELIVERY] = "lmtp-delivery",
	    [PROCESS_LMTP] = "lmtp-session",
	    [PROCESS_POLICY] = "lmtp-policy",
	    [PROCESS_METRICS] = "lmtp-metrics",
	    [PROCESS_FLUSHER] = "lmtp-flusher",
	    [PROCESS_SRS] = "lmtp-srs",
	};
	return names[kind];
}

bool process_is_session(const struct process *process)
{
	return process->kind == PROCESS_LMTP || process->kind == PROCESS_POLICY ||
	       process->kind == PROCESS_SRS;
}

void process_table_add(struct process_table *table, const struct process *process)
{
	if (table->count == table->capacity) {
		table->capacity = table->capacity * 2 + 32;
		table->items =
		    memory_resize(table->items, table->capacity * sizeof(table->items[0]));
	}
	table->items[table->count++] = *process;
	table->counts[process->kind]++;
}

struct process *process_table_find(const struct process_table *table, pid_t pid)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->items[i].pid == pid)
			return &table->items[i];
	}
	return NULL;
}

void process_table_remove(struct process_table *table, struct process *process)
{
	table->counts[process->kind]--;
	*process = table->items[--table->count];
}

size_t process_table_count_client(const struct process_table *table, const char *client)
{
	size_t count = 0;
	for (size_t i = 0; i < table->count; i++)
		count += strcmp(table->items[i].client, client) == 0;
	return count;
}

void process_table_clear(struct process_table *table)
{
	free(table->items);
	*table = (struct process_table){0};
}
