#include "gate/bridge/bridge.h"

#include <errno.h>
#include <stdio.h>

static const struct {
    int (*make)(struct bridge **out, const struct bridge_options *o);
} kinds[] = {
    [BRIDGE_RAW] = { bridge_raw_new },
    [BRIDGE_H1] = { bridge_h1_new },
    [BRIDGE_H2] = { bridge_h2_new },
    [BRIDGE_H1_PROXY] = { bridge_h1_new },
};

int bridge_new(struct bridge **out, const struct bridge_options *o)
{
    struct bridge *b;
    int r;

    if ((size_t)o->kind >= ARRAY_LEN(kinds) || kinds[o->kind].make == NULL)
        return -EINVAL;
    r = kinds[o->kind].make(&b, o);
    if (r < 0)
        return r;
    b->events = o->events;
    b->context = o->context;
    b->stages = o->stages;
    *out = b;
    return 0;
}

void bridge_free(struct bridge *b)
{
    if (b != NULL)
        b->ops->free(b);
}

size_t bridge_room(const struct bridge *b, enum bridge_side from)
{
    return b->ops->room(b, from);
}

int bridge_feed(struct bridge *b, enum bridge_side from, struct mw_span bytes)
{
    return bytes.len > 0 ? b->ops->feed(b, from, bytes) : 0;
}

int bridge_end(struct bridge *b, enum bridge_side from, bool cut)
{
    return b->ops->end(b, from, cut);
}

struct mw_span bridge_out(const struct bridge *b, enum bridge_side to)
{
    return b->ops->out(b, to);
}

void bridge_sent(struct bridge *b, enum bridge_side to, size_t n)
{
    b->ops->sent(b, to, n);
}

bool bridge_finished(const struct bridge *b, enum bridge_side to)
{
    return b->ops->finished(b, to);
}

bool bridge_over(const struct bridge *b)
{
    return b->ops->over(b);
}

bool bridge_cut_short(const struct bridge *b)
{
    return b->cut_short;
}

const char *bridge_why(const struct bridge *b, enum bridge_side *by)
{
    if (b->why[0] == '\0')
        return NULL;
    if (by != NULL)
        *by = b->by;
    return b->why;
}

void bridge_origin(struct bridge *b, const struct bridge_answer *failed)
{
    if (b->ops->origin != NULL)
        b->ops->origin(b, failed);
}

void bridge_drain(struct bridge *b)
{
    if (b->ops->drain != NULL)
        b->ops->drain(b);
}

bool bridge_idle(const struct bridge *b)
{
    return b->ops->idle(b);
}

void bridge_rest(struct bridge *b)
{
    if (b->ops->rest != NULL)
        b->ops->rest(b);
}

bool bridge_reusable(const struct bridge *b)
{
    return b->ops->reusable != NULL && b->ops->reusable(b);
}

const char *bridge_protocol(const struct bridge *b)
{
    return b->protocol;
}

struct bridge_counts bridge_counts(const struct bridge *b)
{
    return b->counts;
}

void bridge_blame(struct bridge *b, enum bridge_side by, const char *why)
{
    if (b->why[0] != '\0')
        return;
    snprintf(b->why, sizeof(b->why), "%s", why);
    b->by = by;
}

void bridge_dropped(struct queue *q, size_t n)
{
    queue_drop(q, n);
    if (q->len == 0)
        queue_deinit(q);
}
