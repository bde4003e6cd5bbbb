/* How long a body may be: by its announced length before a byte of it passes, else by counting. */
#include <errno.h>
#include <stdlib.h>

#include "gate/bridge/content.h"

struct counted {
    const struct content_limits *limits;
    uint64_t seen[2];
};

static uint64_t limit_of(const struct counted *c, enum content_side side)
{
    return side == CONTENT_REQUEST ? c->limits->request_body : c->limits->response_body;
}

static enum content_answer too_large(enum content_side side, struct content_block *block)
{
    static const struct content_block request = {
        .status = 413,
        .title = "Too large to send",
        .reason = "What was to be sent is larger than this gateway lets through.",
        .code = "body-too-large",
    };
    static const struct content_block response = {
        .status = 502,
        .title = "Too large to receive",
        .reason = "The site's answer is larger than this gateway lets through.",
        .code = "body-too-large",
    };

    *block = side == CONTENT_REQUEST ? request : response;
    return CONTENT_BLOCK;
}

static int limits_open(void **state, const struct content_stage *stage, struct content_exchange *x,
                       const struct content_head *request)
{
    const struct content_limits *limits = stage->settings;
    struct counted *c;

    (void)x;
    (void)request;
    *state = NULL;
    if (limits->request_body == 0 && limits->response_body == 0)
        return 0;
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return -ENOMEM;
    c->limits = limits;
    *state = c;
    return 0;
}

static enum content_answer limits_head(void *state, const struct content_head *head,
                                       struct content_block *block)
{
    uint64_t limit = limit_of(state, head->side);

    if (limit > 0 && head->has_length && head->length > limit)
        return too_large(head->side, block);
    return CONTENT_PASS;
}

static enum content_answer limits_body(void *state, enum content_side side, struct mw_span piece,
                                       struct buf *out, struct content_block *block)
{
    struct counted *c = state;
    uint64_t limit = limit_of(c, side);

    (void)out;
    c->seen[side] += piece.len;
    return limit > 0 && c->seen[side] > limit ? too_large(side, block) : CONTENT_PASS;
}

struct content_stage content_limits_stage(const struct content_limits *limits)
{
    return (struct content_stage){
        .name = "limits",
        .settings = limits,
        .effect = CONTENT_LOOKS,
        .open = limits_open,
        .head = limits_head,
        .body = limits_body,
        .close = free,
    };
}
