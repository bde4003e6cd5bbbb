/*
 * Connections to a server that outlive a client's session.  One that served others before may be
 * given up by the server any time; then its first request is said again on a fresh one, or, where
 * that might do something twice, was said on a fresh one from the start (RFC 9110 section 9.2.2).
 */
#include "gate/bridge/h1.h"

#include <errno.h>

/* Nothing comes of it but an answer (RFC 9110 section 9.2.1). */
static bool is_safe(const struct h1_asked *a)
{
    struct mw_span method = a->r.method;

    return a->bodiless && !a->upgrade &&
           (span_eq(method, SPAN_LIT("GET")) || span_eq(method, SPAN_LIT("HEAD")) ||
            span_eq(method, SPAN_LIT("OPTIONS")));
}

static void fresh_ask(struct h1 *h)
{
    struct h1_leg *leg = &h->from[BRIDGE_SERVER];

    h->second_hand = false;
    h->origin = H1_ASKED_ORIGIN;
    leg->in = (struct mw_span){ NULL, 0 };
    leg->mark = (struct http_mark){ 0 };
    queue_deinit(&h->to[BRIDGE_SERVER]);
    if (h->b.events != NULL && h->b.events->on_fresh != NULL)
        h->b.events->on_fresh(h->b.context);
}

bool h1_fresh_first(struct h1 *h)
{
    bool gone = !h->proxy && (h->origin == H1_SPENT || h->origin == H1_NO_ORIGIN);

    if (!gone && (!h->second_hand || is_safe(&h->asked)))
        return false;
    fresh_ask(h);
    return true;
}

int h1_again_keep(struct h1 *h)
{
    struct queue *to = &h->to[BRIDGE_SERVER];
    struct h1_writer w = { .to = to };
    struct mw_span piece;

    while ((piece = queue_front(to)).len > 0) {
        buf_add(&h->again, piece);
        queue_drop(to, piece.len);
    }
    if (buf_error(&h->again) != 0)
        return -ENOMEM;
    h1_put(&w, buf_span(&h->again));
    return w.error;
}

bool h1_again(struct h1 *h)
{
    if (h->again.len == 0)
        return false;
    fresh_ask(h);
    return true;
}

int h1_again_say(struct h1 *h)
{
    struct h1_writer w = { .to = &h->to[BRIDGE_SERVER] };

    h1_put(&w, buf_span(&h->again));
    buf_wipe(&h->again);
    return w.error;
}

bool h1_reusable(const struct bridge *b)
{
    const struct h1 *h = (const struct h1 *)b;

    return h->clean && !h->tainted && !h->draining && !h->proxy && h->origin == H1_READY &&
           !h->from[BRIDGE_SERVER].ended && h->from[BRIDGE_SERVER].kept.len == 0 &&
           h->to[BRIDGE_SERVER].len == 0;
}
