#ifndef DELIVER_STORY_H
#define DELIVER_STORY_H

#include "deliver/delivery.h"
#include "sieve-lite/explain.h"

#include <stdio.h>

/* The story of each delivery: which rules ran, what their tests looked at, where the message went
 * and why. Kept where memory about users is (state.h), in two files of bounded size: the older
 * one goes when the newer one is half of what is allowed. Never a reason to fail or to wait. */
struct story;

struct story *story_new(void);
void story_free(struct story **story);

/* Is there to be one of this delivery? */
bool story_is_wanted(const struct delivery *delivery);
/* Adds what a script did. */
void story_add_script(struct delivery *delivery, const char *path, const struct explain *explain);
/* Writes it down, with the entry of the record at its head. Before the delivery is closed. */
void story_write(struct story *story, struct delivery *delivery);

/* Prints the stories of a delivery's id, or of the MTA's queue id, that are in `directory`; how
 * many. */
unsigned story_print(const char *directory, struct span id, FILE *out);

#endif
