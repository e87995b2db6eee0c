#ifndef STORE_MAILDIR_ATTRIBUTES_H
#define STORE_MAILDIR_ATTRIBUTES_H

#include "store/maildir_folder.h"

/* What Dovecot knows about the folders of a Maildir: identifiers (in dovecot-uidlist) and
 * annotations (in its dictionary file). Only read. The functions are those of struct
 * store_driver. */
enum store_answer maildir_annotation(struct store *store, struct arena *arena, struct span folder,
    struct span name, struct span *value_out, struct status *status);
enum store_answer maildir_folder_by_id(
    struct store *store, struct span id, struct span *folder_out, struct status *status);
enum store_answer maildir_folder_by_use(
    struct store *store, struct span use, struct span *folder_out, struct status *status);

#endif
