#include "lab/site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/span.h"

enum { USUAL_FROM_D = -10, USUAL_TO_D = 80, SCT_BYTES = 4096, STAPLE_BYTES = 65536 };

int site_own(struct site *s, struct mill_cert *c)
{
    if (s->n_owned == SITE_CERTS_MAX) {
        mill_cert_free(c);
        return -ENOSPC;
    }
    s->owned[s->n_owned++] = c;
    return 0;
}

int site_send(struct site *s, const struct mill_cert *c)
{
    if (s->n_sent == SITE_CERTS_MAX)
        return -ENOSPC;
    s->sent[s->n_sent++] = c;
    return 0;
}

static void own_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

/* ------------------------------------------------------------------- SCTs ---- */

static const struct {
    enum pki_log logs[2];
    size_t n;
} scts_of[] = {
    [SCTS_TWO] = { { LOG_ONE, LOG_TWO }, 2 },
    [SCTS_NONE] = { { LOG_ONE, LOG_ONE }, 0 },
    [SCTS_ONE] = { { LOG_ONE, LOG_ONE }, 1 },
    [SCTS_ONE_OPERATOR] = { { LOG_ONE, LOG_ONE_AGAIN }, 2 },
    [SCTS_BROKEN] = { { LOG_ONE, LOG_TWO }, 2 },
    [SCTS_UNKNOWN_LOG] = { { LOG_UNKNOWN, LOG_UNKNOWN }, 1 },
    [SCTS_IN_TLS] = { { LOG_ONE, LOG_TWO }, 2 },
};

static int scts_embed(struct buf *list, enum case_scts how, struct pki *p,
                      const struct mill_spec *spec, EVP_PKEY *key,
                      const struct mill_cert *issuer)
{
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(SCT_BYTES);

    for (size_t i = 0; i < scts_of[how].n; i++) {
        int r = mill_sct_precert(&scts, p->logs[scts_of[how].logs[i]], spec, key, issuer,
                                 pki_day(p, USUAL_FROM_D));

        if (r < 0)
            return r;
    }
    if (how == SCTS_BROKEN)
        scts.data[scts.len - 1] ^= 1;
    return scts.len > 0 ? mill_sct_list_close(&scts, list) : 0;
}

static int scts_for_tls(struct site *s, struct pki *p)
{
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(SCT_BYTES);

    for (size_t i = 0; i < scts_of[SCTS_IN_TLS].n; i++) {
        int r = mill_sct_cert(&scts, p->logs[scts_of[SCTS_IN_TLS].logs[i]], s->leaf,
                              pki_day(p, USUAL_FROM_D));

        if (r < 0)
            return r;
    }
    return mill_sct_list_close(&scts, &s->tls_scts);
}

/* ------------------------------------------------------------------- leaf ---- */

struct leaf_text {
    char host[CASE_HOST_TEXT];
    char subject[CASE_HOST_TEXT + 8], names[CASE_HOST_TEXT + 8];
    char crl[CASE_HOST_TEXT], ocsp[CASE_HOST_TEXT], aia[CASE_HOST_TEXT];
};

static void leaf_fill(struct mill_spec *spec, struct leaf_text *t, const struct site *s,
                     const struct pki *p)
{
    const struct case_recipe *r = &s->c->cert;
    bool usual = r->days.from == 0 && r->days.to == 0;

    case_server_name(s->c, t->host);
    *spec = r->leaf;
    spec->not_before = pki_day(p, usual ? USUAL_FROM_D : r->days.from);
    spec->not_after = pki_day(p, usual ? USUAL_TO_D : r->days.to);
    snprintf(t->subject, sizeof(t->subject), "CN=%.64s", t->host);
    snprintf(t->names, sizeof(t->names), "DNS:%s", t->host);
    snprintf(t->crl, sizeof(t->crl), "%s/crl/%s", s->http, s->c->name);
    snprintf(t->ocsp, sizeof(t->ocsp), "%s/ocsp/%s", s->http, s->c->name);
    snprintf(t->aia, sizeof(t->aia), "%s/issuer/%s", s->http, s->c->name);
    if (spec->subject == NULL)
        spec->subject = r->no_subject ? "" : t->subject;
    if (spec->names == NULL && !r->no_names)
        spec->names = t->names;
    if (r->crl != STATUS_NOT_NAMED)
        spec->crl_url = t->crl;
    if (r->ocsp != STATUS_NOT_NAMED)
        spec->ocsp_url = t->ocsp;
    if (r->aia)
        spec->aia_issuer_url = t->aia;
}

static int leaf_key(EVP_PKEY **key, struct pki *p, const struct case_recipe *r)
{
    int error = 0;

    if (r->pin == NULL)
        return mill_key_new(key, r->key, false);
    *key = pki_pin_key(p, r->pin, &error);
    if (*key != NULL)
        EVP_PKEY_up_ref(*key);
    return error;
}

int site_leaf(struct site *s, struct pki *p, const struct mill_cert *issuer)
{
    const struct case_recipe *r = &s->c->cert;
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(SCT_BYTES);
    CLEANUP(own_key) EVP_PKEY *key = NULL;
    struct leaf_text text;
    struct mill_spec spec;
    struct mill_cert *leaf = NULL;
    int e = leaf_key(&key, p, r);

    leaf_fill(&spec, &text, s, p);
    if (e == 0 && r->scts != SCTS_IN_TLS && r->issuer != BY_ITSELF &&
        r->issuer != BY_INTERCEPTOR && r->issuer != BY_LOCAL_CA)
        e = scts_embed(&scts, r->scts, p, &spec, key, issuer);
    spec.sct_list = buf_span(&scts);
    if (e == 0)
        e = mill_issue(&leaf, &spec, key, r->issuer == BY_ITSELF ? NULL : issuer);
    if (e < 0)
        return e;
    s->leaf = leaf;
    s->issuer = issuer;
    e = site_own(s, leaf);
    return e == 0 && r->scts == SCTS_IN_TLS ? scts_for_tls(s, p) : e;
}

/* ------------------------------------------------------------------ chain ---- */

/* The intermediate of this case alone. */
static int own_ca(struct site *s, struct pki *p, const struct mill_cert **out)
{
    const struct case_recipe *r = &s->c->cert;
    bool usual = r->ca_days.from == 0 && r->ca_days.to == 0;
    CLEANUP(own_key) EVP_PKEY *key = NULL;
    struct mill_spec spec = r->ca;
    struct mill_cert *ca = NULL;
    char subject[128], crl[CASE_HOST_TEXT];
    int e = mill_key_new(&key, r->ca_key, false);

    snprintf(subject, sizeof(subject), "CN=Midwatch Lab CA for %s,O=Midwatch Lab,C=XX",
             s->c->name);
    snprintf(crl, sizeof(crl), "%s/ca-crl/%s", s->http, s->c->name);
    if (spec.subject == NULL)
        spec.subject = subject;
    if (spec.ext_key_usage == NULL)
        spec.ext_key_usage = "serverAuth";
    if (r->ca_crl != STATUS_NOT_NAMED)
        spec.crl_url = crl;
    spec.not_before = pki_day(p, usual ? USUAL_FROM_D * 10 : r->ca_days.from);
    spec.not_after = pki_day(p, usual ? USUAL_TO_D * 10 : r->ca_days.to);
    if (e == 0)
        e = mill_issue(&ca, &spec, key, p->root);
    if (e < 0)
        return e;
    *out = ca;
    return site_own(s, ca);
}

/* The case's certificates in the order of its letters. */
static int send_letters(struct site *s, struct pki *p)
{
    const struct case_recipe *r = &s->c->cert;
    const char *letters = r->send != NULL ? r->send : "LC";
    bool short_chain = r->issuer == BY_ROOT || r->issuer == BY_ITSELF ||
                       r->issuer == BY_LOCAL_CA || r->issuer == BY_INTERCEPTOR;

    if (r->send == NULL && short_chain)
        letters = "L";
    for (; *letters != '\0'; letters++) {
        const struct mill_cert *c = *letters == 'L'   ? s->leaf
                                    : *letters == 'C' ? s->issuer
                                    : *letters == 'R' ? p->root
                                    : *letters == 'U' ? p->unknown_ca
                                                      : NULL;
        int e = c != NULL ? site_send(s, c) : -EINVAL;

        if (e < 0)
            return e;
    }
    return 0;
}

static int chain_mint(struct site *s, struct pki *p)
{
    const struct case_recipe *r = &s->c->cert;
    const struct mill_cert *issuer;
    int e = 0;

    if (r->mint != NULL)
        return r->mint(s, p);
    issuer = pki_issuer(p, r, &e);
    if (e == 0 && r->issuer == BY_OWN_CA)
        e = own_ca(s, p, &issuer);
    if (e == 0)
        e = site_leaf(s, p, issuer);
    return e == 0 ? send_letters(s, p) : e;
}

int site_ready(struct site *s, struct pki *p)
{
    int e;

    if (s->ready)
        return 0;
    s->staple = (struct buf)BUF_INIT(STAPLE_BYTES);
    s->tls_scts = (struct buf)BUF_INIT(SCT_BYTES);
    e = chain_mint(s, p);
    if (e == 0)
        e = site_staple(s, p);
    if (e == 0)
        e = site_context(s);
    if (e < 0)
        site_deinit(s);
    s->ready = e == 0;
    return e;
}

void site_deinit(struct site *s)
{
    for (size_t i = 0; i < s->n_owned; i++)
        mill_cert_free(s->owned[i]);
    buf_deinit(&s->staple);
    buf_deinit(&s->tls_scts);
    SSL_CTX_free(s->ctx);
    *s = (struct site){ .c = s->c, .http = s->http };
}
