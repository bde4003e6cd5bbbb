/*
 * The first stage: what was asked for and what arrived, parsed once.
 */
#include <errno.h>

#include "trust/judge.h"

enum { ORDINARY_CERTS = 4 };

/* A certificate that cannot be read is named and left out; the rest may still do. */
static int take(struct judge *j, struct mw_span der, const char *which, size_t at)
{
    struct cert *c = NULL;
    /* Of a crowd of certificates most are never used; the few of an ordinary server are. */
    bool crowd = j->ev->n_sent + j->ev->n_fetched > ORDINARY_CERTS;
    int error = crowd ? cert_parse_bare(&c, der, j->policy->bare)
                      : cert_parse_memo(&c, der, j->policy->memo);

    if (error < 0)
        return error;
    if (error == MW_E_TOO_MANY)
        judge_add(j, MW_CERT_MALFORMED, -1, "certificate %zu of those %s is over %d bytes, or "
                  "has more than %d names or %d extensions", at + 1, which, MW_MAX_CERT_BYTES,
                  MW_MAX_NAMES, CERT_MAX_EXTENSIONS);
    else if (error != 0)
        judge_add(j, MW_CERT_MALFORMED, -1, "certificate %zu of those %s is no X.509 certificate "
                  "in DER", at + 1, which);
    if (error == 0)
        j->certs[j->n_certs++] = c;
    return 0;
}

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

int intake_judge(struct judge *j)
{
    const struct mw_evidence *ev = j->ev;
    size_t n_sent = at_most(ev->n_sent, MW_MAX_CERTS);
    size_t n_fetched = at_most(ev->n_fetched, MW_MAX_CERTS - n_sent);
    int error = 0;

    if (ev->host != NULL && host_parse(&j->host, ev->host) != 0)
        return MW_E_NAME;
    if (ev->n_sent > n_sent)
        judge_add(j, MW_CHAIN_TOO_COMPLEX, -1, "%zu certificates were sent; the first %d were "
                  "looked at", ev->n_sent, MW_MAX_CERTS);
    j->certs = arena_calloc(j->arena, n_sent + n_fetched + 1, sizeof(struct cert *));
    if (j->certs == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n_sent && error == 0; i++) {
        error = take(j, ev->sent[i], "sent", i);
        if (i == 0 && j->n_certs > 0)
            j->leaf = j->certs[0];
    }
    j->n_sent = j->n_certs;
    for (size_t i = 0; i < n_fetched && error == 0; i++)
        error = take(j, ev->fetched[i], "fetched", i);
    return error;
}
