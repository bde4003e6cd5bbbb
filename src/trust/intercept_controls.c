/*
 * Other sites contacted over the same path. Unrelated owners share public authorities, never a
 * private one: if the key that signed this certificate signed theirs too, somebody signs for
 * all of them. Tested with the signature itself, so a borrowed name does not count.
 */
#include <errno.h>

#include "base/own.h"
#include "trust/finding.h"
#include "trust/intercept.h"

enum {
    MAX_CONTROLS = 16,     /* looked at */
    MAX_SIGNATURES = 64,   /* checked for all of them together */
    MAX_CONTROL_CERTS = 4, /* of each */
};

static void cert_freep(struct cert **at)
{
    cert_free(*at);
}

/* Names under one registrable domain have one owner. */
static bool unrelated(const struct host *a, const struct host *b)
{
    const char *of_a = host_registrable(a), *of_b = host_registrable(b);

    if (of_a == NULL || of_b == NULL)
        return strcmp(a->text, b->text) != 0;
    return strcmp(of_a, of_b) != 0;
}

/* Was `theirs` signed by a key of our path?  1 yes, 0 no, -ENOMEM.  Somebody in the middle
 * makes up both sides, so the work has an end: *left counts down. */
static int signed_by_ours(const struct judge *j, const struct cert *theirs, unsigned *left)
{
    const struct path *path = &j->chain.path;

    for (size_t i = 1; i < path->n; i++) {
        int r;

        if (!span_eq(theirs->issuer, path->certs[i]->subject) || *left == 0)
            continue;
        --*left;
        r = cert_signed_by(theirs, path->certs[i]);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Without our issuer's certificate there is no key to test with: its name and the identifier
 * of its key must do (RFC 5280 4.2.1.1). */
static bool looks_signed_by_ours(const struct judge *j, const struct cert *theirs)
{
    return j->chain.path.n <= 1 && !j->leaf->self_issued && j->leaf->aki.len > 0 &&
           span_eq(j->leaf->aki, theirs->aki) && span_eq(j->leaf->issuer, theirs->issuer);
}

/* 1: some certificate of theirs comes from our key.  0: none does.  2: nothing to compare. */
static int control_compare(const struct judge *j, const struct mw_control *control, unsigned *left)
{
    size_t n = control->n_sent < MAX_CONTROL_CERTS ? control->n_sent : MAX_CONTROL_CERTS;
    int answer = 2;

    for (size_t i = 0; i < n; i++) {
        CLEANUP(cert_freep) struct cert *theirs = NULL;
        int r = cert_parse(&theirs, control->sent[i]);

        if (r < 0)
            return r;
        if (r > 0)
            return answer;
        r = signed_by_ours(j, theirs, left);
        if (r != 0)
            return r;
        if (i == 0 && (looks_signed_by_ours(j, theirs) || cert_same_key(theirs, j->leaf)))
            return 1;
        answer = 0;
    }
    return answer;
}

static int same_weight(unsigned same)
{
    static const int by_count[] = { 0, 15, 30 };

    return same < ARRAY_LEN(by_count) ? by_count[same] : weigh_of(MW_SAME_KEY_ON_CONTROLS);
}

static void controls_weigh(struct middle *m, unsigned same, unsigned compared)
{
    if (compared == 0 || (m->public_anchor && same > 0))
        return; /* everybody may use the same public authority */
    if (same > 0)
        middle_weigh(m,
                     judge_add(m->j, MW_SAME_KEY_ON_CONTROLS, -1,
                               "%u of %u control site%s carr%s the same key", same, compared,
                               compared == 1 ? "" : "s", same == 1 ? "ies" : "y"),
                     same_weight(same));
    else
        middle_weigh(m,
                     judge_add(m->j, MW_CONTROLS_DIFFER, -1,
                               "none of %u control site%s carries this issuer's key", compared,
                               compared == 1 ? "" : "s"),
                     weigh_of(MW_CONTROLS_DIFFER));
}

int intercept_controls(struct middle *m)
{
    const struct mw_evidence *ev = m->j->ev;
    unsigned same = 0, compared = 0, left = MAX_SIGNATURES;

    for (size_t i = 0; i < ev->n_controls && i < MAX_CONTROLS; i++) {
        struct host host;
        int r;

        if (host_parse(&host, ev->controls[i].host) != 0 || !unrelated(&host, &m->j->host))
            continue;
        r = control_compare(m->j, &ev->controls[i], &left);
        if (r < 0)
            return r;
        same += r == 1;
        compared += r != 2;
    }
    controls_weigh(m, same, compared);
    return 0;
}
