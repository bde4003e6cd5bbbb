/*
 * What this computer trusts, as parsed once and read by every judgement.
 */
#ifndef TRUST_POLICY_H
#define TRUST_POLICY_H

#include <midwatch/trust.h>
#include <openssl/provider.h>

#include "base/arena.h"
#include "trust/cert.h"
#include "trust/roots.h"

struct catalogue;       /* interceptors, trust/catalogue.h */
struct ct_logs;         /* trust/ct.h */

/* An anchor: what it is and where it came from. */
struct anchor {
    struct cert *cert;
    enum mw_anchor_class as;
    const char *from;
    bool built_in;              /* its fingerprint is in the built-in public list */
};

struct mw_policy {
    struct arena arena;                 /* small things live as long as the policy */
    struct x509_memo *memo;             /* of certificates that servers sent; saves work only */
    OSSL_LIB_CTX *bare;                 /* see cert_parse_bare() */
    OSSL_PROVIDER *bare_provider;       /* what keeps it bare */
    struct roots roots;                 /* the built-in lists */
    struct anchor *anchors;             /* sorted by subject, for lookup */
    size_t n_anchors, anchors_room;
    struct catalogue *catalogue;        /* never NULL: the built-in one to begin with */
    struct ct_logs *ct_logs;            /* NULL: no list */
    struct mw_pin *pins;
    size_t n_pins, pins_room;
    struct mw_decision *decisions;
    size_t n_decisions, decisions_room;
    enum mw_purpose purpose;
    int max_intermediates;              /* -1: only MW_MAX_DEPTH */
    int64_t clock_tolerance_s;
    char error[512];
};

/* Writes policy->error and returns `code`. */
int policy_fail(struct mw_policy *p, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The anchors whose subject is c's issuer (RFC 5280 7.1 comparison): a run of *n. */
const struct anchor *policy_issuers(const struct mw_policy *p, const struct cert *c, size_t *n);

/* The anchor that is this very certificate, NULL: it is none. */
const struct anchor *policy_anchor(const struct mw_policy *p, const struct cert *c);

#endif
