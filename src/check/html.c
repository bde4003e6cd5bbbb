#include "check/html.h"

#include <errno.h>

#include "base/clock.h"
#include "check/certs.h"
#include "check/parameters.h"
#include "check/story.h"

extern const unsigned char html_css[];

enum { STORY_BYTES = 1 << 20, NAMES_SHOWN = 30 };

/* Text into HTML: what the network sent has been made safe to print before; here only the
 * mark-up's own characters are left to escape. */
static void text(struct buf *out, const char *s)
{
    const char *plain;

    for (; *s != '\0'; s++) {
        plain = s;
        while (*s != '\0' && strchr("&<>\"'", *s) == NULL)
            s++;
        buf_add(out, span_of(plain, (size_t)(s - plain)));
        if (*s == '\0')
            return;
        buf_printf(out, "&#%d;", *s);
    }
}

static void element(struct buf *out, const char *name, const char *content)
{
    buf_printf(out, "<%s>", name);
    text(out, content);
    buf_printf(out, "</%s>\n", name);
}

static void row(struct buf *out, const char *label, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    element(out, "dt", label);
    element(out, "dd", value);
}

static void list(struct buf *out, const char *title, const char *kind,
                 const struct story_list *lines)
{
    if (lines->n == 0)
        return;
    element(out, "h3", title);
    buf_printf(out, "<%s>\n", kind);
    for (size_t i = 0; i < lines->n; i++)
        element(out, "li", lines->lines[i]);
    buf_printf(out, "</%s>\n", kind);
}

void html_begin(struct buf *out, struct mw_wall at, size_t n_targets)
{
    buf_str(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "style-src 'unsafe-inline'\">\n"
                 "<title>Midwatch: who can read this connection?</title>\n<style>\n");
    buf_str(out, (const char *)html_css);
    buf_str(out, "</style>\n</head>\n<body>\n<header><strong>Midwatch check</strong><span>");
    wall_format(out, at);
    buf_printf(out, "</span><span>%zu connection%s</span></header>\n<main>\n", n_targets,
               n_targets == 1 ? "" : "s");
}

static const char *tone(const struct mw_verdict *v)
{
    if (v->outcome == MW_PRIVATE)
        return "good";
    return v->outcome == MW_INSPECTED || v->outcome == MW_UNTRUSTED ? "bad" : "warn";
}

static void facts(struct buf *out, const struct mw_evidence *ev, const struct mw_verdict *v,
                  const struct story *s)
{
    struct buf line = BUF_INIT(1024);

    buf_str(out, "<dl>\n");
    row(out, "Expected name", s->expected);
    row(out, "Certificate for", s->subject);
    row(out, "Issued by", s->issuer);
    row(out, "Cause", s->causes);
    parameters_text(&line, ev);
    if (buf_error(&line) == 0 && line.len > 0)
        row(out, "Handshake", (const char *)line.data);
    row(out, "Answered by", ev->local.peer_address);
    row(out, "VPN", s->vpn);
    buf_truncate(&line, 0);
    wall_format(&line, v->at);
    if (buf_error(&line) == 0)
        row(out, "Judged at", (const char *)line.data);
    buf_str(out, "</dl>\n");
    buf_deinit(&line);
}

static void findings(struct buf *out, const struct mw_verdict *v)
{
    if (v->n_findings == 0)
        return;
    element(out, "h3", "Findings");
    buf_str(out, "<table>\n");
    for (size_t i = 0; i < v->n_findings; i++) {
        const struct mw_finding *f = &v->findings[i];
        const struct mw_code_info *info = mw_code_info(f->code);

        buf_printf(out, "<tr><td><span class=\"tag %s\">%s</span></td><td><code>%s</code> ",
                   mw_severity_name(f->severity), mw_severity_name(f->severity), info->code);
        text(out, info->title);
        buf_printf(out, " (%s%s)<br>", mw_certainty_name(f->certainty),
                   f->accepted ? ", accepted before" : "");
        text(out, f->evidence != NULL ? f->evidence : "");
        if (f->disproof != NULL) {
            buf_str(out, "<br><small>What would disprove it: ");
            text(out, f->disproof);
            buf_str(out, "</small>");
        }
        buf_str(out, "</td></tr>\n");
    }
    buf_str(out, "</table>\n");
}

static void cert_names(struct buf *out, const struct mw_cert_view *c)
{
    if (c->n_names == 0)
        return;
    buf_str(out, "<dt>Names</dt><dd>");
    for (size_t i = 0; i < c->n_names && i < NAMES_SHOWN; i++) {
        if (i > 0)
            buf_str(out, ", ");
        text(out, c->names[i]);
    }
    if (c->n_names > NAMES_SHOWN)
        buf_printf(out, ", … and %zu more", c->n_names - NAMES_SHOWN);
    buf_str(out, "</dd>\n");
}

static void cert_dates(struct buf *out, const struct mw_cert_view *c, struct mw_wall at)
{
    buf_str(out, "<dt>Valid</dt><dd>");
    wall_format(out, c->not_before);
    buf_str(out, " to ");
    wall_format(out, c->not_after);
    buf_str(out, wall_diff_s(at, c->not_after) >= 0 ? " (expires " : " (expired ");
    certs_distance(out, at, c->not_after);
    buf_str(out, ")</dd>\n");
}

static const char *cert_role(const struct mw_cert_view *c, size_t i)
{
    if (c->anchor == MW_ANCHOR_PUBLIC)
        return "public root";
    if (c->anchor == MW_ANCHOR_LOCAL)
        return "root added on this computer";
    if (!c->in_path)
        return "sent, not needed";
    return i == 0 ? "the server's" : "intermediate";
}

static void cert(struct buf *out, const struct mw_cert_view *c, size_t i, struct mw_wall at)
{
    buf_printf(out, "<details%s><summary>", i == 0 ? " open" : "");
    text(out, c->short_subject);
    buf_printf(out, " <span>%s%s</span></summary>\n<dl>\n", cert_role(c, i),
               c->in_path && !c->sent && c->anchor == MW_ANCHOR_NONE ? ", fetched" : "");
    row(out, "Subject", c->subject);
    row(out, "Issuer", c->issuer);
    cert_names(out, c);
    cert_dates(out, c, at);
    row(out, "Key", c->key);
    row(out, "Signature", c->signature);
    row(out, "Serial", c->serial);
    row(out, "SHA-256", c->sha256);
    row(out, "SHA-1", c->sha1);
    row(out, "Key pin", c->spki);
    for (size_t k = 0; k < c->n_scts; k++)
        row(out, "Logged", c->scts[k]);
    buf_str(out, "</dl>\n");
    buf_str(out, "<pre>");
    certs_pem(out, c->der);
    buf_str(out, "</pre>\n</details>\n");
}

void html_verdict(struct buf *out, const struct mw_evidence *ev, const struct mw_verdict *v)
{
    struct arena arena = ARENA_INIT(STORY_BYTES);
    struct story s;

    if (story_tell(&arena, ev, v, &s) != 0) {
        arena_deinit(&arena);
        out->error = out->error != 0 ? out->error : -ENOMEM;
        return;
    }
    buf_printf(out, "<article class=\"%s\">\n<div class=\"verdict\"><div class=\"word\">%s</div>",
               tone(v), s.word);
    element(out, "h2", s.headline);
    buf_str(out, "</div>\n<div class=\"body\">\n");
    facts(out, ev, v, &s);
    list(out, "Why", "ul", &s.why);
    list(out, "What it is not", "ul", &s.isnt);
    list(out, "What can be seen", "ul", &s.sees);
    list(out, "What you can do", "ol", &s.person);
    list(out, "What IT can do", "ol", &s.it);
    findings(out, v);
    if (v->n_chain > 0)
        element(out, "h3", "Certificates");
    for (size_t i = 0; i < v->n_chain; i++)
        cert(out, &v->chain[i], i, v->at);
    buf_str(out, "</div>\n</article>\n");
    arena_deinit(&arena);
}

void html_end(struct buf *out, const char *version)
{
    buf_printf(out,
               "</main>\n<footer>Made by midwatch %s. Nothing on this page was fetched from "
               "elsewhere.</footer>\n</body>\n</html>\n",
               version);
}
