/*
 * The HTTP door: what certificates point at (CRLs, OCSP, issuers), and the page that a portal
 * probe asks for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/own.h"
#include "http/request.h"
#include "http/response.h"
#include "lab/box.h"

enum {
    BODY_MAX = 65536,
    ANSWER_MAX = 4 << 20,
    OK = 200,
    NO_CONTENT = 204,
    FOUND = 302,
    NOT_FOUND = 404,
};

struct reply {
    int status;
    const char *type, *location;
    struct buf body;
};

/* IMF-fixdate, RFC 9110 section 5.6.7.  strftime() would speak the user's language. */
static void date_text(char text[40])
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t now = (time_t)wall_now().s;
    struct tm t;

    gmtime_r(&now, &t);
    snprintf(text, 40, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday % 7],
             t.tm_mday % 100, months[t.tm_mon % 12], (t.tm_year + 1900) % 10000,
             t.tm_hour % 100, t.tm_min % 100, t.tm_sec % 100);
}

static int reply_crl(struct reply *y, struct lab *lab, struct mw_span name, bool ca)
{
    struct site *s = lab_site_named(lab, name);

    y->type = "application/pkix-crl";
    return s != NULL ? site_crl(s, lab->pki, ca, &y->body) : -ENOENT;
}

static int reply_ocsp(struct reply *y, struct lab *lab, struct mw_span name)
{
    struct site *s = lab_site_named(lab, name);

    y->type = "application/ocsp-response";
    return s != NULL ? site_ocsp(s, lab->pki, &y->body) : -ENOENT;
}

static int reply_issuer(struct reply *y, struct lab *lab, struct mw_span name)
{
    struct site *s = lab_site_named(lab, name);

    y->type = "application/pkix-cert";
    if (s == NULL)
        return -ENOENT;
    buf_add(&y->body, mill_cert_der(s->issuer));
    return buf_error(&y->body);
}

static int reply_index(struct reply *y)
{
    y->type = "text/plain; charset=utf-8";
    for (size_t i = 0; i < case_count(); i++) {
        char host[CASE_HOST_TEXT];

        case_host(case_at(i), host);
        buf_printf(&y->body, "%-34s %s\n", host, case_at(i)->wrong);
    }
    return buf_error(&y->body);
}

/* "/crl/NAME" and the like.  OCSP over GET has the request behind another slash. */
static int reply_route(struct reply *y, struct lab *lab, struct mw_span target)
{
    struct mw_span kind, name = { NULL, 0 };

    target = span_cut(target, 1, SIZE_MAX);
    if (target.len == 0)
        return reply_index(y);
    span_field(&target, '/', &kind);
    if (target.len > 0)
        span_field(&target, '/', &name);
    if (span_eq(kind, SPAN_LIT("crl")))
        return reply_crl(y, lab, name, false);
    if (span_eq(kind, SPAN_LIT("ca-crl")))
        return reply_crl(y, lab, name, true);
    if (span_eq(kind, SPAN_LIT("ocsp")))
        return reply_ocsp(y, lab, name);
    if (span_eq(kind, SPAN_LIT("issuer")))
        return reply_issuer(y, lab, name);
    if (span_eq(kind, SPAN_LIT("generate_204"))) {
        y->status = NO_CONTENT;
        return 0;
    }
    if (span_eq(kind, SPAN_LIT("captive"))) {
        y->status = FOUND;
        y->location = "http://login.portal.lab.test/";
        return 0;
    }
    return -ENOENT;
}

static void reply_send(struct peer *p, const struct reply *y)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ANSWER_MAX + 4096);
    struct http_field fields[3];
    char date[40];
    size_t n = 0;

    date_text(date);
    fields[n++] = (struct http_field){ SPAN_LIT("Date"), span_str(date) };
    if (y->type != NULL && y->body.len > 0)
        fields[n++] = (struct http_field){ SPAN_LIT("Content-Type"), span_str(y->type) };
    if (y->location != NULL)
        fields[n++] = (struct http_field){ SPAN_LIT("Location"), span_str(y->location) };
    if (http_response_write(&out, y->status, fields, n, buf_span(&y->body), false) == 0)
        peer_send(p, buf_span(&out));
    peer_finish(p);
}

static void request_answer(struct peer *p, const struct http_request *request)
{
    struct reply y = { .status = OK, .body = BUF_INIT(ANSWER_MAX) };

    if (reply_route(&y, p->lab, request->target) < 0) {
        buf_truncate(&y.body, 0);
        buf_str(&y.body, "There is no such thing in this lab, perhaps on purpose.\n");
        y.status = NOT_FOUND;
        y.type = "text/plain";
    }
    reply_send(p, &y);
    buf_deinit(&y.body);
}

static void http_gone(struct peer *p)
{
    struct http_request *request = p->state;

    if (request == NULL)
        return;
    http_request_deinit(request);
    free(request);
}

static void http_data(struct peer *p)
{
    struct http_request *request = p->state;
    struct mw_span in = buf_span(&p->in);
    enum http_state state;

    if (request == NULL) {
        request = malloc(sizeof(*request));
        if (request == NULL) {
            peer_reset(p);
            return;
        }
        *request = (struct http_request)HTTP_REQUEST_INIT(BODY_MAX);
        p->state = request;
    }
    state = http_request_feed(request, &in);
    buf_truncate(&p->in, 0);
    if (state == HTTP_DONE)
        request_answer(p, request);
    else if (state == HTTP_BAD)
        peer_finish(p);
}

const struct peer_role role_http = { .data = http_data, .gone = http_gone };
