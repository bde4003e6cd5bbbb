/*
 * Is a certificate of the path revoked?  Four answers that stay apart: revoked, not revoked,
 * could not check, no mechanism.
 * Life:   revocation_prepare() once a judgement, by whichever stage asks first: signatures are
 *         verified then.  revocation_judge() after the clock is known: age is judged then.
 * Memory: all in the judgement's arena.
 * Source: RFC 5280 6.3, RFC 6960, RFC 7633; ballot SC-063 for short-lived certificates.
 */
#ifndef TRUST_REVOCATION_H
#define TRUST_REVOCATION_H

#include "trust/judge.h"
#include "trust/status.h"

enum revocation_source { FROM_STAPLE, FROM_OCSP, FROM_CRL };

/* Something that covers a certificate of the path: an authentic answer, or a reason (`why`)
 * that it cannot be used. */
struct revocation_item {
    struct revocation_item *next;
    enum revocation_source from;
    size_t cert;                /* index into the path */
    struct status_answer answer;
    const char *why;            /* NULL: the answer is authentic */
    bool is_error;              /* the responder itself answered with an error */
};

struct revocation {
    struct revocation_item *items;      /* in the order they came */
    struct mw_span staple_scts;         /* SCT list inside an authentic staple */
    struct mw_wall newest;              /* thisUpdate of all that is authentic: the true time
                                         * is not before; 0 none */
    enum revocation_source newest_from;
};

enum {
    REVOCATION_MAX_CRLS = 64,           /* of the evidence; more are not looked at */
    REVOCATION_MAX_OCSP = 16,
    REVOCATION_MAX_URLS = 16,
    SHORT_LIVED_S = 7 * 86400,
};

/* judge->revocation.  0 or -ENOMEM. */
MW_MUST_CHECK int revocation_prepare(struct judge *j);

#endif
