#include "check/certs.h"

#include "base/clock.h"
#include "base/text.h"

enum {
    CERTS_NAMES = 12, /* shown; a certificate may carry thousands */
    PEM_LINE = 64,
};

void certs_pem(struct buf *out, struct mw_span der)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(2 * MW_MAX_CERT_BYTES);

    text_base64(&text, der);
    if (buf_error(&text) != 0) {
        buf_str(out, "(too large to print)\n");
        return;
    }
    buf_str(out, "-----BEGIN CERTIFICATE-----\n");
    for (size_t i = 0; i < text.len; i += PEM_LINE) {
        buf_add(out, span_cut(buf_span(&text), i, PEM_LINE));
        buf_str(out, "\n");
    }
    buf_str(out, "-----END CERTIFICATE-----\n");
}

void certs_distance(struct buf *out, struct mw_wall now, struct mw_wall t)
{
    int64_t s = wall_diff_s(now, t);

    if (s >= 0)
        buf_str(out, "in ");
    span_of_time_format(out, s);
    if (s < 0)
        buf_str(out, " ago");
}

static void row(struct layout *l, const char *label, const char *text)
{
    size_t used = strlen(label);

    buf_str(l->out, "     ");
    layout_tint(l, TINT_DIM, label);
    buf_fill(l->out, ' ', used < 10 ? 10 - used : 1);
    layout_wrap(l, 15, 15, text);
}

static void row_names(struct layout *l, const struct mw_cert_view *c)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(64 << 10);
    size_t shown = c->n_names < CERTS_NAMES ? c->n_names : CERTS_NAMES;

    if (c->n_names == 0 && c->is_ca)
        return;
    if (c->n_names == 0)
        buf_str(&text, "none (no subjectAltName)");
    for (size_t i = 0; i < shown; i++) {
        const char *name = c->names[i];

        if (strncmp(name, "DNS:", 4) == 0)
            name += 4;
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", name);
    }
    if (c->n_names > shown)
        buf_printf(&text, " and %zu more", c->n_names - shown);
    row(l, "names", buf_error(&text) == 0 ? (const char *)text.data : "(too long to show)");
}

static void row_dates(struct layout *l, const struct mw_cert_view *c, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(512);
    bool expired = c->not_after.s < now.s;
    bool early = c->not_before.s > now.s;

    wall_format_date(&text, c->not_before);
    buf_str(&text, " to ");
    wall_format_date(&text, c->not_after);
    buf_str(&text, early ? ", begins " : expired ? ", expired " : ", expires ");
    certs_distance(&text, now, early ? c->not_before : c->not_after);
    row(l, "valid", buf_error(&text) == 0 ? (const char *)text.data : "?");
}

static void rows_list(struct layout *l, const char *label, const char *const *lines, size_t n)
{
    enum { MOST = 8 };

    for (size_t i = 0; i < n && i < MOST; i++)
        row(l, i == 0 ? label : "", lines[i]);
    if (n > MOST)
        row(l, "", "…");
}

static const char *role(const struct mw_cert_view *c, size_t at)
{
    if (c->anchor == MW_ANCHOR_PUBLIC)
        return "a public root";
    if (c->anchor == MW_ANCHOR_LOCAL)
        return "a root that somebody added here";
    if (!c->in_path)
        return "sent, but not needed";
    if (at == 0)
        return "the server's own";
    if (!c->sent)
        return "an intermediate that the server did not send";
    return c->self_issued ? "a root that is not trusted" : "an intermediate";
}

static void cert_text(struct layout *l, const struct mw_cert_view *c, size_t at, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf head = BUF_INIT(8192);

    buf_printf(l->out, "%3zu  ", at);
    layout_tint(l, TINT_BOLD, c->short_subject);
    buf_printf(&head, "(%s)", role(c, at));
    buf_str(l->out, " ");
    if (buf_error(&head) == 0)
        layout_wrap(l, 5, 6 + text_columns(span_str(c->short_subject)), (const char *)head.data);
    row(l, "subject", c->subject[0] != '\0' ? c->subject : "(empty)");
    row(l, "issuer", c->self_issued ? "itself" : c->issuer);
    row_names(l, c);
    row_dates(l, c, now);
    row(l, "key", c->key);
    row(l, "signed", c->signature);
    row(l, "serial", c->serial);
    row(l, "SHA-256", c->sha256);
    row(l, "SHA-1", c->sha1);
    row(l, "pin", c->spki);
    rows_list(l, "SCTs", c->scts, c->n_scts);
    rows_list(l, "CRL", c->crl_urls, c->n_crl_urls);
    rows_list(l, "OCSP", c->ocsp_urls, c->n_ocsp_urls);
    rows_list(l, "issuer at", c->issuer_urls, c->n_issuer_urls);
}

void certs_text(struct layout *l, const struct mw_verdict *v, bool pem)
{
    for (size_t i = 0; i < v->n_chain; i++) {
        buf_str(l->out, "\n");
        cert_text(l, &v->chain[i], i, v->at);
        if (pem)
            certs_pem(l->out, v->chain[i].der);
    }
}
