#include "probe/portal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "probe/fetch.h"
#include "probe/http_date.h"

enum { MAX_BODY = 64 * 1024, MAX_SHOWN = 200 };

struct portal {
    uv_loop_t *loop;
    struct dns *dns;
    const char *url;
    int64_t limit_ms;
    bool begun;
    struct once once;
    struct fetch *fetch;
    struct portal_seen seen;
    char location[4 * MAX_SHOWN + 8];
    char server[256];
};

int portal_new(struct portal **out, uv_loop_t *loop, struct dns *dns, const char *url,
               int64_t limit_ms)
{
    struct portal *p = calloc(1, sizeof *p);

    if (p == NULL)
        return -ENOMEM;
    *p = (struct portal){ .loop = loop, .dns = dns, .url = url, .limit_ms = limit_ms };
    *out = p;
    return 0;
}

void portal_free(struct portal *p)
{
    if (p == NULL)
        return;
    fetch_cancel(p->fetch);
    once_deinit(&p->once);
    free(p);
}

static bool contains_nocase(struct mw_span text, const char *word)
{
    struct mw_span w = span_str(word);

    for (size_t i = 0; i + w.len <= text.len; i++)
        if (span_eq_nocase(span_cut(text, i, w.len), w))
            return true;
    return false;
}

/* Via and X-Cache are also what a site's own CDN says of itself. */
static bool is_cdn(struct mw_span value)
{
    static const char *const cdns[] = { "google", "varnish",    "cloudfront", "akamai",
                                        "fastly", "cloudflare", "msedge",     "azure" };

    for (size_t i = 0; i < ARRAY_LEN(cdns); i++)
        if (contains_nocase(value, cdns[i]))
            return true;
    return false;
}

bool portal_fields_tell(const struct http_message *m)
{
    static const char *const always[] = { "X-BlueCoat-Via",     "X-Squid-Error", "Proxy-Connection",
                                          "Proxy-Authenticate", "X-Proxy-ID",    "X-Cache-Lookup" };
    static const char *const unless_cdn[] = { "Via", "X-Cache" };

    for (size_t i = 0; i < m->head.n_fields; i++) {
        const struct http_field *f = &m->head.fields[i];

        for (size_t k = 0; k < ARRAY_LEN(always); k++)
            if (span_eq_nocase(f->name, span_str(always[k])))
                return true;
        for (size_t k = 0; k < ARRAY_LEN(unless_cdn); k++)
            if (span_eq_nocase(f->name, span_str(unless_cdn[k])) && !is_cdn(f->value))
                return true;
    }
    return false;
}

static void url_take(struct portal *p, struct mw_span url)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(sizeof p->location - 1);

    text_safe(&safe, url, MAX_SHOWN);
    if (buf_error(&safe) != 0 || safe.len == 0)
        return;
    snprintf(p->location, sizeof p->location, "%s", (const char *)safe.data);
    p->seen.url = p->location;
}

/* 511 was made for portals (RFC 6585 section 6); other errors tell nothing. */
static void answer_judge(struct portal *p, const struct http_response *response)
{
    struct mw_span location = http_response_location(response);
    bool redirect = response->status >= 300 && response->status < 400;

    if (response->status == 204 && response->m.body.len == 0)
        p->seen.portal = MW_SEEN_NO;
    else if ((redirect && location.len > 0) || response->status == 511 ||
             (response->status >= 200 && response->status < 300))
        p->seen.portal = MW_SEEN_YES;
    if (p->seen.portal == MW_SEEN_YES)
        url_take(p, redirect ? location : span_str(p->url));
    p->seen.tampered = portal_fields_tell(&response->m) ? MW_SEEN_YES : MW_SEEN_NO;
}

static void date_take(struct portal *p, const struct fetch_result *result)
{
    struct mw_wall now = { result->received_ms / 1000 }, date;

    if (http_field_find(&result->response->m, "Age").len > 0 || /* from a cache */
        http_date_parse(http_field_find(&result->response->m, "Date"), now, &date) != 0)
        return;
    http_date_reading(&p->seen.date, date, result->sent_ms, result->received_ms);
    p->seen.date.server = p->server;
}

static void on_fetched(void *context, const struct fetch_result *result)
{
    struct portal *p = context;

    p->fetch = NULL;
    if (result->response != NULL) {
        answer_judge(p, result->response);
        date_take(p, result);
    }
    once_tell(&p->once);
}

static void portal_begin(struct portal *p)
{
    const struct fetch_request request = {
        .url = p->url,
        .max_bytes = MAX_BODY,
        .limit_ms = p->limit_ms,
        .may_be_local = true,
    };

    p->begun = true;
    if (p->url == NULL) {
        once_tell(&p->once);
        return;
    }
    p->seen.portal = MW_COULD_NOT_LOOK;
    p->seen.tampered = MW_COULD_NOT_LOOK;
    snprintf(p->server, sizeof p->server, "%s", p->url);
    if (fetch_begin(&p->fetch, p->loop, p->dns, &request, on_fetched, p) != 0) {
        p->fetch = NULL;
        once_tell(&p->once);
    }
}

int portal_get(struct portal *p, struct once_wait **wait, once_fn *fn, void *context)
{
    if (!p->begun)
        portal_begin(p);
    return once_join(&p->once, wait, fn, context);
}

const struct portal_seen *portal_seen(const struct portal *p)
{
    return &p->seen;
}
