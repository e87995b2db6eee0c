/* options.c - what holds where a site has said nothing. */
#include "sieve-lite/options.h"

#include "sieve-lite/limits.h"

#define DAY UINT64_C(86400)

const struct sieve_options sieve_options_default = {
    .max_steps = LIMIT_STEPS,
    .max_actions = 32,
    .max_redirects = 4,
    .max_variables = 255,
    .max_variable_bytes = UINT64_C(64) * 1024,
    .max_header_bytes = 2048,
    .max_includes = LIMIT_INCLUDES,
    .max_include_depth = LIMIT_INCLUDE_DEPTH,
    .duplicate_default_seconds = UINT64_C(7) * 24 * 3600,
    .duplicate_max_seconds = UINT64_C(30) * 24 * 3600,
    .vacation_min_seconds = DAY,
    .vacation_max_seconds = 60 * DAY,
    .vacation_default_seconds = 7 * DAY,
    .vacation_default_subject = "Automated reply",
    .vacation_subject_template = "Auto: %{subject}",
    .vacation_uses_original = true,
    .vacation_checks_recipient = true,
    .max_notifications = 10,
    .notify_max_recipients = 8,
    .notify_max_fields = 16,
};
