/*
 * What the gate trusts of origins: the anchors and logs that its configuration names, without
 * the gate's own CA.
 * Life:   judge_policy_new() -> judge_policy_judge()* -> judge_policy_unref()
 * Memory: counted references: what is judged under an old policy ends under it.
 */
#ifndef GATE_WORKER_JUDGE_POLICY_H
#define GATE_WORKER_JUDGE_POLICY_H

#include <midwatch/trust.h>
#include <openssl/x509.h>

#include "gate/policy/config.h"

enum { JUDGE_POLICY_MAX_OWN = 16 };

struct judge_policy {
    unsigned references;
    struct mw_policy *anchors;
    struct mw_policy *own;              /* the gate's own CA as the only anchors; NULL: unknown */
    char *own_subjects[JUDGE_POLICY_MAX_OWN];   /* RFC 4514 form, as in struct mw_cert_view */
    char *own_keys[JUDGE_POLICY_MAX_OWN];       /* "sha256/…" */
    size_t n_own;
    uint8_t name[32];                   /* the configuration's */
    bool fetch, private_destinations;
};

/* 0, -ENOMEM, or > 0 with one line in `error`. */
MW_MUST_CHECK int judge_policy_new(struct judge_policy **out, const struct gate_config *config,
                                   const struct gate_bundle *bundle, struct buf *error);
struct judge_policy *judge_policy_ref(struct judge_policy *p);
void judge_policy_unref(struct judge_policy *p);        /* NULL ok */

/* See judging_seen(). */
void judge_policy_seen(const struct judge_policy *p, struct mw_span der, X509 *x509);

/* As mw_judge().  *own_ca: somebody showed a certificate of the gate's own CA. */
MW_MUST_CHECK int judge_policy_judge(const struct judge_policy *p, const struct mw_evidence *ev,
                                     struct mw_verdict **out, bool *own_ca);

#endif
