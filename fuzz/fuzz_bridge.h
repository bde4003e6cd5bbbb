/*
 * What the HTTP bridge's fuzz targets share: a bridge that is fed in steps, both sides of it read
 * to the end, and a reader that judges what was sent.
 */
#ifndef FUZZ_BRIDGE_H
#define FUZZ_BRIDGE_H

#include <stdlib.h>

#include "fuzz.h"
#include "gate/bridge/bridge.h"

static inline void must(bool promise)
{
    if (!promise)
        abort();
}

struct fuzz_bridge {
    struct bridge *b;
    struct buf got[2];
    size_t step;
};

static inline void fuzz_bridge_take(struct fuzz_bridge *f)
{
    for (enum bridge_side to = BRIDGE_CLIENT; to <= BRIDGE_SERVER; to++) {
        struct mw_span s;

        while ((s = bridge_out(f->b, to)).len > 0) {
            buf_add(&f->got[to], s);
            bridge_sent(f->b, to, s.len);
        }
    }
}

/* All of text, as long as there is room. */
static inline void fuzz_bridge_say(struct fuzz_bridge *f, enum bridge_side from,
                                   struct mw_span text)
{
    size_t room;

    while (text.len > 0 && (room = bridge_room(f->b, from)) > 0) {
        struct mw_span piece = span_cut(text, 0, f->step < room ? f->step : room);

        must(bridge_feed(f->b, from, piece) == 0);
        text = span_cut(text, piece.len, SIZE_MAX);
        fuzz_bridge_take(f);
    }
}

static inline void fuzz_bridge_end(struct fuzz_bridge *f, enum bridge_side from, bool cut)
{
    must(bridge_end(f->b, from, cut) == 0);
    fuzz_bridge_take(f);
}

static inline void fuzz_bridge_start(struct fuzz_bridge *f, const struct bridge_options *o,
                                     size_t step)
{
    *f = (struct fuzz_bridge){ .step = step };
    f->got[0].max = f->got[1].max = 8 << 20;
    must(bridge_new(&f->b, o) == 0);
}

static inline void fuzz_bridge_stop(struct fuzz_bridge *f)
{
    must(!bridge_over(f->b) || (bridge_finished(f->b, BRIDGE_CLIENT) &&
                                bridge_finished(f->b, BRIDGE_SERVER)));
    bridge_free(f->b);
    buf_deinit(&f->got[0]);
    buf_deinit(&f->got[1]);
}

#endif
