/*
 * The gateway's own pages.  What they say of the policy is what everybody behind it may know: no
 * rule, no user and no path of a file is shown.
 */
#include <errno.h>

#include "base/clock.h"
#include "gate/door/page.h"
#include "gate/door/page_ca.h"
#include "gate/door/page_html.h"
#include "http/response.h"

extern const unsigned char door_install[];

enum { BODY_MAX = 256 * 1024 };

/* What is asked for, and with what. */
struct visit {
    const struct gate_config *config;
    const struct ca_view *ca;   /* NULL: there is none yet */
    const struct addr *at;
    struct buf *body;
};

/* ----------------------------------------------------------------------------- "/" ---- */

static void what_it_does(struct buf *html, const struct gate_config *c)
{
    buf_str(html, "<p>You are on a network where connections to the internet pass this gateway. "
                  "It decrypts them to check them, then encrypts them again with certificates of "
                  "its own.</p>\n<h2>What it does</h2>\n<ul>\n<li>");
    buf_str(html, c->undefined == GATE_BLOCK
                      ? "Only what a rule allows is let through; everything else is blocked."
                      : "Connections are decrypted unless a rule excepts or blocks them.");
    buf_str(html, "</li>\n<li>Exceptions, often banks, health and apps that accept no gateway, "
                  "are passed on untouched: there the certificate you see is the site\u2019s "
                  "own.</li>\n<li>Every site\u2019s certificate is checked here. If it is not "
                  "to be trusted you are told so; it is never passed off as good.</li>\n"
                  "<li>One line about each connection is kept: when, who, where to, how much, and "
                  "what was decided. What you read and write is not kept, unless an administrator "
                  "unlocks that for a limited time, and the unlocking stands in the log too."
                  "</li>\n</ul>\n");
}

static void home(const struct visit *v)
{
    static const struct page page = { .title = "Your connections pass a gateway" };
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(256);
    const struct gate_config *c = v->config;
    char at[ADDR_TEXT];

    page_begin(v->body, c, &page);
    what_it_does(v->body, c);
    buf_str(v->body, "<div class=\"buttons\"><a class=\"button\" href=\"/install\">Install its "
                     "certificate</a> <a class=\"button\" href=\"/proxy.pac\">Proxy settings "
                     "(PAC)</a></div>\n<h2>Which gateway</h2>\n<dl>\n");
    page_row(v->body, "Name", c->name);
    addr_text(v->at, true, at);
    page_row(v->body, "You reached it at", at);
    if (v->ca != NULL) {
        page_row(v->body, "Its authority", v->ca->name);
        wall_format_date(&text, v->ca->not_after);
        page_row(v->body, "Valid until", (const char *)text.data);
        page_row(v->body, "SHA-256", v->ca->fingerprint);
    }
    buf_truncate(&text, 0);
    for (size_t i = 0; i < 8; i++)
        buf_printf(&text, "%02x", c->sha256[i]);
    page_row(v->body, "Policy", (const char *)text.data);
    page_fail(v->body, buf_error(&text));
    buf_str(v->body, "</dl>\n");
    page_contact(v->body, c);
    page_end(v->body);
}

/* ----------------------------------------------------------------------- "/install" ---- */

/* The text with its @PLACES@ filled in. */
static void fill(struct buf *html, const struct visit *v, struct mw_span text)
{
    const struct {
        const char *mark, *value;
    } places[] = {
        { "CA", v->ca->name }, { "SHA256", v->ca->fingerprint }, { "GATE", v->config->name },
    };
    struct mw_span piece, mark;

    while (span_field(&text, '@', &piece)) {
        buf_add(html, piece);
        if (!span_field(&text, '@', &mark))
            return;
        for (size_t i = 0; i < ARRAY_LEN(places); i++) {
            if (span_eq(mark, span_str(places[i].mark)))
                page_text(html, places[i].value);
        }
    }
}

static void install(const struct visit *v)
{
    static const struct page page = { .title = "Install the gateway\u2019s certificate" };

    page_begin(v->body, v->config, &page);
    fill(v->body, v, span_str((const char *)door_install));
    page_contact(v->body, v->config);
    page_end(v->body);
}

/* ---------------------------------------------------------------------------- files ---- */

static void pem(const struct visit *v)
{
    page_ca_pem(v->body, v->ca);
}

static void der(const struct visit *v)
{
    buf_add(v->body, v->ca->der);
}

static void mobileconfig(const struct visit *v)
{
    ca_mobileconfig(v->body, v->config, v->ca);
}

static void pac(const struct visit *v)
{
    pac_write(v->body, v->config, v->at);
}

#define HTML "text/html; charset=utf-8"

static const struct place {
    const char *path, *type;
    const char *disposition;    /* the name to save it under; NULL: it is only shown.  What
                                 * phones install by opening it must not become a download */
    bool needs_ca;
    void (*write)(const struct visit *v);
} places[] = {
    { "/", HTML, NULL, false, home },
    { "/install", HTML, NULL, true, install },
    { "/ca.pem", "application/x-pem-file", "attachment; filename=\"midwatch-ca.pem\"", true, pem },
    { "/ca.crt", "application/x-x509-ca-cert", "inline; filename=\"midwatch-ca.crt\"", true, der },
    { "/ca.mobileconfig", "application/x-apple-aspen-config",
      "inline; filename=\"midwatch-ca.mobileconfig\"", true, mobileconfig },
    { "/proxy.pac", "application/x-ns-proxy-autoconfig", NULL, false, pac },
};

static const struct place *place_find(struct mw_span path)
{
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (span_eq(path, span_str(places[i].path)))
            return &places[i];
    }
    return NULL;
}

static void respond(struct buf *response, int status, const char *type, const char *disposition,
                    struct mw_span body)
{
    const struct http_field fields[] = {
        { SPAN_LIT("Content-Type"), span_str(type) },
        { SPAN_LIT("Cache-Control"), SPAN_LIT("no-store") },
        { SPAN_LIT("X-Content-Type-Options"), SPAN_LIT("nosniff") },
        { SPAN_LIT("Referrer-Policy"), SPAN_LIT("no-referrer") },
        { SPAN_LIT("Content-Security-Policy"),
          SPAN_LIT("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                   "form-action 'none'; frame-ancestors 'none'") },
        { SPAN_LIT("Content-Disposition"), span_str(disposition) },
    };
    size_t n = ARRAY_LEN(fields) - (disposition == NULL ? 1 : 0);

    if (http_response_write(response, status, fields, n, body, false) != 0)
        page_fail(response, -ENOMEM);
}

void page_local(struct buf *response, const struct gate_config *c, struct mw_span ca,
                const char *path, const struct addr *at)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(BODY_MAX);
    CLEANUP(ca_view_free) struct ca_view view = { .name = NULL };
    struct visit visit = { .config = c, .at = at, .body = &body };
    struct mw_span whole = span_str(path), asked = { NULL, 0 };
    const struct place *place;
    int status = 200, r = ca_view_read(&view, ca);

    if (r == -ENOMEM)
        page_fail(response, r);
    visit.ca = r == 0 ? &view : NULL;
    (void)span_field(&whole, '?', &asked);
    place = place_find(asked);
    if (place == NULL) {
        status = 404;
        page_stopped(&body, c, status, "There is no such page here",
                     "the gateway answers at /, /install and /proxy.pac only");
    } else if (place->needs_ca && visit.ca == NULL) {
        status = 503;
        page_stopped(&body, c, status, "The gateway has no certificate to show yet",
                     "its certificate authority has not been made");
    } else {
        place->write(&visit);
    }
    page_fail(response, buf_error(&body));
    respond(response, status, status == 200 ? place->type : HTML,
            status == 200 ? place->disposition : NULL, buf_span(&body));
}

void page_head_only(struct buf *response)
{
    for (size_t i = 0; i + 4 <= response->len; i++) {
        if (memcmp(response->data + i, "\r\n\r\n", 4) == 0) {
            buf_truncate(response, i + 4);
            return;
        }
    }
}
