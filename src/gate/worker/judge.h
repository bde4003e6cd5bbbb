/*
 * Is this origin to be trusted?  Judged once for each chain, remembered, looked at again when its
 * time is over; what is missing (AIA, CRLs) is fetched in between.
 * Life:   judging_new() -> judging_ask()* -> callbacks -> judging_free()
 * Memory: origins are counted references, at most JUDGING_MAX_CACHED kept.
 */
#ifndef GATE_WORKER_JUDGE_H
#define GATE_WORKER_JUDGE_H

#include <midwatch/trust.h>
#include <uv.h>

#include "gate/policy/config.h"
#include "net/dns.h"

enum {
    JUDGING_MAX_CACHED = 4096,
    JUDGING_FRESH_S = 3600,     /* a verdict is used for so long, or until its staple's, CRL's
                                 * or certificate's end */
    JUDGING_FETCH_MS = 3000,
};

/* An origin as it was judged: host, port and the chain it showed. */
struct origin {
    unsigned references;
    struct mw_verdict *verdict;
    uint8_t key[32];            /* of host, port, chain and policy: names it in caches */
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

/* ev is copied as far as needed.  If the answer is known, *found is a reference and nothing is
 * called; else the callback comes later, never from within. */
MW_MUST_CHECK int judging_ask(struct judging *j, const struct mw_evidence *ev,
                              struct origin **found, judging_fn *on_done, void *context,
                              struct judging_wait **out);
void judging_cancel(struct judging_wait *w);    /* NULL ok */

#endif
