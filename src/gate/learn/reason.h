/*
 * What the evidence about one app, one host and one client comes to.  Pure: numbers in, a reason
 * out; docs/gate-learner.md argues each rule.
 */
#ifndef GATE_LEARN_REASON_H
#define GATE_LEARN_REASON_H

#include <stdbool.h>

#include "base/compiler.h"

enum reason {
    REASON_NOTHING,             /* no failure counts */
    REASON_TOO_FEW,             /* it may become a case */
    REASON_WORKS,               /* the same app reaches the same host under inspection */
    REASON_NETWORK,             /* silence, and the client's network explains it */
    REASON_NO_CONTROL,          /* nothing shows that the client trusts our CA */
    REASON_CLIENT_REFUSES,      /* it fails all over: its trust in our CA is gone */
    REASON_OWN_STORE,           /* the app does not look into the system's trust store */
    REASON_UNATTENDED,          /* named in the configuration */
    REASON_PIN,
    REASONS,
};

enum {
    REASON_HOSTS_REFUSED = 3,   /* that many hosts refused since a success: the client refuses */
    REASON_HOSTS_OF_APP = 3,    /* that many without any success: its own store; two if it
                                 * says so itself (unknown_ca) */
};

struct reason_facts {
    unsigned needed;            /* failures, by configuration */
    /* of the client with the app at the host, within the window: */
    unsigned alerts;            /* certificate alerts */
    unsigned unknown_ca;        /* of them */
    unsigned silent;            /* closed without a word, after the certificate or unused */
    unsigned weak;              /* resets, timeouts, other alerts */
    bool worked;                /* the app reached the host, from anywhere, lately */
    /* of the client: */
    bool control;               /* it took a leaf of ours within a day */
    unsigned hosts_refused;     /* since it last did */
    unsigned well_elsewhere, ill_elsewhere;     /* sessions that worked, and that the network
                                                 * broke, lately */
    unsigned apps_well, apps_refusing;
    /* of the app on the client: */
    bool app_worked;            /* at other hosts, within a day */
    unsigned app_hosts_refused; /* since then, or ever */
    bool unattended;
};

enum reason reason_of(const struct reason_facts *f);

/* Is a case for an exception. */
static inline bool reason_counts(enum reason r)
{
    return r >= REASON_OWN_STORE;
}

const char *reason_name(enum reason r);         /* "pin", "own-store", … */
const char *reason_words(enum reason r);        /* a sentence or two for people */
MW_MUST_CHECK int reason_find(const char *name, enum reason *out);      /* -EINVAL: unknown */

/* Could `silent` failures in a row be chance, on a network of which nothing is known but that it
 * worked `well` times and failed `ill` times elsewhere?  true: less than once in a million. */
bool reason_no_chance(unsigned silent, unsigned well, unsigned ill);

#endif
