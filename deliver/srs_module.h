#ifndef DELIVER_SRS_MODULE_H
#define DELIVER_SRS_MODULE_H

#include "base/module.h"
#include "mail/srs.h"

/* What srs.so brings: the hash, from a library that few deliveries need. */
struct srs_module {
	struct module module;
	srs_hmac_sha1 *hmac;
};

#endif
