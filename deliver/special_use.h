#ifndef DELIVER_SPECIAL_USE_H
#define DELIVER_SPECIAL_USE_H

#include "deliver/delivery.h"

/* Which folder is for what (RFC 6154): what the user has marked in the store comes before what
 * the site says in `store { mailbox "Junk" { special_use = ... } }`. */

/* The folder (canonical) for `use`, "\\Junk". STORE_NO: the user has none. */
enum store_answer special_use_find(
    struct delivery *delivery, struct span use, struct span *folder_out, struct status *status);

/* Is that folder (canonical) for `use`? */
enum store_answer special_use_has(
    struct delivery *delivery, struct span folder, struct span use, struct status *status);

#endif
