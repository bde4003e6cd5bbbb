#include "probe/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "http/request.h"
#include "net/connect.h"
#include "net/sock.h"
#include "net/watch.h"

enum { HTTP_PORT = 80 };

struct fetch {
    uv_loop_t *loop;
    struct dns *dns;
    struct fetch_request request; /* its pointers are into the fields below */
    char url[FETCH_MAX_URL];
    char *content_type;
    struct buf body;
    unsigned redirects;

    struct http_url parts; /* borrowed from url */
    struct dns_question *question;
    struct connecting *connecting;
    struct watch *timer, *watch;
    int fd;
    struct buf out;
    size_t written;
    struct http_response response;
    int64_t sent_ms, received_ms;
    fetch_fn *on_done;
    void *context;
};

static void exchange_close(struct fetch *f)
{
    dns_cancel(f->question);
    connect_cancel(f->connecting);
    watch_free(f->watch);
    f->question = NULL;
    f->connecting = NULL;
    f->watch = NULL;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    buf_deinit(&f->out);
    http_response_deinit(&f->response);
}

static void fetch_free(struct fetch *f)
{
    exchange_close(f);
    watch_free(f->timer);
    buf_deinit(&f->body);
    free(f->content_type);
    free(f);
}

static void finish(struct fetch *f, const char *why)
{
    struct fetch_result result = {
        .response = why == NULL ? &f->response : NULL,
        .why = why,
        .url = f->url,
        .sent_ms = f->sent_ms,
        .received_ms = f->received_ms,
    };

    f->on_done(f->context, &result);
    fetch_free(f);
}

static const char *exchange_begin(struct fetch *f);

/* Cuts f->url and checks that we may ask for it.  NULL, or why not. */
static const char *url_take(struct fetch *f)
{
    if (http_url_parse(&f->parts, span_str(f->url)) != 0)
        return "not a URL that can be fetched";
    if (f->parts.tls)
        return "its URL is https, which cannot be fetched before anything is trusted";
    return NULL;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* "host", "[v6]" or either with a port that is not http's own. */
static void authority_write(struct buf *out, const struct http_url *url)
{
    bool v6 = memchr(url->host.data, ':', url->host.len) != NULL;

    buf_str(out, v6 ? "[" : "");
    buf_add(out, url->host);
    buf_str(out, v6 ? "]" : "");
    if (url->port != HTTP_PORT)
        buf_printf(out, ":%u", (unsigned)url->port);
}

/* The next URL from a Location: absolute, a host ("//…") or a path here (RFC 9110 section
 * 10.2.2, RFC 3986 section 4.2). */
static const char *redirect_take(struct fetch *f)
{
    struct mw_span location = http_response_location(&f->response);
    CLEANUP(buf_deinit) struct buf next = BUF_INIT(sizeof f->url - 1);

    if (span_eq(span_cut(location, 0, 2), SPAN_LIT("//"))) {
        buf_str(&next, "http:");
    } else if (location.len > 0 && location.data[0] == '/') {
        buf_str(&next, "http://");
        authority_write(&next, &f->parts);
    }
    buf_add(&next, location);
    if (buf_error(&next) != 0 || next.len == 0 || memchr(next.data, '\0', next.len) != NULL)
        return "redirected to nowhere";
    memcpy(f->url, next.data, next.len);
    f->url[next.len] = '\0';
    return NULL;
}

static void answer_take(struct fetch *f)
{
    const char *why;

    f->received_ms = wall_now_ms();
    if (f->request.max_redirects == 0 || !is_redirect(f->response.status)) {
        finish(f, NULL);
        return;
    }
    why = f->redirects++ < f->request.max_redirects ? redirect_take(f) : "too many redirects";
    exchange_close(f);
    if (why == NULL)
        why = exchange_begin(f);
    if (why != NULL)
        finish(f, why);
}

/* Reads what is there.  false: f is gone or begun anew. */
static bool exchange_read(struct fetch *f)
{
    uint8_t bytes[16384];

    for (int turns = 0; turns < 16; turns++) {
        enum sock_error error = SOCK_OK;
        enum http_state state = HTTP_MORE;
        struct mw_span in;
        size_t n = 0;
        enum io io = sock_read(f->fd, bytes, sizeof bytes, &n, &error);

        if (io == IO_WANT_READ || io == IO_WANT_WRITE)
            return true;
        if (io == IO_FAILED) {
            finish(f, sock_error_text(error));
            return false;
        }
        in = span_of(bytes, n);
        state = io == IO_CLOSED ? http_response_end(&f->response)
                                : http_response_feed(&f->response, &in);
        if (state == HTTP_BAD) {
            finish(f, http_error_text(f->response.m.error));
            return false;
        }
        if (state == HTTP_DONE) {
            answer_take(f);
            return false;
        }
    }
    return true;
}

static bool exchange_write(struct fetch *f)
{
    while (f->written < f->out.len) {
        enum sock_error error = SOCK_OK;
        size_t n = 0;
        enum io io =
            sock_write(f->fd, span_cut(buf_span(&f->out), f->written, SIZE_MAX), &n, &error);

        if (io == IO_WANT_WRITE || io == IO_WANT_READ)
            return true;
        if (io != IO_OK) {
            finish(f, sock_error_text(error));
            return false;
        }
        f->written += n;
    }
    return true;
}

static void exchange_on_event(void *context, unsigned events)
{
    struct fetch *f = context;
    unsigned want = WATCH_READ;

    if ((events & WATCH_WRITE) != 0 && !exchange_write(f))
        return;
    if ((events & WATCH_READ) != 0 && !exchange_read(f))
        return;
    if (f->written < f->out.len)
        want |= WATCH_WRITE;
    if (watch_want(f->watch, want) != 0)
        finish(f, "this computer is out of resources");
}

static int request_write(struct fetch *f)
{
    CLEANUP(buf_deinit) struct buf host = BUF_INIT(300), target = BUF_INIT(FETCH_MAX_URL);
    struct http_field fields[] = {
        {SPAN_LIT("User-Agent"),    SPAN_LIT("midwatch")     },
        { SPAN_LIT("Content-Type"), span_str(f->content_type)},
    };
    bool post = f->content_type != NULL;

    authority_write(&host, &f->parts);
    if (f->parts.path.len == 0 || f->parts.path.data[0] != '/')
        buf_str(&target, "/");
    buf_add(&target, f->parts.path);
    if (buf_error(&host) != 0 || buf_error(&target) != 0)
        return -EINVAL;
    return http_request_write(&f->out, post ? "POST" : "GET", (const char *)target.data,
                              (const char *)host.data, fields, post ? 2 : 1, buf_span(&f->body));
}

/* A connection to any address of this computer, not only loopback, comes from that address. */
static bool is_own(int fd, const struct addr *peer)
{
    struct addr from = { .len = sizeof from.sa };

    return getsockname(fd, &from.sa.any, &from.len) == 0 && span_eq(addr_ip(&from), addr_ip(peer));
}

static void on_connected(void *context, const struct connect_result *result)
{
    struct fetch *f = context;

    f->connecting = NULL;
    if (result->fd < 0) {
        finish(f, sock_error_text(result->error));
        return;
    }
    f->fd = result->fd;
    if (f->request.refuse_own && !f->request.may_be_local && is_own(f->fd, &result->peer)) {
        finish(f, "its address is this computer's own");
        return;
    }
    f->sent_ms = wall_now_ms();
    if (watch_new(&f->watch, f->loop, f->fd, exchange_on_event, f) != 0 ||
        watch_want(f->watch, WATCH_READ | WATCH_WRITE) != 0)
        finish(f, "this computer is out of resources");
}

/* 169.254/16 and fe80::/10, 0/8 and ::. */
static bool is_this_link(const struct addr *a)
{
    struct mw_span ip = addr_ip(a);

    if (ip.len == 4)
        return (ip.data[0] == 169 && ip.data[1] == 254) || ip.data[0] == 0;
    return (ip.data[0] == 0xfe && (ip.data[1] & 0xc0) == 0x80) || ip.data[0] == 0;
}

static void on_addresses(void *context, const struct dns_addresses *answer)
{
    struct fetch *f = context;
    struct addr addrs[CONNECT_MAX_ADDRESSES];
    size_t n = 0;

    f->question = NULL;
    if (answer->state != DNS_OK) {
        finish(f, dns_state_text(answer->state));
        return;
    }
    for (size_t i = 0; i < answer->n && n < ARRAY_LEN(addrs); i++)
        if (f->request.may_be_local ||
            (!addr_is_loopback(&answer->items[i]) && !is_this_link(&answer->items[i])))
            addrs[n++] = answer->items[i];
    if (n == 0) {
        finish(f, "its address is this computer's own");
        return;
    }
    if (connect_begin(&f->connecting, f->loop, addrs, n, f->request.limit_ms, on_connected, f) !=
        0) {
        f->connecting = NULL;
        finish(f, "this computer is out of resources");
    }
}

/* NULL: under way. */
static const char *exchange_begin(struct fetch *f)
{
    const char *why = url_take(f);
    char host[256];

    if (why != NULL)
        return why;
    f->out = (struct buf)BUF_INIT(FETCH_MAX_URL + 1024 + f->body.len);
    f->written = 0;
    f->response = (struct http_response)HTTP_RESPONSE_INIT(f->request.max_bytes);
    if (f->parts.host.len >= sizeof host || request_write(f) != 0)
        return "not a URL that can be fetched";
    memcpy(host, f->parts.host.data, f->parts.host.len);
    host[f->parts.host.len] = '\0';
    if (dns_resolve(f->dns, host, f->parts.port, DNS_ANY, f->request.limit_ms, on_addresses, f,
                    &f->question) != 0) {
        f->question = NULL;
        return "its host name cannot be asked for";
    }
    return NULL;
}

static void on_timeout(void *context, unsigned events)
{
    (void)events;
    finish(context, "no answer in time");
}

int fetch_begin(struct fetch **out, uv_loop_t *loop, struct dns *dns,
                const struct fetch_request *request, fetch_fn *on_done, void *context)
{
    struct fetch *f;

    if (strlen(request->url) >= FETCH_MAX_URL)
        return -EINVAL;
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return -ENOMEM;
    *f = (struct fetch){ .loop = loop,
                         .dns = dns,
                         .request = *request,
                         .fd = -1,
                         .body = BUF_INIT(request->body.len),
                         .on_done = on_done,
                         .context = context };
    snprintf(f->url, sizeof f->url, "%s", request->url);
    buf_add(&f->body, request->body);
    if (request->content_type != NULL)
        f->content_type = span_dup(span_str(request->content_type));
    if (buf_error(&f->body) != 0 || (request->content_type != NULL && f->content_type == NULL) ||
        watch_new(&f->timer, loop, -1, on_timeout, f) != 0) {
        fetch_free(f);
        return -ENOMEM;
    }
    if (exchange_begin(f) != NULL) {
        fetch_free(f);
        return -EINVAL;
    }
    watch_limit(f->timer, request->limit_ms);
    *out = f;
    return 0;
}

void fetch_cancel(struct fetch *f)
{
    if (f != NULL)
        fetch_free(f);
}
