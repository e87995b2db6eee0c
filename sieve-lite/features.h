#ifndef SIEVE_LITE_FEATURES_H
#define SIEVE_LITE_FEATURES_H

#include "sieve-lite/feature.h"

/* The features, by file: core.c holds what every script has, ext_X.c what it requires. For
 * registry.c, and for a feature's own state. */
extern const struct extension core_control;
extern const struct extension core_actions;
extern const struct extension core_tests;
extern const struct extension core_comparing;
extern const struct extension core_redirect;
extern const struct extension ext_body;
extern const struct extension ext_comparator_casemap;
extern const struct extension ext_comparator_numeric;
extern const struct extension ext_comparator_octet;
extern const struct extension ext_comparator_unicode;
extern const struct extension ext_copy;
extern const struct extension ext_date;
extern const struct extension ext_duplicate;
extern const struct extension ext_editheader;
extern const struct extension ext_encoded_character;
extern const struct extension ext_enotify;
extern const struct extension ext_enclose;
extern const struct extension ext_envelope;
extern const struct extension ext_envelope_deliverby;
extern const struct extension ext_envelope_dsn;
extern const struct extension ext_environment;
extern const struct extension ext_ereject;
extern const struct extension ext_extlists;
extern const struct extension ext_extracttext;
extern const struct extension ext_fcc;
extern const struct extension ext_fileinto;
extern const struct extension ext_foreverypart;
extern const struct extension ext_ihave;
extern const struct extension ext_imap4flags;
extern const struct extension ext_include;
extern const struct extension ext_index;
extern const struct extension ext_mailbox;
extern const struct extension ext_mailboxid;
extern const struct extension ext_mboxmetadata;
extern const struct extension ext_mime;
extern const struct extension ext_regex;
extern const struct extension ext_redirect_deliverby;
extern const struct extension ext_redirect_dsn;
extern const struct extension ext_reject;
extern const struct extension ext_relational;
extern const struct extension ext_replace;
extern const struct extension ext_servermetadata;
extern const struct extension ext_spamtest;
extern const struct extension ext_spamtestplus;
extern const struct extension ext_special_use;
extern const struct extension ext_subaddress;
extern const struct extension ext_vacation;
extern const struct extension ext_vacation_seconds;
extern const struct extension ext_variables;
extern const struct extension ext_virustest;
extern const struct extension ext_vnd_cyrus_log;
extern const struct extension ext_vnd_dovecot_debug;
extern const struct extension ext_vnd_dovecot_environment;
extern const struct extension ext_vnd_dovecot_report;
extern const struct extension ext_vnd_dovecot_execute;
extern const struct extension ext_vnd_dovecot_filter;
extern const struct extension ext_vnd_dovecot_pipe;

#endif
