#ifndef DELIVER_PLUGIN_QUOTA_H
#define DELIVER_PLUGIN_QUOTA_H

#include "deliver/delivery.h"
#include "quota/quota.h"

/* The figures of an open delivery's mailbox and its limit; counted anew where `is_anew`. */
bool plugin_quota_figures(struct delivery *delivery, bool is_anew, struct quota_usage *usage_out,
    struct quota_limit *limit_out, struct status *status);

#endif
