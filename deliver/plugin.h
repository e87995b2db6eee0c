#ifndef DELIVER_PLUGIN_H
#define DELIVER_PLUGIN_H

#include "deliver/delivery.h"

/* What takes part in a delivery beside users and store. Plugins decide and judge; the pipeline
 * acts. To add one: a file with one constant record, its row in plugin.c, a test.
 *
 * Any function but `name` may be null. Each returns false with a status to end the delivery. */
struct plugin {
	const char *name;

	/* What a process keeps from one delivery to the next, or null with `status` set. */
	void *(*open)(const struct settings *settings, struct status *status);
	void (*close)(void *state);

	/* May this mail come at all? At RCPT, and first of all in a delivery. Leaves no trace. */
	bool (*admit)(void *state, struct delivery *delivery, struct status *status);
	/* What shall happen to it: adds actions, may cancel the implicit keep. */
	bool (*decide)(void *state, struct delivery *delivery, struct status *status);
	/* Judges all copies together; reserves what it grants. */
	bool (*vet)(void *state, struct delivery *delivery, struct status *status);
	/* Always called at the end, also after an admit alone: gives back what was not used. */
	void (*settle)(void *state, struct delivery *delivery);
	/* For `deliver --check`: what it would do for the user, as lines. */
	bool (*show)(
	    void *state, struct delivery *delivery, struct bytes *to, struct status *status);
};

/* The plugin of that name, or null. */
const struct plugin *plugin_find(const char *name);
/* "quota, sieve": for messages. */
const char *plugin_names(void);

extern const struct plugin plugin_quota;
extern const struct plugin plugin_sieve;

#define PLUGIN_MAX 8

/* Those of a configuration, in its order, with what each keeps. */
struct plugin_set {
	const struct plugin *plugins[PLUGIN_MAX];
	void *states[PLUGIN_MAX];
	size_t count;
};

/* Also after false the set is to be closed. */
bool plugin_set_open(
    struct plugin_set *set, const struct settings *settings, struct status *status);
void plugin_set_close(struct plugin_set *set);

/* Each asks all plugins that have such a function, until one ends the delivery. */
bool plugin_set_admit(
    const struct plugin_set *set, struct delivery *delivery, struct status *status);
bool plugin_set_decide(
    const struct plugin_set *set, struct delivery *delivery, struct status *status);
bool plugin_set_vet(const struct plugin_set *set, struct delivery *delivery, struct status *status);
void plugin_set_settle(const struct plugin_set *set, struct delivery *delivery);
bool plugin_set_show(const struct plugin_set *set, struct delivery *delivery, struct bytes *to,
    struct status *status);

#endif
