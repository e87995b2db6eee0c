#ifndef LMTP_BRIDGE_ENCLOSURE_H
#define LMTP_BRIDGE_ENCLOSURE_H

#include "deliver/settings.h"

#include <stdbool.h>

/* Shuts a session in before it reads its client's first command (base/sandbox.h): from here on it
 * has the descriptors it has, may make files without a name in the spool directory, talk to
 * local sockets (syslog), and nothing else. What it needs must be loaded before. Does nothing
 * where `lmtp { sandbox = "off" }`. False (logged) when a layer that the kernel has cannot be
 * put on: then it should not go on. */
bool enclosure_enter(const struct settings *settings);

#endif
