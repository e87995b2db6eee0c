#ifndef BASE_MODULE_H
#define BASE_MODULE_H

#include <stddef.h>

/* What links a library that few deliveries need is a shared object of its own, loaded the first
 * time it is asked for. A module exports one record, MODULE_RECORD, whose first member is a struct
 * module; it links nothing of ours (AM_LDFLAGS -shared, own libraries only): what it needs from us
 * comes with the calls of its record. Modules come from this tree and carry its version.
 *
 *	ladlelib_PROGRAMS += deliver/NAME.so		beside deliver.so, whatever its source's
 *folder
 */
struct module {
	const char *version; /* PACKAGE_VERSION of the tree it was built from */
	size_t size;         /* of the whole record, as its builder knew it */
};

#define MODULE_EXPORT __attribute__((visibility("default")))
#define MODULE_RECORD ladle_module

/* Gives the record of the module NAME.so, loaded now if it is not yet: found beside the program,
 * where deliver.so is found, or else in the directory of the installation. It stays loaded, so
 * the record can be kept. Null when it is not there, does not load, or was built from another
 * version of this tree, or with a record of another size; `why` (of `why_size` bytes) then says
 * so. The environment has no say in where it is looked for. */
const struct module *module_load(const char *name, size_t size, char *why, size_t why_size);

#endif
