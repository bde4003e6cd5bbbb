#include "bridge_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static enum bridge_ruling on_request(void *context, const struct bridge_request *r,
                                     struct bridge_answer *answer)
{
    struct talk *t = context;

    t->asked++;
    buf_truncate(&t->last, 0);
    buf_add(&t->last, r->method);
    buf_str(&t->last, " ");
    buf_add(&t->last, r->scheme);
    buf_str(&t->last, " ");
    buf_add(&t->last, r->authority);
    buf_str(&t->last, " ");
    buf_add(&t->last, r->path);
    buf_str(&t->last, r->upgrade ? " upgrade" : "");
    answer->status = 403;
    answer->body = SPAN_LIT("no");
    answer->type = t->type != NULL ? t->type : "text/plain";
    return t->ruling;
}

static void on_block(void *context, const struct bridge_request *r,
                     const struct content_block *why, struct bridge_answer *answer)
{
    struct talk *t = context;

    (void)r;
    snprintf(t->code, sizeof(t->code), "%s", why->code);
    answer->body = span_str(why->code);
    answer->type = "text/plain";
}

static void on_origin(void *context, struct mw_span host, uint16_t port)
{
    struct talk *t = context;

    t->origins++;
    buf_truncate(&t->origin, 0);
    buf_add(&t->origin, host);
    buf_printf(&t->origin, ":%u", port);
    if (t->sync_origin)
        bridge_origin(t->b, NULL);
}

static void on_wake(void *context)
{
    struct talk *t = context;

    t->wakes++;
}

static void on_fresh(void *context)
{
    struct talk *t = context;

    t->fresh++;
    if (t->sync_origin)
        bridge_origin(t->b, NULL);
}

static void start(struct talk *t, enum bridge_kind kind, const struct content_row *stages,
                  bool second_hand)
{
    static const struct bridge_events events = {
        .on_request = on_request,
        .on_block = on_block,
        .on_origin = on_origin,
        .on_fresh = on_fresh,
        .on_wake = on_wake,
    };
    const struct bridge_options o = {
        .kind = kind, .events = &events, .context = t, .stages = stages,
        .second_hand = second_hand
    };

    *t = (struct talk){ .ruling = BRIDGE_GO };
    t->got[0].max = t->got[1].max = t->last.max = t->origin.max = 64 << 20;
    assert_int_equal(bridge_new(&t->b, &o), 0);
}

void talk_start(struct talk *t, enum bridge_kind kind, const struct content_row *stages)
{
    start(t, kind, stages, false);
}

void talk_start_second_hand(struct talk *t, const struct content_row *stages)
{
    start(t, BRIDGE_H1, stages, true);
}

void talk_stop(struct talk *t)
{
    bridge_free(t->b);
    buf_deinit(&t->got[0]);
    buf_deinit(&t->got[1]);
    buf_deinit(&t->last);
    buf_deinit(&t->origin);
}

void talk_take(struct talk *t)
{
    for (enum bridge_side to = BRIDGE_CLIENT; to <= BRIDGE_SERVER; to++) {
        struct mw_span s;

        while (!t->stuck[to] && (s = bridge_out(t->b, to)).len > 0) {
            buf_add(&t->got[to], s);
            bridge_sent(t->b, to, s.len);
        }
    }
}

size_t talk_say(struct talk *t, enum bridge_side from, struct mw_span text)
{
    while (text.len > 0) {
        size_t room = bridge_room(t->b, from);
        struct mw_span piece;

        if (room == 0)
            break;
        piece = span_cut(text, 0, t->step > 0 && t->step < room ? t->step : room);
        /* A copy at the end of its own memory: reading past it shows. */
        {
            CLEANUP(buf_deinit) struct buf copy = BUF_INIT(64 << 20);

            buf_add(&copy, piece);
            assert_int_equal(bridge_feed(t->b, from, buf_span(&copy)), 0);
        }
        text = span_cut(text, piece.len, SIZE_MAX);
        talk_take(t);
    }
    return text.len;
}

void talk_end(struct talk *t, enum bridge_side from, bool cut)
{
    assert_int_equal(bridge_end(t->b, from, cut), 0);
    talk_take(t);
}

void talk_expect(struct talk *t, enum bridge_side to, const char *text)
{
    if (!span_eq(buf_span(&t->got[to]), span_str(text)))
        fail_msg("to the %s, wanted:\n%s\ngot:\n%.*s", to == BRIDGE_CLIENT ? "client" : "server",
                 text, (int)t->got[to].len, (const char *)t->got[to].data);
    buf_truncate(&t->got[to], 0);
}
