#ifndef DELIVER_QUEUE_ID_H
#define DELIVER_QUEUE_ID_H

#include "base/arena.h"

/* The queue id of the MTA that handed us the message: the "id" of the topmost Received field,
 * where Postfix or Exim wrote that. Null data when there is none. */
struct span queue_id_find(struct arena *arena, struct span head);

#endif
