/*
 * Puts the evidence on the scales and says who, if anybody, can read the connection.
 */
#include "trust/intercept.h"

#include <errno.h>

#include "base/own.h"
#include "base/text.h"
#include "trust/finding.h"
#include "trust/policy.h"

enum { MAX_ISSUER_BYTES = 1024 };

void middle_weigh(struct middle *m, struct mw_finding *f, int decibans)
{
    weigh_add(&m->weighing, decibans);
    if (f == NULL)
        return;
    f->certainty = weigh_piece_certainty(decibans);
    f->disproof = weigh_disproof(f->code);
}

static const char *text_keep(struct judge *j, struct buf *text)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(4 * MAX_ISSUER_BYTES);
    struct mw_span copy;

    text_safe(&safe, buf_span(text), MAX_ISSUER_BYTES);
    if (text->error == -ENOMEM || safe.error == -ENOMEM ||
        arena_copy(j->arena, buf_span(&safe), &copy) < 0) {
        j->error = -ENOMEM;
        return NULL;
    }
    return (const char *)copy.data;
}

/* The certificate whose key signed the leaf; the leaf itself if that is self-signed. */
static const struct cert *issuing_cert(const struct judge *j)
{
    if (j->chain.path.n > 1)
        return j->chain.path.certs[1];
    return j->leaf->self_issued ? j->leaf : NULL;
}

static void reader_describe(const struct middle *m, struct mw_reader *r)
{
    CLEANUP(buf_deinit) struct buf issuer = BUF_INIT(64 * 1024);
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(256);
    const struct cert *by = issuing_cert(m->j);

    name_format(&issuer, m->j->leaf->issuer);
    r->issuer = text_keep(m->j, &issuer);
    if (by == NULL || m->public_anchor)
        return; /* a public authority's key is not the reader's */
    cert_spki_pin(by, &key);
    r->key = text_keep(m->j, &key);
}

/* A product named is worth mentioning even where little else speaks for it. */
static bool reader_found(const struct middle *m, enum mw_certainty *how)
{
    if (weigh_certainty(&m->weighing, how))
        return true;
    *how = MW_HINT;
    return m->product != NULL && !m->weighing.refuted;
}

/* The policy, and its catalogue with it, may go before the verdict does. */
static int strings_keep(struct judge *j, struct mw_reader *r)
{
    const char **texts[] = { &r->product, &r->vendor, &r->kind };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (*texts[i] == NULL)
            continue;
        *texts[i] = arena_strdup(j->arena, *texts[i]);
        if (*texts[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int reader_add(struct middle *m)
{
    enum mw_certainty how;
    struct mw_reader *r;

    if (!reader_found(m, &how))
        return 0;
    r = arena_calloc(m->j->arena, 1, sizeof(*r));
    if (r == NULL)
        return -ENOMEM;
    r->certainty = how;
    if (m->product != NULL) {
        r->product = m->product->name;
        r->vendor = m->product->vendor;
        r->kind = m->product->kind;
        r->named_certainty = m->named;
    } else if (m->portal) {
        r->kind = "captive-portal";
    }
    reader_describe(m, r);
    intercept_place(m, r);
    m->j->v->readers = r;
    m->j->v->n_readers = 1;
    return strings_keep(m->j, r);
}

static void missing_note(const struct middle *m)
{
    const struct mw_evidence *ev = m->j->ev;

    if (ev->local.looked == MW_NOT_LOOKED)
        m->j->v->missing |= MW_MISSING_LOCAL;
    if (m->j->leaf == NULL || !m->public_name)
        return;
    if (ev->n_controls == 0)
        m->j->v->missing |= MW_MISSING_CONTROLS;
    if (ev->caa_looked == MW_NOT_LOOKED && m->j->host.kind == HOST_DNS)
        m->j->v->missing |= MW_MISSING_CAA;
}

int intercept_judge(struct judge *j)
{
    struct middle m = {
        .j = j,
        .public_name = host_is_public(&j->host),
        .public_anchor = j->chain.path.anchor == MW_ANCHOR_PUBLIC,
    };
    int r;

    missing_note(&m);
    intercept_path(&m);
    if (j->leaf == NULL) {
        intercept_portal(&m);
        return 0;
    }
    intercept_names(&m);
    intercept_portal(&m);
    intercept_certificate(&m);
    intercept_caa(&m);
    intercept_echo(&m);
    r = intercept_controls(&m);
    return r == 0 ? reader_add(&m) : r;
}
