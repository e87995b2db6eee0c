#ifndef DELIVER_LIBRARY_H
#define DELIVER_LIBRARY_H

/* The private shared object that deliver loads in its child: two functions, no other interface,
 * and always of the same build as the program. */

#define LIBRARY_NAME "deliver.so"

#define LIBRARY_EXPORT __attribute__((visibility("default")))

typedef int library_entry(int argc, char **argv, int notes_fd);

/* One delivery: sends struct parent_note to `notes_fd`, the status last. Returns 0. */
LIBRARY_EXPORT library_entry ladle_deliver;

/* --help, --version, --check: writes to standard output and error; returns the exit status.
 * `notes_fd` is not used. */
LIBRARY_EXPORT library_entry ladle_talk;

#endif
