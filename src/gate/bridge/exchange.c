#include "gate/bridge/exchange.h"

#include <errno.h>
#include <stdlib.h>

enum point { AT_HEAD, AT_BODY, AT_END };

/* Where a side stands that was held. */
struct held {
    bool held;
    enum point point;
    size_t stage;
    bool ending;
    struct buf kept;            /* what has already passed the stage that holds */
};

struct opened {
    const struct content_stage *stage;
    void *state;
    uint64_t taken[2], given[2];
};

struct content_exchange {
    exchange_wake_fn *on_wake;
    void *owner;
    struct held sides[2];
    struct buf out[2];          /* a stage reads from one and writes to the other */
    bool changes, running, woken;
    size_t n;
    struct opened opened[];
};

int exchange_open(struct content_exchange **out, const struct content_row *row,
                  const struct content_head *request, exchange_wake_fn *on_wake, void *owner)
{
    struct content_exchange *x;
    int r = 0;

    *out = NULL;
    if (row == NULL || row->n == 0)
        return 0;
    x = calloc(1, sizeof(*x) + row->n * sizeof(x->opened[0]));
    if (x == NULL)
        return -ENOMEM;
    x->on_wake = on_wake;
    x->owner = owner;
    for (size_t i = 0; i < row->n && r == 0; i++) {
        struct opened *o = &x->opened[x->n];

        r = row->stages[i]->open(&o->state, row->stages[i], x, request);
        if (r < 0 || o->state == NULL)
            continue;
        o->stage = row->stages[i];
        x->changes = x->changes || o->stage->effect == CONTENT_CHANGES;
        x->n++;
    }
    if (r < 0 || x->n == 0) {
        exchange_free(x);
        return r;
    }
    *out = x;
    return 0;
}

void exchange_free(struct content_exchange *x)
{
    if (x == NULL)
        return;
    x->running = true;          /* a stage that wakes while it is closed wakes nobody */
    for (size_t i = 0; i < x->n; i++)
        x->opened[i].stage->close(x->opened[i].state);
    for (int i = 0; i < 2; i++) {
        buf_wipe(&x->sides[i].kept);
        buf_wipe(&x->out[i]);
    }
    free(x);
}

bool exchange_changes(const struct content_exchange *x)
{
    return x != NULL && x->changes;
}

void content_wake(struct content_exchange *x)
{
    if (x->running) {
        x->woken = true;
        return;
    }
    if (x->sides[CONTENT_REQUEST].held || x->sides[CONTENT_RESPONSE].held)
        x->on_wake(x->owner);
}

/* ------------------------------------------------------------------------- heads ---- */

static int run_head(struct content_exchange *x, const struct content_head *head,
                    struct content_block *why)
{
    struct held *side = &x->sides[head->side];
    size_t i = side->held ? side->stage : 0;
    enum content_answer answer = CONTENT_PASS;

    side->held = false;
    for (; i < x->n && answer == CONTENT_PASS; i++) {
        const struct content_stage *stage = x->opened[i].stage;

        if (stage->head != NULL)
            answer = stage->head(x->opened[i].state, head, why);
        if (answer == CONTENT_HOLD) {
            side->held = true;
            side->point = AT_HEAD;
            side->stage = i;
        }
    }
    return (int)answer;
}

int exchange_head(struct content_exchange *x, const struct content_head *head,
                  struct content_block *why)
{
    int answer = CONTENT_PASS;

    if (x == NULL)
        return CONTENT_PASS;
    x->running = true;
    do {
        x->woken = false;
        answer = run_head(x, head, why);
    } while (answer == CONTENT_HOLD && x->woken);
    x->running = false;
    return answer;
}

/* ------------------------------------------------------------------------ bodies ---- */

/* What a piece becomes on its way down the row. */
struct pass {
    enum content_side side;
    bool ending, again;         /* again: the first call repeats one that was answered HOLD */
    enum point point;
    size_t i;
    struct mw_span piece;
    struct content_block *why;
};

static const struct content_block failed = {
    .status = 502,
    .title = "A content check failed",
    .reason = "A content check of the gateway broke its own limits, so this was stopped.",
    .code = "stage-failed",
};

/* A stage that only delays keeps no more than it said, and gives all of it back. */
static bool keeps_its_word(const struct opened *o, const struct pass *p,
                           enum content_answer answer)
{
    uint64_t taken = o->taken[p->side], given = o->given[p->side];
    bool over = p->point == AT_END && answer == CONTENT_PASS;

    return o->stage->effect != CONTENT_DELAYS ||
           (given <= taken && taken - given <= (over ? 0 : o->stage->hold_max));
}

/* One call of the stage at p->i.  It writes to the buffer the piece is not in. */
static int ask(struct content_exchange *x, struct pass *p)
{
    struct opened *o = &x->opened[p->i];
    bool looks = o->stage->effect == CONTENT_LOOKS;
    struct buf *out = p->piece.data != NULL && p->piece.data == x->out[0].data ? &x->out[1]
                                                                               : &x->out[0];
    enum content_answer answer = CONTENT_PASS;
    struct mw_span before = { NULL, 0 };

    out->max = p->piece.len + o->stage->hold_max + CONTENT_MAX_OUT;
    buf_truncate(out, 0);
    if (p->point == AT_BODY && o->stage->body != NULL) {
        answer = o->stage->body(o->state, p->side, p->piece, looks ? NULL : out, p->why);
        o->taken[p->side] += p->piece.len;
    } else if (p->point == AT_BODY) {
        looks = true;
    } else {
        /* What the stage let go before stays in front of what it lets go at the end. */
        before = p->piece;
        if (!looks)
            buf_add(out, before);
        if (o->stage->end != NULL)
            answer = o->stage->end(o->state, p->side, looks ? NULL : out, p->why);
    }
    if (answer == CONTENT_BLOCK || looks)
        return (int)answer;
    if (buf_error(out) == -ENOMEM)
        return -ENOMEM;
    p->piece = buf_span(out);
    o->given[p->side] += p->piece.len - before.len;
    if (buf_error(out) != 0 || !keeps_its_word(o, p, answer)) {
        *p->why = failed;
        return CONTENT_BLOCK;
    }
    return (int)answer;
}

static int keep(struct content_exchange *x, const struct pass *p)
{
    struct held *side = &x->sides[p->side];

    side->held = true;
    side->point = p->point;
    side->stage = p->i;
    side->ending = p->ending;
    if (p->piece.len > 0 && p->piece.data == side->kept.data)
        return CONTENT_HOLD;
    buf_truncate(&side->kept, 0);
    side->kept.max = SIZE_MAX / 4;      /* bounded by what a stage may put out */
    buf_add(&side->kept, p->piece);
    return buf_error(&side->kept) != 0 ? -ENOMEM : CONTENT_HOLD;
}

/* A stage that was held has let go in its repeated call what follows what was kept. */
static int after_kept(struct content_exchange *x, struct pass *p, struct mw_span kept)
{
    struct held *side = &x->sides[p->side];

    if (kept.len == 0)
        return 0;
    if (x->opened[p->i].stage->effect == CONTENT_LOOKS || p->piece.len == 0) {
        p->piece = kept;
        return 0;
    }
    buf_add(&side->kept, p->piece);
    p->piece = buf_span(&side->kept);
    return buf_error(&side->kept) != 0 ? -ENOMEM : 0;
}

static int run(struct content_exchange *x, struct pass *p)
{
    int answer = CONTENT_PASS;

    for (; p->i < x->n; p->i++, p->point = AT_BODY) {
        if (p->point == AT_BODY && (p->piece.len > 0 || p->again)) {
            struct mw_span kept = p->again ? buf_span(&x->sides[p->side].kept)
                                           : (struct mw_span){ NULL, 0 };

            answer = ask(x, p);
            if (answer >= 0 && answer != CONTENT_BLOCK && after_kept(x, p, kept) < 0)
                answer = -ENOMEM;
            p->again = false;
            if (answer != CONTENT_PASS)
                break;
        }
        p->again = false;
        if (!p->ending)
            continue;
        p->point = AT_END;
        answer = ask(x, p);
        if (answer != CONTENT_PASS)
            break;
    }
    return answer == CONTENT_HOLD ? keep(x, p) : answer;
}

static int run_or_resume(struct content_exchange *x, struct pass *p, struct mw_span *out)
{
    struct held *side = &x->sides[p->side];
    int answer = CONTENT_PASS;

    x->running = true;
    do {
        if (side->held) {
            p->point = side->point;
            p->i = side->stage;
            p->ending = p->ending || side->ending;
            p->again = true;
            p->piece = side->point == AT_END ? buf_span(&side->kept) : (struct mw_span){ NULL, 0 };
            side->held = false;
        }
        x->woken = false;
        answer = run(x, p);
    } while (answer == CONTENT_HOLD && x->woken);
    x->running = false;
    *out = answer == CONTENT_PASS ? p->piece : (struct mw_span){ NULL, 0 };
    return answer;
}

int exchange_body(struct content_exchange *x, enum content_side side, struct mw_span piece,
                  struct mw_span *out, struct content_block *why)
{
    struct pass p = { .side = side, .point = AT_BODY, .piece = piece, .why = why };

    *out = piece;
    return x == NULL ? CONTENT_PASS : run_or_resume(x, &p, out);
}

int exchange_end(struct content_exchange *x, enum content_side side, struct mw_span *out,
                 struct content_block *why)
{
    struct pass p = { .side = side, .point = AT_BODY, .ending = true, .why = why };

    *out = (struct mw_span){ NULL, 0 };
    return x == NULL ? CONTENT_PASS : run_or_resume(x, &p, out);
}
