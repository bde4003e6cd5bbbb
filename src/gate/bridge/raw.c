/* Bytes as they are: two queues, and each end of file goes through to the other side. */
#include <errno.h>
#include <stdlib.h>

#include "gate/bridge/bridge.h"

struct raw {
    struct bridge b;
    struct queue to[2];
    bool ended[2];
    bool cut;
};

static enum bridge_side other(enum bridge_side side)
{
    return side == BRIDGE_CLIENT ? BRIDGE_SERVER : BRIDGE_CLIENT;
}

static void raw_free(struct bridge *b)
{
    struct raw *raw = (struct raw *)b;

    queue_deinit(&raw->to[BRIDGE_CLIENT]);
    queue_deinit(&raw->to[BRIDGE_SERVER]);
    free(raw);
}

static size_t raw_room(const struct bridge *b, enum bridge_side from)
{
    const struct raw *raw = (const struct raw *)b;

    return raw->cut || raw->ended[from] ? 0 : queue_room(&raw->to[other(from)]);
}

static int raw_feed(struct bridge *b, enum bridge_side from, struct mw_span bytes)
{
    struct raw *raw = (struct raw *)b;
    int r = raw->cut || raw->ended[from] ? 0 : queue_add(&raw->to[other(from)], bytes);

    if (r < 0) {
        raw->cut = true;        /* a gap must not be passed over */
        bridge_blame(b, from, "out of memory");
    }
    return r;
}

/* What one side said before it was cut is still delivered; nothing goes to the side that is
 * gone. */
static int raw_end(struct bridge *b, enum bridge_side from, bool cut)
{
    struct raw *raw = (struct raw *)b;

    raw->ended[from] = true;
    if (cut && !raw->cut) {
        raw->cut = true;
        queue_deinit(&raw->to[from]);
        bridge_blame(b, from, from == BRIDGE_CLIENT ? "the client cut the connection"
                                                    : "the server cut the connection");
    }
    return 0;
}

static struct mw_span raw_out(const struct bridge *b, enum bridge_side to)
{
    const struct raw *raw = (const struct raw *)b;

    return queue_front(&raw->to[to]);
}

static void raw_sent(struct bridge *b, enum bridge_side to, size_t n)
{
    struct raw *raw = (struct raw *)b;

    bridge_dropped(&raw->to[to], n);
}

static bool raw_finished(const struct bridge *b, enum bridge_side to)
{
    const struct raw *raw = (const struct raw *)b;

    return raw->cut || raw->ended[other(to)];
}

static bool raw_over(const struct bridge *b)
{
    const struct raw *raw = (const struct raw *)b;

    return raw->cut || (raw->ended[BRIDGE_CLIENT] && raw->ended[BRIDGE_SERVER]);
}

/* Nobody but the two ends knows what raw bytes mean, so draining waits for them. */
static bool raw_idle(const struct bridge *b)
{
    (void)b;
    return false;
}

static const struct bridge_ops raw_ops = {
    .free = raw_free,
    .room = raw_room,
    .feed = raw_feed,
    .end = raw_end,
    .out = raw_out,
    .sent = raw_sent,
    .finished = raw_finished,
    .over = raw_over,
    .idle = raw_idle,
};

int bridge_raw_new(struct bridge **out, const struct bridge_options *o)
{
    struct raw *raw = calloc(1, sizeof(*raw));

    (void)o;
    if (raw == NULL)
        return -ENOMEM;
    raw->b.ops = &raw_ops;
    raw->b.protocol = "raw";
    raw->to[BRIDGE_CLIENT].limit_bytes = BRIDGE_HIGH_WATER;
    raw->to[BRIDGE_SERVER].limit_bytes = BRIDGE_HIGH_WATER;
    *out = &raw->b;
    return 0;
}
