#ifndef DELIVER_SETTINGS_FILE_H
#define DELIVER_SETTINGS_FILE_H

#include "deliver/settings.h"

/* Reads `path` (null: the default one, which may be missing) over what `settings` has. False
 * with a status that names file, line and remedy. libconfuse is known here only. */
bool settings_file_read(struct settings *settings, const char *path, struct status *status);

#endif
