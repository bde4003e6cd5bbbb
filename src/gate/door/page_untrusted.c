/*
 * The page in place of a site that was not trusted: the cause first, in words; then what a person
 * can do; the evidence after that.
 * Bounds: so many findings, certificates and names, each cut: an origin cannot make it large.
 */
#include "base/clock.h"
#include "gate/door/page.h"
#include "gate/door/page_html.h"

enum { FINDINGS_SHOWN = 20, CERTS_SHOWN = 8, NAMES_SHOWN = 20, NAME_BYTES = 100 };

static const struct mw_finding *finding_of(const struct mw_verdict *v, enum mw_code code)
{
    for (size_t i = 0; i < v->n_findings; i++) {
        if (v->findings[i].code == code)
            return &v->findings[i];
    }
    return NULL;
}

/* The cause that was named, else the finding that weighs most: they come in that order. */
static enum mw_code cause_of(const struct mw_verdict *v, enum mw_code named)
{
    if (named > MW_CODE_NONE && named < MW_CODES)
        return named;
    if (v->n_findings > 0 && v->findings[0].severity >= MW_WARNING)
        return v->findings[0].code;
    return MW_CODE_NONE;
}

static void cause(struct buf *html, const struct mw_verdict *v, enum mw_code code)
{
    const struct mw_code_info *info = code != MW_CODE_NONE ? mw_code_info(code) : NULL;
    const struct mw_finding *f = finding_of(v, code);

    if (info == NULL) {
        buf_str(html, "<p>What the server showed could not be judged, and what was not judged is "
                      "not trusted.</p>\n");
        return;
    }
    buf_str(html, "<p class=\"lead\">");
    page_words(html, info->title);
    buf_str(html, ".</p>\n<p>");
    page_words(html, info->explanation);
    buf_str(html, "</p>\n");
    if (f != NULL && f->evidence != NULL && f->evidence[0] != '\0') {
        buf_str(html, "<p>What was seen: ");
        page_text(html, f->evidence);
        buf_str(html, ".</p>\n");
    }
}

static void advice(struct buf *html, enum mw_code code)
{
    if (code == MW_CODE_NONE)
        return;
    buf_str(html, "<h2>What you can do</h2>\n<p>");
    page_words(html, mw_code_info(code)->person);
    buf_str(html, "</p>\n<h2>What the site\u2019s operator, or your IT, can do</h2>\n<p>");
    page_words(html, mw_code_info(code)->it);
    buf_str(html, "</p>\n");
}

/* Folded away: going on is possible, not offered. */
static void consent_form(struct buf *html, const struct mw_verdict *v, const char *path)
{
    if (path == NULL || path[0] != '/')
        return;
    buf_str(html, "<details class=\"anyway\"><summary>Continue anyway</summary>\n"
                  "<p>Whoever answers in this site\u2019s name could then read and change "
                  "everything you send and see there, passwords included. This holds for you, for "
                  "this site and for the key it showed now; it ends by itself, and it is written "
                  "to the gateway\u2019s log.</p>\n<form method=\"post\" action=\"");
    page_text(html, path);
    buf_str(html, "\"><button type=\"submit\">Continue to ");
    page_text_short(html, v->host, NAME_BYTES);
    buf_str(html, "</button></form>\n</details>\n");
}

static void findings(struct buf *html, const struct mw_verdict *v)
{
    if (v->n_findings == 0)
        return;
    buf_str(html, "<h2>Everything that was found</h2>\n<table>\n");
    for (size_t i = 0; i < v->n_findings && i < FINDINGS_SHOWN; i++) {
        const struct mw_finding *f = &v->findings[i];
        const struct mw_code_info *info = mw_code_info(f->code);

        buf_printf(html, "<tr><td><span class=\"tag %s\">%s</span></td><td>",
                   mw_severity_name(f->severity), mw_severity_name(f->severity));
        page_words(html, info->title);
        buf_printf(html, " <code>%s</code>", info->code);
        if (f->evidence != NULL && f->evidence[0] != '\0') {
            buf_str(html, "<br>");
            page_text(html, f->evidence);
        }
        buf_str(html, "</td></tr>\n");
    }
    buf_str(html, "</table>\n");
    if (v->n_findings > FINDINGS_SHOWN)
        buf_printf(html, "<p>And %zu more.</p>\n", v->n_findings - FINDINGS_SHOWN);
}

/* "DNS:" need not be read; other kinds of name keep their mark. */
static const char *name_alone(const char *name)
{
    return strncmp(name, "DNS:", 4) == 0 ? name + 4 : name;
}

static void names(struct buf *html, const struct mw_cert_view *c)
{
    if (c->n_names == 0)
        return;
    buf_str(html, "<dt>Names</dt><dd>");
    for (size_t i = 0; i < c->n_names && i < NAMES_SHOWN; i++) {
        buf_str(html, i > 0 ? ", " : "");
        page_text_short(html, name_alone(c->names[i]), NAME_BYTES);
    }
    if (c->n_names > NAMES_SHOWN)
        buf_printf(html, " and %zu more", c->n_names - NAMES_SHOWN);
    buf_str(html, "</dd>\n");
}

static void dates(struct buf *html, const struct mw_cert_view *c, struct mw_wall now)
{
    bool early = wall_diff_s(now, c->not_before) > 0;
    int64_t s = wall_diff_s(now, early ? c->not_before : c->not_after);

    buf_str(html, "<dt>Valid</dt><dd>");
    wall_format_date(html, c->not_before);
    buf_str(html, " to ");
    wall_format_date(html, c->not_after);
    buf_str(html, early ? ", begins in " : s >= 0 ? ", expires in " : ", expired ");
    span_of_time_format(html, s);
    buf_str(html, s < 0 ? " ago</dd>\n" : "</dd>\n");
}

static const char *role(const struct mw_cert_view *c, size_t at)
{
    if (c->anchor == MW_ANCHOR_PUBLIC)
        return "a public root";
    if (c->anchor == MW_ANCHOR_LOCAL)
        return "a root that the gateway was told to trust";
    if (!c->in_path)
        return "sent, but not needed";
    if (at == 0)
        return "the server\u2019s";
    return c->self_issued ? "a root that is not trusted" : "an intermediate";
}

static void cert(struct buf *html, const struct mw_cert_view *c, size_t at, struct mw_wall now)
{
    buf_printf(html, "<details%s><summary>", at == 0 ? " open" : "");
    page_text(html, c->short_subject);
    buf_printf(html, " <span>%s</span></summary>\n<dl>\n", role(c, at));
    page_row(html, "Subject", c->subject);
    page_row(html, "Issuer", c->self_issued ? "itself" : c->issuer);
    names(html, c);
    dates(html, c, now);
    page_row(html, "Key", c->key);
    page_row(html, "Signed with", c->signature);
    page_row(html, "Serial", c->serial);
    page_row(html, "SHA-256", c->sha256);
    page_row(html, "Key pin", c->spki);
    buf_str(html, "</dl>\n</details>\n");
}

static void certs(struct buf *html, const struct mw_verdict *v)
{
    if (v->n_chain == 0)
        return;
    buf_str(html, "<h2>The certificates</h2>\n");
    for (size_t i = 0; i < v->n_chain && i < CERTS_SHOWN; i++)
        cert(html, &v->chain[i], i, v->at);
    if (v->n_chain > CERTS_SHOWN)
        buf_printf(html, "<p>And %zu more.</p>\n", v->n_chain - CERTS_SHOWN);
}

void page_untrusted(struct buf *html, const struct gate_config *c, const struct mw_verdict *v,
                    enum mw_code named, const char *consent)
{
    CLEANUP(buf_deinit) struct buf title = BUF_INIT(2048);
    struct page page = { .word = "NOT TRUSTED", .tone = PAGE_BAD, .form = consent != NULL };
    enum mw_code code = cause_of(v, named);

    buf_printf(&title, "%.300s was not shown to you", v->host != NULL ? v->host : "This site");
    page_fail(html, buf_error(&title));
    page.title = (const char *)title.data;
    page_begin(html, c, &page);
    cause(html, v, code);
    advice(html, code);
    page_contact(html, c);
    consent_form(html, v, consent);
    findings(html, v);
    certs(html, v);
    buf_str(html, "<p class=\"when\">Judged by the gateway at ");
    wall_format(html, v->at);
    buf_str(html, ". Where these words say \u201cthis computer\u201d, they mean the gateway."
                  "</p>\n");
    page_end(html);
}
