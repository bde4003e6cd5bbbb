#include <errno.h>

#include "gate/bridge/h2.h"

static enum content_side side_of(enum bridge_side from)
{
    return from == BRIDGE_CLIENT ? CONTENT_REQUEST : CONTENT_RESPONSE;
}

static void blocked(struct h2 *h, struct h2_stream *s, const struct content_block *why)
{
    h->b.counts.blocked++;
    h2_stream_refuse(h, s, why);
}

/* An answer of the stages.  true: go on. */
static bool may_go_on(struct h2 *h, struct h2_stream *s, struct h2_way *way, int answer,
                      const struct content_block *why)
{
    way->held = answer == CONTENT_HOLD;
    if (answer < 0)
        h2_session_check(h, BRIDGE_CLIENT, NGHTTP2_ERR_NOMEM);
    else if (answer == CONTENT_BLOCK)
        blocked(h, s, why);
    return answer == CONTENT_PASS;
}

/* ---------------------------------------------------------------------------------- heads ---- */

static int status_of(const struct h2_head *head)
{
    struct mw_span v = head->n > 0 ? h2_field_value(&head->fields[0]) : span_of(NULL, 0);

    return v.len == 3 ? (v.data[0] - '0') * 100 + (v.data[1] - '0') * 10 + (v.data[2] - '0') : 0;
}

/* nghttp2 has made sure that it is a number, and the only one. */
static uint64_t number_of(struct mw_span digits)
{
    uint64_t v = 0;

    for (size_t i = 0; i < digits.len; i++)
        v = v * 10 + (uint64_t)(digits.data[i] - '0');
    return v;
}

/* Its fields are to be given back; false: no memory for them. */
static bool head_make(struct content_head *out, struct h2 *h, const struct h2_stream *s,
                      enum bridge_side from)
{
    const struct h2_head *head = &s->to[h2_other(from)].head;
    struct http_field *fields = h2_alloc(&h->memory, head->n * sizeof(*fields));

    if (fields == NULL) {
        h2_session_check(h, BRIDGE_CLIENT, NGHTTP2_ERR_NOMEM);
        return false;
    }
    *out = (struct content_head){ .side = side_of(from),
                                  .method = s->request.method,
                                  .scheme = s->request.scheme,
                                  .authority = s->request.authority,
                                  .path = s->request.path,
                                  .fields = fields,
                                  .protocol = s->websocket_wanted ? "websocket" : "h2" };
    out->status = from == BRIDGE_SERVER ? status_of(head) : 0;
    for (size_t i = 0; i < head->n; i++) {
        struct http_field f = { h2_field_name(&head->fields[i]), h2_field_value(&head->fields[i]) };

        if (f.name.len == 0 || f.name.data[0] == ':')
            continue;
        if (span_eq(f.name, SPAN_LIT("content-length")) && !out->has_length) {
            out->has_length = from == BRIDGE_CLIENT || (!s->head_request && out->status != 304);
            out->length = number_of(f.value);
        }
        fields[out->n_fields++] = f;
    }
    return true;
}

static void on_wake(void *owner)
{
    struct h2_stream *s = owner;
    struct h2 *h = s->h;

    /* Asked for both sides: whose stage woke is not said.  Each answer may end the stream. */
    for (int from = 0; from < 2; from++) {
        struct h2_way *way = &s->to[h2_other((enum bridge_side)from)];

        if (!way->held || s->answered)
            continue;
        way->held = false;
        way->held_again = true;
        h2_content_advance(h, s, (enum bridge_side)from);
    }
    if (h->running)
        return;
    h2_pump(h);
    if (h->b.events != NULL && h->b.events->on_wake != NULL)
        h->b.events->on_wake(h->b.context);
}

bool h2_content_open(struct h2 *h, struct h2_stream *s)
{
    struct content_head head;
    const struct content_block failed = { 502, "A content check failed",
                                          "A content check of the gateway could not begin.",
                                          "stage-failed" };
    int r;

    if (h->b.stages == NULL || h->b.stages->n == 0)
        return true;
    if (!head_make(&head, h, s, BRIDGE_CLIENT))
        return false;
    r = exchange_open(&s->x, h->b.stages, &head, on_wake, s);
    h2_free(&h->memory, (void *)(uintptr_t)head.fields);
    if (r == -ENOMEM)
        h2_session_check(h, BRIDGE_CLIENT, NGHTTP2_ERR_NOMEM);
    else if (r < 0)
        blocked(h, s, &failed);
    return r == 0;
}

static bool head_pass(struct h2 *h, struct h2_stream *s, enum bridge_side from)
{
    struct h2_way *way = &s->to[h2_other(from)];
    struct content_block why = { 0 };
    struct content_head head;
    int answer;

    if (s->x != NULL) {
        if (!head_make(&head, h, s, from))
            return false;
        answer = exchange_head(s->x, &head, &why);
        h2_free(&h->memory, (void *)(uintptr_t)head.fields);
        if (!may_go_on(h, s, way, answer, &why))
            return false;
    }
    way->head_waits = false;
    h2_message_forward(h, s, from);
    return !s->answered && h->error == 0;
}

/* --------------------------------------------------------------------------------- bodies ---- */

static void raw_add(struct h2 *h, struct h2_stream *s, enum bridge_side to, struct mw_span bytes)
{
    if (h2_pipe_add(&h->memory, &s->to[to].raw, bytes) < 0)
        h2_session_check(h, h2_other(to), NGHTTP2_ERR_NOMEM);
}

/* One piece through the stages. */
static bool piece_pass(struct h2 *h, struct h2_stream *s, enum bridge_side from,
                       struct mw_span piece)
{
    enum bridge_side to = h2_other(from);
    struct content_block why = { 0 };
    struct mw_span go = piece;
    int answer = CONTENT_PASS;

    if (s->x != NULL)
        answer = exchange_body(s->x, side_of(from), piece, &go, &why);
    if (!may_go_on(h, s, &s->to[to], answer, &why))
        return false;
    h2_stream_pass(h, s, to, go);
    return h->error == 0;
}

static bool end_pass(struct h2 *h, struct h2_stream *s, enum bridge_side from)
{
    enum bridge_side to = h2_other(from);
    struct h2_way *way = &s->to[to];
    struct content_block why = { 0 };
    struct mw_span go = { NULL, 0 };
    int answer = CONTENT_PASS;

    if (s->x != NULL)
        answer = exchange_end(s->x, side_of(from), &go, &why);
    way->held_end = answer == CONTENT_HOLD;
    if (!may_go_on(h, s, way, answer, &why))
        return false;
    h2_stream_pass(h, s, to, go);
    way->ended = true;
    h2_stream_resume(h, s, to);
    return true;
}

/* A tunnel's bytes wait for the answer that opens it (RFC 8441 section 5). */
static bool tunnel_waits(const struct h2_stream *s, enum bridge_side from)
{
    return from == BRIDGE_CLIENT && s->websocket_wanted && !s->tunnel;
}

void h2_content_advance(struct h2 *h, struct h2_stream *s, enum bridge_side from)
{
    enum bridge_side to = h2_other(from);
    struct h2_way *way = &s->to[to];
    bool again = way->held_again && !way->head_waits && !way->held_end;

    if (s->answered || way->held || h->error != 0)
        return;
    way->held_again = false;
    if (way->head_waits && !head_pass(h, s, from))
        return;
    if (!way->head_sent)
        return;
    /* A held body is asked about again with an empty piece. */
    if (again && !piece_pass(h, s, from, span_of(NULL, 0)))
        return;
    while (way->raw.len > 0 && way->pipe.len < H2_STREAM_WINDOW && !tunnel_waits(s, from)) {
        struct mw_span piece = h2_pipe_span(&way->raw);
        bool passed;

        if (s->websocket != NULL) {
            h2_websocket_data(h, s, from, piece);
            passed = !s->answered && h->error == 0;
        } else {
            passed = piece_pass(h, s, from, piece);
        }
        if (s->answered)
            return;             /* everything was dropped */
        h2_pipe_drop(&h->memory, &way->raw, piece.len);
        if (!passed)
            break;
    }
    if (way->came_end && !way->ended && !way->held && way->raw.len == 0 && h->error == 0 &&
        !end_pass(h, s, from))
        return;
    h2_stream_settle(h, s, to);
}

void h2_content_data(struct h2 *h, struct h2_stream *s, enum bridge_side from,
                     struct mw_span bytes)
{
    enum bridge_side to = h2_other(from);
    struct h2_way *way = &s->to[to];

    way->owed += bytes.len;
    if (s->answered || (way->head_sent && !s->open[to]) ||
        (tunnel_waits(s, from) && s->final)) {
        h2_stream_settle(h, s, to);     /* nobody will take them */
    } else if (s->websocket != NULL && way->raw.len == 0) {
        h2_websocket_data(h, s, from, bytes);
        h2_stream_settle(h, s, to);
    } else if (s->x == NULL && s->websocket == NULL && way->head_sent && way->raw.len == 0 &&
               !tunnel_waits(s, from)) {
        h2_stream_pass(h, s, to, bytes);
    } else {
        raw_add(h, s, to, bytes);
        h2_content_advance(h, s, from);
    }
}

void h2_content_end(struct h2 *h, struct h2_stream *s, enum bridge_side from)
{
    struct h2_way *way = &s->to[h2_other(from)];

    if (way->came_end)
        return;
    way->came_end = true;
    h2_content_advance(h, s, from);
}
