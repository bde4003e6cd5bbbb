/*
 * One judgement from end to end: the stages in their order, then what they come to.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "trust/finding.h"
#include "trust/judge.h"

/* All that one judgement may allocate besides the parsed certificates. */
enum { MAX_ARENA_BYTES = 256 << 20 };

/* A verdict and what it lives from. The certificates stay, since the views borrow from them. */
struct sealed {
    struct mw_verdict v; /* first: mw_verdict_free() is given its address */
    struct arena arena;
    struct cert **certs;
    size_t n_certs;
};

static void sealed_free(struct sealed *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_certs; i++)
        cert_free(s->certs[i]);
    arena_deinit(&s->arena);
    free(s);
}

static void sealed_freep(struct sealed **at)
{
    sealed_free(*at);
}

void mw_verdict_free(struct mw_verdict *v)
{
    sealed_free((struct sealed *)v);
}

static int paths_judge(struct judge *j)
{
    int r;

    if (j->leaf == NULL)
        return 0;
    r = chain_judge(j, j->ev->now, &j->chain);
    if (r < 0)
        return r;
    return finding_append(j, &j->findings, &j->chain.findings);
}

static bool reader_stands(const struct mw_verdict *v)
{
    for (size_t i = 0; i < v->n_readers; i++)
        if (v->readers[i].certainty >= MW_LIKELY)
            return true;
    return false;
}

static enum mw_outcome outcome_without_handshake(const struct judge *j)
{
    switch (j->ev->reach) {
    case MW_REACH_RESET:
    case MW_REACH_CLOSED:
    case MW_REACH_ALERT:
    case MW_REACH_PROXY_REFUSED:
        return MW_BLOCKED;
    case MW_REACH_NOT_TRIED:
    case MW_REACH_HANDSHAKE:
    case MW_REACH_DNS_FAILED:
    case MW_REACH_REFUSED:
    case MW_REACH_CONNECT_TIMEOUT:
    case MW_REACH_NO_ROUTE:
    case MW_REACH_STARTTLS_REFUSED:
    case MW_REACH_HANDSHAKE_TIMEOUT:
    case MW_REACH_HANDSHAKE_FAILED:
    case MW_REACH_NOT_TLS:
    case MW_REACH_TOO_BIG:
        break;
    }
    return j->ev->local.portal == MW_SEEN_YES ? MW_BLOCKED : MW_UNREACHABLE;
}

/* Without a certificate nothing can be private, whatever else was or was not found. */
static enum mw_outcome outcome(const struct judge *j)
{
    if (finding_count(&j->findings, MW_ERROR) > 0)
        return MW_UNTRUSTED;
    if (j->leaf == NULL || !reach_came_through(j->ev->reach))
        return outcome_without_handshake(j);
    if (j->chain.path.anchor == MW_ANCHOR_NONE)
        return MW_UNTRUSTED;
    return reader_stands(j->v) ? MW_INSPECTED : MW_PRIVATE;
}

static int seal(struct judge *j)
{
    finding_sort(&j->findings);
    j->v->outcome = outcome(j);
    j->v->host = arena_strdup(j->arena, j->host.text);
    j->v->port = j->ev->port;
    j->v->at = j->ev->now;
    j->v->findings = j->findings.items;
    j->v->n_findings = j->findings.n;
    return j->v->host != NULL ? 0 : -ENOMEM;
}

static int stages_run(struct judge *j)
{
    static int (*const stages[])(struct judge *) = {
        intake_judge,     paths_judge, clock_judge,     revocation_judge, ct_judge, pin_judge,
        parameters_judge, reach_judge, intercept_judge, decision_judge,   seal,     view_judge,
    };

    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        int r = stages[i](j);

        if (r == 0)
            r = j->error;
        if (r != 0)
            return r;
    }
    return 0;
}

int mw_judge(const struct mw_policy *policy, const struct mw_evidence *ev, struct mw_verdict **out)
{
    CLEANUP(sealed_freep) struct sealed *s = calloc(1, sizeof(*s));
    struct judge j = { .policy = policy, .ev = ev };
    int r;

    if (s == NULL)
        return -ENOMEM;
    s->arena.max_bytes = MAX_ARENA_BYTES;
    j.arena = &s->arena;
    j.v = &s->v;
    r = stages_run(&j);
    s->certs = j.certs;
    s->n_certs = j.n_certs;
    if (r != 0)
        return r;
    *out = &s->v;
    s = NULL;
    return 0;
}
