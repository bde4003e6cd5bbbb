/*
 * One plain-HTTP exchange: resolve, connect, ask, read the answer, follow a few redirects.
 * What is fetched this way (CRLs, issuers, OCSP) is signed; nothing is believed because of
 * where it came from.
 * Life:   fetch_begin() -> callback once -> gone; or fetch_cancel() before that.
 * Memory: the request is copied; the result is borrowed until the callback returns.
 * Bounds: limit_ms for everything together, max_bytes for a body, FETCH_MAX_* below.
 */
#ifndef PROBE_FETCH_H
#define PROBE_FETCH_H

#include "http/response.h"
#include "net/dns.h"

enum { FETCH_MAX_REDIRECTS = 3, FETCH_MAX_URL = 2048 };

struct fetch_request {
    const char *url;            /* http:// only */
    const char *content_type;   /* of `body`, which is then POSTed; NULL: GET */
    struct mw_span body;
    size_t max_bytes;
    int64_t limit_ms;
    unsigned max_redirects;     /* 0: a redirect is an answer like any other */
    bool may_be_local;          /* addresses of this computer and of this link are fine; else
                                 * a certificate could make us talk to our own services */
    bool refuse_own;            /* unless may_be_local: nor any other address of this computer */
};

struct fetch_result {
    const struct http_response *response;       /* complete; NULL: there was none … */
    const char *why;                            /* … because of this, one clause */
    const char *url;                            /* the last one asked */
    int64_t sent_ms, received_ms;               /* our clock around the last exchange */
};

struct fetch;
typedef void fetch_fn(void *context, const struct fetch_result *result);

/* Never called back from within.  -EINVAL: no URL that can be fetched. */
MW_MUST_CHECK int fetch_begin(struct fetch **out, uv_loop_t *loop, struct dns *dns,
                              const struct fetch_request *request, fetch_fn *on_done,
                              void *context);
void fetch_cancel(struct fetch *f);     /* NULL ok */

#endif
