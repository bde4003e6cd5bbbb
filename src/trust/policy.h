/*
 * What this computer trusts, as parsed once and read by every judgement.
 */
#ifndef TRUST_POLICY_H
#define TRUST_POLICY_H

#include <midwatch/trust.h>

#include "base/arena.h"
#include "trust/cert.h"

struct catalogue;       /* interceptors, trust/catalogue.h */
struct ct_logs;         /* trust/ct.h */

/* An anchor: what it is and where it came from. */
struct anchor {
    struct cert *cert;
    enum mw_anchor_class as;
    const char *from;
};

struct mw_policy {
    struct arena arena;                 /* small things live as long as the policy */
    struct anchor *anchors;             /* sorted by subject, for lookup */
    size_t n_anchors, anchors_room;
    bool anchors_sorted;
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

#endif
