/*
 * The last stage: the certificates as people read them, and where more evidence is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/objects.h>

#include "base/text.h"
#include "trust/ct.h"
#include "trust/judge.h"
#include "trust/key.h"
#include "trust/url.h"

enum { MAX_TEXT_BYTES = 64 * 1024, MAX_NAME_BYTES = 300 };

/* What is in the buffer, as a string of the arena.  The buffer is empty afterwards. */
static const char *text_keep(struct judge *j, struct buf *b)
{
    struct mw_span copy;

    if (buf_error(b) != 0 || arena_copy(j->arena, buf_span(b), &copy) != 0) {
        j->error = -ENOMEM;
        return "";
    }
    buf_truncate(b, 0);
    return (const char *)copy.data;
}

static void san_format(struct buf *out, const struct san *s)
{
    static const char *const prefix[] = { "DNS:", "IP:", "email:", "URI:", "dirName:", "other:" };
    char address[INET6_ADDRSTRLEN];

    buf_str(out, prefix[s->kind]);
    if (s->kind == SAN_IP && inet_ntop(s->value.len == 4 ? AF_INET : AF_INET6, s->value.data,
                                       address, sizeof address) != NULL)
        buf_str(out, address);
    else if (s->kind == SAN_DIRECTORY)
        name_format(out, s->value);
    else if (s->kind == SAN_OTHER)
        text_hex(out, span_cut(s->value, 0, 32), 0);
    else
        text_safe(out, s->value, MAX_NAME_BYTES);
}

static void names_view(struct judge *j, struct mw_cert_view *v, const struct cert *c,
                       struct buf *b)
{
    const char **names;

    if (c->n_sans == 0)
        return;
    names = arena_calloc(j->arena, c->n_sans, sizeof *names);
    if (names == NULL) {
        j->error = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < c->n_sans; i++) {
        san_format(b, &c->sans[i]);
        names[i] = text_keep(j, b);
    }
    v->names = names;
    v->n_names = c->n_sans;
}

static void urls_view(struct judge *j, struct mw_cert_view *v, const struct cert *c)
{
    if (urls_read(j->arena, c, URL_OCSP, &v->ocsp_urls, &v->n_ocsp_urls) != 0 ||
        urls_read(j->arena, c, URL_CRL, &v->crl_urls, &v->n_crl_urls) != 0 ||
        urls_read(j->arena, c, URL_ISSUER, &v->issuer_urls, &v->n_issuer_urls) != 0)
        j->error = -ENOMEM;
}

static void texts_view(struct judge *j, struct mw_cert_view *v, const struct cert *c)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MAX_TEXT_BYTES);
    struct key_facts key;

    name_format(&b, c->subject);
    v->subject = text_keep(j, &b);
    name_format(&b, c->issuer);
    v->issuer = text_keep(j, &b);
    name_format_short(&b, c->subject);
    if (b.len == 0 && c->n_sans > 0)
        san_format(&b, &c->sans[0]);
    v->short_subject = text_keep(j, &b);
    name_format_short(&b, c->issuer);
    v->short_issuer = text_keep(j, &b);
    names_view(j, v, c, &b);
    text_hex(&b, span_cut(c->serial, 0, 64), 0);
    v->serial = text_keep(j, &b);
    key = key_facts_read(c->spki);
    key_facts_format(&b, &key);
    v->key = text_keep(j, &b);
    buf_str(&b, OBJ_nid2ln(X509_get_signature_nid(c->x509)));
    v->signature = text_keep(j, &b);
    text_hex(&b, span_of(c->sha256, sizeof c->sha256), ':');
    v->sha256 = text_keep(j, &b);
    text_hex(&b, span_of(c->sha1, sizeof c->sha1), ':');
    v->sha1 = text_keep(j, &b);
    cert_spki_pin(c, &b);
    v->spki = text_keep(j, &b);
}

static bool was_sent(const struct judge *j, const struct cert *c)
{
    for (size_t i = 0; i < j->n_sent; i++)
        if (cert_same(j->certs[i], c))
            return true;
    return false;
}

static void cert_view(struct judge *j, struct mw_cert_view *v, const struct cert *c, bool in_path)
{
    const struct anchor *a = policy_anchor(j->policy, c);

    /* An anchor belongs to the policy, which may go before the verdict does. */
    if (arena_copy(j->arena, c->der, &v->der) != 0)
        j->error = -ENOMEM;
    v->not_before = c->not_before;
    v->not_after = c->not_after;
    v->is_ca = c->is_ca;
    v->self_issued = c->self_issued;
    v->in_path = in_path;
    v->sent = was_sent(j, c);
    v->anchor = a != NULL ? a->as : MW_ANCHOR_NONE;
    texts_view(j, v, c);
    urls_view(j, v, c);
    if (c == j->leaf && ct_lines(j, &v->scts, &v->n_scts) != 0)
        j->error = -ENOMEM;
}

static bool in_path(const struct path *p, const struct cert *c)
{
    for (size_t i = 0; i < p->n; i++)
        if (cert_same(p->certs[i], c))
            return true;
    return false;
}

/* A broken-off path that names where its next certificate is. */
static void missing_view(struct judge *j)
{
    const struct path *p = &j->chain.path;
    const struct cert *end;

    if (p->n == 0 || p->anchor != MW_ANCHOR_NONE)
        return;
    end = p->certs[p->n - 1];
    if (end->self_issued)
        return;
    if (urls_read(j->arena, end, URL_ISSUER, &j->v->fetch_urls, &j->v->n_fetch_urls) != 0)
        j->error = -ENOMEM;
    if (j->v->n_fetch_urls > 0)
        j->v->missing |= MW_MISSING_ISSUER;
}

int view_judge(struct judge *j)
{
    const struct path *p = &j->chain.path;
    struct mw_cert_view *views = arena_calloc(j->arena, p->n + j->n_sent + 1, sizeof *views);
    size_t n = 0;

    if (views == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < p->n && j->error == 0; i++)
        cert_view(j, &views[n++], p->certs[i], true);
    for (size_t i = 0; i < j->n_sent && j->error == 0; i++)
        if (!in_path(p, j->certs[i]))
            cert_view(j, &views[n++], j->certs[i], false);
    j->v->chain = views;
    j->v->n_chain = n;
    j->v->n_path = p->n;
    j->v->anchor = p->anchor;
    missing_view(j);
    /* The verdict may outlive the policy, whose context they belong to. */
    for (size_t i = 0; i < j->n_certs; i++)
        cert_drop_x509(j->certs[i]);
    return j->error;
}
