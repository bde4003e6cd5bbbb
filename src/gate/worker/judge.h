/*
 * Is this origin to be trusted?  Judged once for each chain, remembered, looked at again when its
 * time is over; what is missing (AIA, CRLs) is fetched in between.
 * Life:   judging_new() -> judging_ask()* -> callbacks -> judging_free()
 * Memory: origins are counted references, at most JUDGING_MAX_CACHED kept, and about
 *         JUDGING_MAX_BYTES.
 * Files:  judge_policy.h (what is trusted), judge_cache.h (what was judged), judge_job.h (one
 *         judgement that has to fetch).
 */
#ifndef GATE_WORKER_JUDGE_H
#define GATE_WORKER_JUDGE_H

#include <midwatch/trust.h>
#include <openssl/x509.h>
#include <uv.h>

#include "gate/policy/config.h"
#include "net/dns.h"

enum {
    JUDGING_MAX_CACHED = 4096,
    JUDGING_FRESH_S = 3600,     /* a verdict is used for so long, or until its staple's, CRL's
                                 * or certificate's end */
    JUDGING_FETCH_MS = 3000,    /* for everything that one judgement fetches */
    JUDGING_RETRY_S = 120,      /* for so long, where something could not be fetched */
    JUDGING_MAX_BYTES = 64 << 20,
    JUDGING_MAX_JOBS = 512,     /* judgements under way; more are -EBUSY */
    JUDGING_MAX_FETCHES = 8,    /* of one */
    JUDGING_FETCH_BYTES = 8 << 20,      /* of one issuer or revocation list */
};

/* An origin as it was judged: host, port and the chain it showed. */
struct origin {
    unsigned references;
    struct mw_verdict *verdict;
    uint8_t key[32];            /* of host, port, chain and policy: names it in caches.  The same
                                 * whatever staple came with it: what is minted depends on
                                 * the verdict besides */
    uint8_t leaf_sha256[32];
    struct mw_span leaf;        /* DER, the origin's */
    struct mw_wall judged, until;
    bool own_ca;                /* it shows a certificate of the gate's own CA: a loop, or a
                                 * stolen key.  Refused whatever policy says of its findings */
};
struct origin *origin_ref(struct origin *o);
void origin_unref(struct origin *o);    /* NULL ok */

struct judging;
struct judging_wait;

/* error: 0 and a reference of the callback's, or -errno. */
typedef void judging_fn(void *context, struct origin *o, int error);

MW_MUST_CHECK int judging_new(struct judging **out, uv_loop_t *loop, struct dns *dns,
                              const struct gate_config *config, const struct gate_bundle *bundle,
                              struct buf *error);
void judging_free(struct judging *j);   /* NULL ok */

/* A new policy: what was judged before is judged again. */
MW_MUST_CHECK int judging_reload(struct judging *j, const struct gate_config *config,
                                 const struct gate_bundle *bundle, struct buf *error);

/* Judged are ev's host, port, now, built, reach, tls, sent, staple and tls_scts; they are copied
 * as far as needed.  If the answer is at hand, *found is a reference and nothing is called; else
 * *found is NULL and the callback comes later, never from within.
 * -EBUSY: too many judgements under way; -EINVAL: the host is no name or address. */
MW_MUST_CHECK int judging_ask(struct judging *j, const struct mw_evidence *ev,
                              struct origin **found, judging_fn *on_done, void *context,
                              struct judging_wait **out);
/* OpenSSL's handshake has read this certificate: it need not be read once more to judge it.  Only
 * work is saved; what is not `der` byte for byte is passed over. */
void judging_seen(struct judging *j, struct mw_span der, X509 *x509);

void judging_cancel(struct judging_wait *w);    /* NULL ok */

/* For metrics and tests. */
struct judging_counts {
    size_t cached, cached_bytes, under_way;
    uint64_t hits, judged;              /* since the beginning */
    unsigned fetches;
};
struct judging_counts judging_counts(const struct judging *j);

#endif
