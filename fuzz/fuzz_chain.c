/*
 * A whole judgement over certificates with 16-bit lengths before them.  The first byte chooses:
 * bit 0 the last certificate is a public anchor, bit 1 a local one, bit 2 no name is asked for.
 * Whatever comes, it is never private without an anchor.
 */
#include <midwatch/trust.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/reader.h"
#include "base/text.h"
#include "fuzz.h"
#include "trust/policy.h"

enum { MOST = 32, RUNS_OF_A_POLICY = 10000 };

/* A policy without anchors.  Its built-in lists take longer to read than the judgement does, so
 * one serves many runs. */
static struct mw_policy *policy_without_anchors(void)
{
    static struct mw_policy *p;
    static int runs;

    if (runs++ % RUNS_OF_A_POLICY == 0) {
        mw_policy_free(p);
        if (mw_policy_new(&p) != 0)
            abort();
    }
    while (p->n_anchors > 0)
        cert_free(p->anchors[--p->n_anchors].cert);
    return p;
}

static void anchor_add(struct mw_policy *p, enum mw_anchor_class as, struct mw_span der)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(4 << 20);

    buf_str(&pem, "-----BEGIN CERTIFICATE-----\n");
    text_base64(&pem, der);
    buf_str(&pem, "\n-----END CERTIFICATE-----\n");
    if (mw_policy_add_anchors(p, as, buf_span(&pem), "fuzz", NULL) < 0)
        abort();
}

static void judge(const struct mw_policy *p, const struct mw_evidence *ev, bool anchored)
{
    struct mw_verdict *v = NULL;

    if (mw_judge(p, ev, &v) != 0)
        return;
    if (v->outcome == MW_UNJUDGED || v->n_path > v->n_chain)
        abort();
    if (v->outcome == MW_PRIVATE && (!anchored || v->anchor == MW_ANCHOR_NONE))
        abort();
    mw_verdict_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct reader r = { .rest = span_of(data, len) };
    uint8_t how = read_u8(&r);
    struct mw_span sent[MOST];
    struct mw_evidence ev = { .host = (how & 4) != 0 ? NULL : "www.shop.test",
                              .port = 443,
                              .now = { 1781524800 },
                              .sent = sent };
    struct mw_policy *p;

    while (read_more(&r) && ev.n_sent < MOST) {
        sent[ev.n_sent] = read_vec16(&r);
        if (!r.failed)
            ev.n_sent++;
    }
    if (ev.n_sent == 0)
        return 0;
    p = policy_without_anchors();
    if ((how & 3) != 0)
        anchor_add(p, (how & 1) != 0 ? MW_ANCHOR_PUBLIC : MW_ANCHOR_LOCAL, sent[ev.n_sent - 1]);
    judge(p, &ev, (how & 3) != 0);
    return 0;
}
