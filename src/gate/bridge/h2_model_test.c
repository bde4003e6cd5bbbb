/* Random conversations: two peers, many streams with bodies both ways, trailers and resets, pieces
 * of any size, pauses anywhere.  Whatever happens on the way: every body arrives as it was sent,
 * or its stream was reset by somebody; nobody waits for ever; and nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "h2_peer.h"

enum { STREAMS = 40, ROUNDS = 25, BODY_MAX = 300000 };

struct model {
    struct talk t;
    uint64_t seed, first;
    size_t asked, steps, rests;
    bool resets;
    size_t large;               /* of what moves in one step */
};

static uint32_t chance(struct model *m, uint32_t below)
{
    m->seed = m->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((m->seed >> 33) % below);
}

/* As the clock would have it: what does it matter to an idle one, and to one that is not? */
static void rest(struct model *m)
{
    bridge_rest(m->t.bridge);
    m->rests += h2_memory_of(m->t.bridge)->packed != NULL;
}

static uint8_t byte_of(int32_t id, bool up, size_t i)
{
    return (uint8_t)((size_t)id * 7 + i * 31 + i / 251 + up);
}

/* Says more of the body of stream `id`. */
static void body_say(struct model *m, struct peer *p, struct peer_stream *s, int32_t id, bool up)
{
    static uint8_t piece[BODY_MAX];
    size_t n = chance(m, 4) == 0 ? chance(m, BODY_MAX) : chance(m, 2000);
    bool end = chance(m, 3) != 0;

    for (size_t i = 0; i < n; i++)
        piece[i] = byte_of(id, up, s->said + i);
    s->said += n;
    talk_say(p, s, span_of(piece, n), end, end && chance(m, 3) == 0 ? "bye" : NULL);
}

static void body_check(const struct peer_stream *s, int32_t id, bool up)
{
    for (size_t i = 0; i < s->body.len; i++)
        if (s->body.data[i] != byte_of(id, up, i))
            fail_msg("stream %d, %s: byte %zu is wrong", id, up ? "up" : "down", i);
}

/* The client's stream of a request that the server sees. */
static struct peer_stream *twin(struct model *m, const struct peer_stream *served)
{
    const char *path = strstr((const char *)served->heads.data, "[:path /");

    assert_non_null(path);
    return talk_asked(&m->t, (int32_t)strtol(path + 8, NULL, 10));
}

static void ask(struct model *m)
{
    char path[32];
    int32_t id = (int32_t)nghttp2_session_get_next_stream_id(m->t.client.session);
    bool body = chance(m, 3) != 0;

    snprintf(path, sizeof path, "/%d", id);
    talk_request(&m->t, body ? "POST" : "GET", path, !body, NULL);
    if (body)
        body_say(m, &m->t.client, talk_asked(&m->t, id), id, true);
    else
        talk_asked(&m->t, id)->say_end = true;
    m->asked++;
}

static void client_step(struct model *m)
{
    struct peer_stream *s;

    if (m->asked < STREAMS && chance(m, 4) == 0)
        ask(m);
    if (m->t.client.n == 0)
        return;
    s = m->t.client.streams[chance(m, (uint32_t)m->t.client.n)];
    if (!s->closed && !s->say_end && !s->reset)
        body_say(m, &m->t.client, s, s->id, true);
    else if (m->resets && !s->closed && !s->reset && chance(m, 40) == 0) {
        talk_reset(&m->t.client, s, NGHTTP2_CANCEL);
        s->reset = true;
    }
}

static void server_step(struct model *m)
{
    static const char *const fields[] = { ":status: 200", "server: a model", NULL };
    static const char *const interim[] = { ":status: 103", "link: x", NULL };
    struct peer_stream *s;

    if (m->t.server.n == 0)
        return;
    s = m->t.server.streams[chance(m, (uint32_t)m->t.server.n)];
    if (!s->begun || s->closed || s->reset)
        return;
    if (!s->responded && chance(m, 3) == 0) {
        bool empty = chance(m, 6) == 0;

        if (chance(m, 5) == 0)
            talk_interim(&m->t, s, interim);
        talk_respond(&m->t, s, fields, empty);
        s->responded = true;
        s->say_end = empty;
        if (!empty)
            body_say(m, &m->t.server, s, twin(m, s)->id, false);
    } else if (s->responded && !s->say_end) {
        body_say(m, &m->t.server, s, twin(m, s)->id, false);
    } else if (m->resets && chance(m, 60) == 0) {
        talk_reset(&m->t.server, s, NGHTTP2_INTERNAL_ERROR);
        s->reset = true;
    }
}

static void take_some(struct model *m, struct peer *p)
{
    if (p->n > 0 && chance(m, 3) == 0)
        peer_take(p, p->streams[chance(m, (uint32_t)p->n)],
                  chance(m, 2) == 0 ? SIZE_MAX : chance(m, 10000));
}

static void step(struct model *m)
{
    enum bridge_side side = chance(m, 2) == 0 ? BRIDGE_CLIENT : BRIDGE_SERVER;

    if (++m->steps % 4 == 0)
        rest(m);
    switch (chance(m, 6)) {
    case 0:
        client_step(m);
        break;
    case 1:
        server_step(m);
        break;
    case 2:
        take_some(m, side == BRIDGE_CLIENT ? &m->t.client : &m->t.server);
        break;
    case 3:
    case 4:
        talk_feed(&m->t, side, 1 + chance(m, (uint32_t)m->large));
        break;
    default:
        talk_fetch(&m->t, side, 1 + chance(m, (uint32_t)m->large));
    }
}

/* Nobody pauses any more: everything is said, taken and answered. */
static void finish(struct model *m)
{
    bool open = true;

    for (int turn = 0; turn < 3000 && open; turn++) {
        talk_run(&m->t);
        rest(m);
        open = m->asked < STREAMS;
        if (open)
            ask(m);
        for (size_t i = 0; i < m->t.client.n; i++) {
            struct peer_stream *s = m->t.client.streams[i];

            peer_take(&m->t.client, s, SIZE_MAX);
            if (!s->closed && !s->say_end && !s->reset)
                body_say(m, &m->t.client, s, s->id, true);
            open |= !s->closed;
        }
        for (size_t i = 0; i < m->t.server.n; i++) {
            peer_take(&m->t.server, m->t.server.streams[i], SIZE_MAX);
            open |= !m->t.server.streams[i]->closed;
        }
        for (int k = 0; k < 200; k++)
            server_step(m);
    }
    talk_run(&m->t);
}

static void check(struct model *m)
{
    for (size_t i = 0; i < m->t.client.n; i++) {
        struct peer_stream *s = m->t.client.streams[i];

        if (!s->closed)
            fail_msg("seed %llu: stream %d waits for ever, with %zu bytes",
                     (unsigned long long)m->first, s->id, s->body.len);
        body_check(s, s->id, false);
        if (!m->resets && (s->code != NGHTTP2_NO_ERROR || !s->ended))
            fail_msg("stream %d was reset by nobody: %u", s->id, s->code);
    }
    for (size_t i = 0; i < m->t.server.n; i++) {
        struct peer_stream *s = m->t.server.streams[i], *c = twin(m, s);

        body_check(s, c->id, true);
        if (!s->closed)
            fail_msg("seed %llu: served stream %d waits for ever, with %zu of %zu bytes",
                     (unsigned long long)m->first, s->id, s->body.len, c->said);
        /* Whole on one side is whole on the other. */
        if (s->ended)
            assert_int_equal(s->body.len, c->said);
        if (c->ended)
            assert_int_equal(c->body.len, s->said);
    }
}

/* How often it came to rest. */
static size_t play(uint64_t seed, bool resets)
{
    struct model m = { .seed = seed, .first = seed, .resets = resets };
    const struct bridge_options o = { .max_streams = seed % 3 == 0 ? 4 : 0 };
    size_t base;

    m.t.no_tables = true;
    m.large = seed % 4 == 0 ? 40 : seed % 4 == 1 ? 3000 : 70000;
    talk_begin(&m.t, &o);
    talk_run(&m.t);
    base = h2_memory_of(m.t.bridge)->used;
    m.t.client.slow = m.t.server.slow = true;
    for (int i = 0; i < 6000; i++)
        step(&m);
    finish(&m);
    check(&m);
    assert_true(bridge_idle(m.t.bridge));
    assert_false(bridge_over(m.t.bridge));
    /* nghttp2 keeps its queues' arrays at the size they once had. */
    assert_in_range(h2_memory_of(m.t.bridge)->used, base, base + 1024);
    assert_true(h2_memory_of(m.t.bridge)->peak < 2 * 1024 * 1024);
    rest(&m);
    talk_end(&m.t);
    return m.rests;
}

static void without_resets(void **state)
{
    size_t rests = 0;

    (void)state;
    for (uint64_t i = 1; i <= ROUNDS; i++)
        rests += play(i, false);
    assert_true(rests > 2 * (size_t)ROUNDS);
}

static void with_resets(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= ROUNDS; i++)
        (void)play(1000 + i, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_resets),
        cmocka_unit_test(with_resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
