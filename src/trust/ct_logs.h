/*
 * The logs that a browser's list knows, and what may be expected of them.
 * Life:   ct_logs_parse() -> ct_logs_find()* -> ct_logs_free(); read-only in between.
 * Source: the log list schema v3 that Chrome publishes; RFC 6962 section 3.2 for the log id.
 */
#ifndef TRUST_CT_LOGS_H
#define TRUST_CT_LOGS_H

#include <midwatch/trust.h>
#include <openssl/evp.h>

#include "base/buf.h"

enum ct_log_state {
    CT_PENDING,
    CT_QUALIFIED,
    CT_USABLE,
    CT_READONLY,
    CT_RETIRED,
    CT_REJECTED,
};

/* Who ran it until when, the latest last; the present operator is in ct_log. */
struct ct_operator_before {
    const char *name;
    struct mw_wall end;
};

struct ct_log {
    uint8_t id[32];
    const char *name;           /* its description; UTF-8 as found, not made safe */
    const char *operator_;
    EVP_PKEY *key;
    enum ct_log_state state;
    struct mw_wall since;       /* of the state */
    struct ct_operator_before *before;
    size_t n_before;
};

struct ct_logs {
    struct ct_log *logs;        /* sorted by id */
    size_t n;
    struct mw_wall dated;       /* log_list_timestamp; 0 none */
};

enum { CT_MAX_LOGS = 4096 };

/* 0; -ENOMEM; MW_E_SYNTAX or MW_E_TOO_MANY with one line in `error`. */
MW_MUST_CHECK int ct_logs_parse(struct ct_logs **out, struct mw_span json, struct buf *error);
void ct_logs_free(struct ct_logs *l);   /* NULL ok */

const struct ct_log *ct_logs_find(const struct ct_logs *l, struct mw_span id);

/* Who ran the log at that time. */
const char *ct_log_operator(const struct ct_log *log, struct mw_wall at);

const char *ct_log_state_name(enum ct_log_state state);

#endif
