/* The HTTP/1.1 bridge: what comes is moved on as far as the order of things allows. */
#include "gate/bridge/h1.h"

#include <errno.h>
#include <stdlib.h>

/* What a step of one side did; < 0: -ENOMEM. */
enum { WAITS, MOVED };

static enum bridge_side other(enum bridge_side side)
{
    return side == BRIDGE_CLIENT ? BRIDGE_SERVER : BRIDGE_CLIENT;
}

static enum content_side content_of(enum bridge_side from)
{
    return from == BRIDGE_CLIENT ? CONTENT_REQUEST : CONTENT_RESPONSE;
}

/* ------------------------------------------------------------------- beginnings, ends ---- */

void h1_exchange_reset(struct h1 *h)
{
    exchange_free(h->x);
    h->x = NULL;
    for (int i = 0; i < 2; i++) {
        struct h1_leg *leg = &h->from[i];

        http_body_deinit(&leg->body);
        leg->step = H1_HEAD;
        leg->mark = (struct http_mark){ 0 };
        leg->held = leg->again = false;
    }
    buf_wipe(&h->asked.text);
    h->asked = (struct h1_asked){ .text = h->asked.text };
    h->active = h->blank = false;
    h->moved = true;
}

void h1_close(struct h1 *h, enum bridge_side by, const char *why)
{
    if (h->done[BRIDGE_CLIENT] && h->done[BRIDGE_SERVER])
        return;
    if (why != NULL)
        bridge_blame(&h->b, by, why);
    h->tainted = h->tainted || why != NULL;
    h->b.cut_short = h->asked.answered && h->from[BRIDGE_SERVER].step != H1_DONE &&
                     h->from[BRIDGE_SERVER].frame == H1_UNTIL_CLOSE;
    h1_exchange_reset(h);
    queue_deinit(&h->to[BRIDGE_SERVER]);
    h->done[BRIDGE_CLIENT] = h->done[BRIDGE_SERVER] = true;
}

/* Both messages, or the answer alone, are through. */
static void exchange_check(struct h1 *h)
{
    bool asked = h->from[BRIDGE_CLIENT].step == H1_DONE;
    bool ends = !h->asked.keep || (!h->server_keeps && !h->proxy) || h->draining;

    if (h->from[BRIDGE_SERVER].step != H1_DONE)
        return;
    if (asked) {
        if (!h->server_keeps)
            h->origin = H1_SPENT;
        h->clean = h->server_keeps;
        h1_exchange_reset(h);
        if (ends)
            h1_close(h, BRIDGE_SERVER, NULL);
    } else if (ends || !h->server_keeps || h->from[BRIDGE_SERVER].ended) {
        /* RFC 9112 section 9.3: an early answer, and nobody to take the rest of the request. */
        h1_close(h, BRIDGE_SERVER, NULL);
    }
}

/* ------------------------------------------------------------------------- bodies ---- */

static int body_bad(struct h1 *h, enum bridge_side from, enum http_error error)
{
    const struct content_block bad = {
        .status = 400,
        .title = "Bad request",
        .reason = "The request's body was malformed, so it was not passed on to its end.",
        .code = "bad-request",
    };

    if (error == HTTP_E_MEMORY)
        return -ENOMEM;
    if (from == BRIDGE_SERVER)
        return h1_bad_response(h, http_error_text(error));
    bridge_blame(&h->b, BRIDGE_CLIENT, http_error_text(error));
    return h1_block(h, &bad, false);
}

/* What a stage said to a piece or an end; out goes on if it passes. */
static int body_ruled(struct h1 *h, enum bridge_side from, int answer, struct mw_span out,
                      const struct content_block *why)
{
    struct h1_leg *leg = &h->from[from];

    if (answer < 0)
        return answer;
    if (answer == CONTENT_BLOCK)
        return h1_block(h, why, false);
    leg->held = answer == CONTENT_HOLD;
    return h1_put_piece(&h->to[other(from)], leg->frame, out);
}

static int body_step(struct h1 *h, enum bridge_side from)
{
    struct h1_leg *leg = &h->from[from];
    enum http_state state = HTTP_MORE;
    struct mw_span piece = { NULL, 0 }, out;
    struct content_block why;
    bool ends = leg->ended && leg->in.len == 0;
    int r = 0;

    if (!leg->again)
        state = http_body_take(&leg->body, &leg->in, &piece);
    if (piece.len > 0 || leg->again) {
        leg->again = false;
        r = exchange_body(h->x, content_of(from), piece, &out, &why);
        r = body_ruled(h, from, r, out, &why);
        if (r < 0 || h->done[BRIDGE_CLIENT])
            return r < 0 ? r : MOVED;
        if (leg->held)
            return WAITS;
    } else if (state == HTTP_MORE && leg->in.len == 0) {
        if (!ends)
            return WAITS;
        state = http_body_end(&leg->body);
        if (leg->cut)
            state = HTTP_BAD;
    }
    if (state == HTTP_BAD) {
        r = body_bad(h, from, leg->body.error != HTTP_E_OK ? leg->body.error : HTTP_E_CUT);
        return r < 0 ? r : MOVED;
    }
    if (state == HTTP_DONE)
        leg->step = H1_END;
    return MOVED;
}

static int end_step(struct h1 *h, enum bridge_side from)
{
    struct h1_leg *leg = &h->from[from];
    struct mw_span out;
    struct content_block why;
    int r = exchange_end(h->x, content_of(from), &out, &why);

    r = body_ruled(h, from, r, out, &why);
    if (r < 0 || h->done[BRIDGE_CLIENT])
        return r < 0 ? r : MOVED;
    if (leg->held)
        return WAITS;
    r = h1_put_end(&h->to[other(from)], leg->frame, &leg->body);
    if (r < 0)
        return r;
    leg->step = H1_DONE;
    exchange_check(h);
    return MOVED;
}

/* -------------------------------------------------------------------------- tunnel ---- */

static int goodbye(struct h1 *h, enum bridge_side to)
{
    uint8_t frame[WEBSOCKET_CLOSE_BYTES];
    struct h1_writer w = { .to = &h->to[to] };

    /* RFC 6455 section 7.4.1: 1002, a protocol error. */
    if (websocket_at_border(&h->ws[other(to)]))
        h1_put(&w, span_of(frame, websocket_goodbye(frame, 1002, to == BRIDGE_SERVER)));
    return w.error;
}

static int tunnel_step(struct h1 *h, enum bridge_side from)
{
    struct h1_leg *leg = &h->from[from];
    struct websocket *ws = &h->ws[from];
    enum websocket_state state = ws->state;
    struct mw_span pass;
    int r = 0;

    while (leg->in.len > 0 && state == WEBSOCKET_OPEN && r == 0) {
        struct h1_writer w = { .to = &h->to[other(from)] };

        state = websocket_take(ws, &leg->in, &pass);
        h1_put(&w, pass);
        r = w.error;
    }
    leg->in = (struct mw_span){ NULL, 0 };
    if (r == 0 && state == WEBSOCKET_BAD) {
        bridge_blame(&h->b, from, websocket_why(ws));
        r = goodbye(h, BRIDGE_CLIENT);
        r = r == 0 ? goodbye(h, BRIDGE_SERVER) : r;
        h->done[BRIDGE_CLIENT] = h->done[BRIDGE_SERVER] = true;
    }
    /* A server that has closed takes nothing more either (RFC 6455 section 7.1.1). */
    if (leg->ended)
        h->done[BRIDGE_SERVER] = true;
    if (leg->ended && from == BRIDGE_SERVER)
        h->done[BRIDGE_CLIENT] = true;
    return r < 0 ? r : WAITS;
}

/* --------------------------------------------------------------------------- heads ---- */

/* RFC 9112 section 2.2: one empty line before a request is ignored; some clients end a body
 * with it. */
static void blank_skip(struct h1 *h)
{
    struct h1_leg *leg = &h->from[BRIDGE_CLIENT];

    if (h->blank || leg->in.len < 2 || memcmp(leg->in.data, "\r\n", 2) != 0)
        return;
    h->blank = true;
    leg->mark = (struct http_mark){ 0 };
    leg->in = span_cut(leg->in, 2, SIZE_MAX);
}

static int request_step(struct h1 *h)
{
    struct h1_leg *leg = &h->from[BRIDGE_CLIENT];
    LEFT_UNSET struct http_head head;
    enum http_state state;
    int r;

    if (!h->active) {
        blank_skip(h);
        if (leg->in.len == 0 && (leg->ended || h->draining)) {
            h1_close(h, BRIDGE_CLIENT, NULL);
            return MOVED;
        }
        /* A client that asks without reading what we answer by ourselves. */
        if (leg->in.len == 0 || h->to[BRIDGE_CLIENT].len >= BRIDGE_HIGH_WATER)
            return WAITS;
    } else if (h->origin == H1_ASKED_ORIGIN) {
        return WAITS;
    }
    state = http_head_read(&head, &leg->mark, leg->in);
    if (state == HTTP_MORE) {
        if (!leg->ended)
            return WAITS;
        h1_close(h, BRIDGE_CLIENT, "closed in the middle of a request");
        return MOVED;
    }
    r = h1_request_head(h, &head, state);
    if (r < 0)
        return r;
    return leg->held || (h->active && h->origin == H1_ASKED_ORIGIN) ? WAITS : MOVED;
}

/* Nobody asked this server anything. */
static int unasked_step(struct h1 *h)
{
    struct h1_leg *leg = &h->from[BRIDGE_SERVER];

    if (leg->in.len == 0 && !leg->ended)
        return WAITS;
    if (h->second_hand || h->proxy) {
        h->origin = h->origin == H1_READY ? H1_SPENT : h->origin;
    } else if (h->origin == H1_READY) {
        /* Some servers say 408 before they close an idle connection: not an answer to anything
         * that comes later (RFC 9112 section 9.5). */
        h1_close(h, BRIDGE_SERVER, leg->in.len > 0 ? "an answer that nobody asked for" : NULL);
    }
    leg->in = (struct mw_span){ NULL, 0 };
    return WAITS;
}

static int response_step(struct h1 *h)
{
    struct h1_leg *leg = &h->from[BRIDGE_SERVER];
    LEFT_UNSET struct http_head head;
    enum http_state state;
    int r;

    if (!h->active || !h->asked.passed)
        return unasked_step(h);
    if (h->origin == H1_ASKED_ORIGIN)
        return WAITS;
    state = http_head_read(&head, &leg->mark, leg->in);
    if (state == HTTP_MORE && !leg->ended)
        return WAITS;
    if (state == HTTP_MORE && leg->in.len == 0 && h1_again(h))
        return WAITS;
    if (state == HTTP_MORE && leg->in.len == 0 && h->passed > 1 && h->asked.interim == 0) {
        /* The server gave the connection up before it saw this request: the client sees the
         * same, and asks again as it would have without us (RFC 9112 section 9.3.1). */
        h1_close(h, BRIDGE_SERVER, NULL);
        return MOVED;
    }
    if (state == HTTP_MORE)
        r = h1_bad_response(h, "closed before its answer");
    else
        r = h1_response_head(h, &head, state);
    if (r < 0)
        return r;
    return leg->held ? WAITS : MOVED;
}

/* --------------------------------------------------------------------------- pump ---- */

static int side_step(struct h1 *h, enum bridge_side from)
{
    struct h1_leg *leg = &h->from[from];

    if (h->done[BRIDGE_CLIENT]) {
        leg->in = (struct mw_span){ NULL, 0 };
        return WAITS;
    }
    if (h->tunnel)
        return tunnel_step(h, from);
    if (leg->held)
        return WAITS;
    switch (leg->step) {
    case H1_HEAD:
        return from == BRIDGE_CLIENT ? request_step(h) : response_step(h);
    case H1_BODY:
        return body_step(h, from);
    case H1_END:
        return end_step(h, from);
    default:
        if (leg->ended && from == BRIDGE_SERVER)
            exchange_check(h);
        return WAITS;
    }
}

static int pump(struct h1 *h)
{
    int r = 0;

    h->pumping = true;
    do {
        h->moved = false;
        do {
            r = side_step(h, BRIDGE_CLIENT);
        } while (r == MOVED);
        if (r < 0)
            break;
        do {
            r = side_step(h, BRIDGE_SERVER);
        } while (r == MOVED);
    } while (h->moved && r >= 0);
    h->pumping = false;
    return r;
}

/* Takes up what was kept, and what comes now, or neither. */
static int take_up(struct h1 *h, enum bridge_side from, struct mw_span bytes)
{
    for (int i = 0; i < 2; i++) {
        struct h1_leg *leg = &h->from[i];

        leg->borrowed = i == (int)from && leg->kept.len == 0 && bytes.len > 0;
        if (i == (int)from && !leg->borrowed)
            buf_add(&leg->kept, bytes);
        if (buf_error(&leg->kept) != 0)
            return buf_error(&leg->kept);
        leg->in = leg->borrowed ? bytes : buf_span(&leg->kept);
    }
    return 0;
}

static int put_down(struct h1 *h)
{
    int r = 0;

    for (int i = 0; i < 2; i++) {
        struct h1_leg *leg = &h->from[i];

        if (leg->in.len == 0)
            buf_deinit(&leg->kept);
        else if (leg->borrowed)
            buf_add(&leg->kept, leg->in);
        else
            buf_drop(&leg->kept, leg->kept.len - leg->in.len);
        r = r == 0 ? buf_error(&leg->kept) : r;
        leg->in = (struct mw_span){ NULL, 0 };
    }
    return r;
}

/* Everything that changes something ends here.  Out of memory: nothing can be promised any
 * more. */
static int go_on(struct h1 *h, enum bridge_side from, struct mw_span bytes)
{
    int r = take_up(h, from, bytes), put;

    if (r == 0)
        r = pump(h);
    put = put_down(h);
    r = r < 0 ? r : put;
    if (r < 0)
        h1_close(h, from, "out of memory");
    return r < 0 ? r : 0;
}

void h1_wake(void *owner)
{
    struct h1 *h = owner;

    for (int i = 0; i < 2; i++) {
        h->from[i].again = h->from[i].held && h->from[i].step == H1_BODY;
        h->from[i].held = false;
    }
    h->moved = true;
    if (h->pumping)
        return;
    (void)go_on(h, BRIDGE_CLIENT, (struct mw_span){ NULL, 0 });     /* it shows in over() */
    if (h->b.events != NULL && h->b.events->on_wake != NULL)
        h->b.events->on_wake(h->b.context);
}

/* ---------------------------------------------------------------------------- ops ---- */

static void h1_free(struct bridge *b)
{
    struct h1 *h = (struct h1 *)b;

    exchange_free(h->x);
    for (int i = 0; i < 2; i++) {
        buf_deinit(&h->from[i].kept);
        http_body_deinit(&h->from[i].body);
        queue_deinit(&h->to[i]);
    }
    buf_wipe(&h->asked.text);
    buf_wipe(&h->again);
    buf_deinit(&h->origin_name);
    free(h);
}

static size_t left(size_t limit, size_t used)
{
    return used < limit ? limit - used : 0;
}

static size_t h1_room(const struct bridge *b, enum bridge_side from)
{
    const struct h1 *h = (const struct h1 *)b;
    const struct h1_leg *leg = &h->from[from];
    size_t queued = h->to[other(from)].len;
    bool waits = leg->held || leg->step == H1_DONE || leg->step == H1_END;

    if (leg->ended || (from == BRIDGE_SERVER && h->origin == H1_SPENT && !h->proxy))
        return 0;
    if (h->done[BRIDGE_CLIENT])
        return H1_KEPT;         /* it is dropped, so that a last answer is not lost to a reset */
    if (from == BRIDGE_CLIENT && leg->step == H1_HEAD)
        waits = waits || h->active || h->to[BRIDGE_CLIENT].len >= BRIDGE_HIGH_WATER;
    if (waits && !h->tunnel)
        return left(H1_KEPT, leg->kept.len);
    return left(BRIDGE_HIGH_WATER, queued > leg->kept.len ? queued : leg->kept.len);
}

static int h1_feed(struct bridge *b, enum bridge_side from, struct mw_span bytes)
{
    struct h1 *h = (struct h1 *)b;

    if (h->done[BRIDGE_CLIENT] || h->from[from].ended) {
        h->tainted = h->tainted || from == BRIDGE_SERVER;
        return 0;
    }
    return go_on(h, from, bytes);
}

static int h1_end(struct bridge *b, enum bridge_side from, bool cut)
{
    struct h1 *h = (struct h1 *)b;

    if (h->from[from].ended)
        return 0;
    h->from[from].ended = true;
    h->from[from].cut = cut;
    if (cut && (from == BRIDGE_CLIENT || h->tunnel)) {
        bool busy = h->active || h->from[from].kept.len > 0;

        h1_close(h, from, from == BRIDGE_SERVER ? "the server cut the connection"
                          : busy                ? "the client went away"
                                                : NULL);
        return 0;
    }
    return go_on(h, from, (struct mw_span){ NULL, 0 });
}

static struct mw_span h1_out(const struct bridge *b, enum bridge_side to)
{
    return queue_front(&((const struct h1 *)b)->to[to]);
}

static void h1_sent(struct bridge *b, enum bridge_side to, size_t n)
{
    struct h1 *h = (struct h1 *)b;
    bool full = h->to[to].len >= BRIDGE_HIGH_WATER;

    bridge_dropped(&h->to[to], n);
    if (to == BRIDGE_CLIENT && full && h->to[to].len < BRIDGE_HIGH_WATER &&
        h->from[BRIDGE_CLIENT].kept.len > 0)
        (void)go_on(h, BRIDGE_CLIENT, (struct mw_span){ NULL, 0 });
}

static bool h1_finished(const struct bridge *b, enum bridge_side to)
{
    return ((const struct h1 *)b)->done[to];
}

static bool h1_over(const struct bridge *b)
{
    const struct h1 *h = (const struct h1 *)b;

    return h->done[BRIDGE_CLIENT] && h->done[BRIDGE_SERVER];
}

static void h1_origin(struct bridge *b, const struct bridge_answer *failed)
{
    struct h1 *h = (struct h1 *)b;
    int r = 0;

    if (h->origin != H1_ASKED_ORIGIN || h->done[BRIDGE_CLIENT])
        return;
    h->origin = failed != NULL ? H1_NO_ORIGIN : H1_READY;
    h->b.counts.blocked += failed != NULL && failed->status == 403;     /* by its address */
    if (failed == NULL) {
        h->from[BRIDGE_SERVER].ended = h->from[BRIDGE_SERVER].cut = false;
        h->passed = h->asked.passed ? 1 : 0;
        r = h1_again_say(h);
    } else if (h->pumping) {
        r = h1_answer(h, failed, true);
    } else {
        r = take_up(h, BRIDGE_CLIENT, (struct mw_span){ NULL, 0 });
        r = r == 0 ? h1_answer(h, failed, true) : r;
        r = r == 0 ? put_down(h) : r;
    }
    if (r == 0 && !h->pumping)
        r = go_on(h, BRIDGE_CLIENT, (struct mw_span){ NULL, 0 });
    if (r < 0)
        h1_close(h, BRIDGE_CLIENT, "out of memory");
}

static void h1_drain(struct bridge *b)
{
    struct h1 *h = (struct h1 *)b;

    h->draining = true;
    (void)go_on(h, BRIDGE_CLIENT, (struct mw_span){ NULL, 0 });
}

static bool h1_idle(const struct bridge *b)
{
    const struct h1 *h = (const struct h1 *)b;

    return !h->active && !h->tunnel && h->from[BRIDGE_CLIENT].kept.len == 0 &&
           h->to[BRIDGE_CLIENT].len == 0 && h->to[BRIDGE_SERVER].len == 0;
}

static const struct bridge_ops h1_ops = {
    .free = h1_free,
    .room = h1_room,
    .feed = h1_feed,
    .end = h1_end,
    .out = h1_out,
    .sent = h1_sent,
    .finished = h1_finished,
    .over = h1_over,
    .origin = h1_origin,
    .drain = h1_drain,
    .idle = h1_idle,
    .reusable = h1_reusable,
};

int bridge_h1_new(struct bridge **out, const struct bridge_options *o)
{
    struct h1 *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return -ENOMEM;
    h->b.ops = &h1_ops;
    h->b.protocol = "h1";
    h->via = o->via;
    h->proxy = o->kind == BRIDGE_H1_PROXY;
    h->scheme = o->scheme != NULL ? o->scheme : h->proxy ? "http" : "https";
    h->origin = h->proxy ? H1_NO_ORIGIN : H1_READY;
    h->second_hand = o->second_hand && !h->proxy;
    h->again.max = 2 * HTTP_MAX_HEAD;
    h->origin_name.max = H1_MAX_HOST + 8;
    h->asked.text.max = HTTP_MAX_HEAD;
    for (int i = 0; i < 2; i++) {
        h->from[i].kept.max = 2 * BRIDGE_HIGH_WATER;
        h->to[i].limit_bytes = SIZE_MAX / 2;        /* room() is what bounds it */
    }
    *out = &h->b;
    return 0;
}
