#include "content_stage.h"

#include <errno.h>
#include <stdlib.h>

struct tested {
    struct test_stage *t;
    struct content_exchange *x;
    struct buf kept[2];
};

static int tested_open(void **state, const struct content_stage *stage, struct content_exchange *x,
                       const struct content_head *request)
{
    struct tested *s;

    (void)request;
    *state = NULL;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->t = (struct test_stage *)(uintptr_t)stage->settings;
    if (s->t->open_error != 0) {
        int error = s->t->open_error;

        free(s);
        return error;
    }
    s->x = x;
    s->t->last = x;
    s->t->open++;
    s->kept[0].max = s->kept[1].max = 1 << 20;
    *state = s;
    return 0;
}

static bool holds(struct tested *s)
{
    if (s->t->hold_once) {
        s->t->hold_once = false;
        content_wake(s->x);
        return true;
    }
    return s->t->hold;
}

static enum content_answer stop(struct content_block *block, const char *code)
{
    *block = (struct content_block){
        .status = 403, .title = "Stopped", .reason = "A test stopped this.", .code = code
    };
    return CONTENT_BLOCK;
}

static enum content_answer tested_head(void *state, const struct content_head *head,
                                       struct content_block *block)
{
    struct tested *s = state;

    s->t->heads++;
    for (size_t i = 0; i < head->n_fields; i++) {
        if (span_eq_nocase(head->fields[i].name, SPAN_LIT("x-stop")))
            return stop(block, "field");
    }
    return holds(s) ? CONTENT_HOLD : CONTENT_PASS;
}

static bool has_word(const struct buf *b, const char *word)
{
    struct mw_span w = span_str(word);

    for (size_t i = 0; w.len > 0 && i + w.len <= b->len; i++) {
        if (memcmp(b->data + i, w.data, w.len) == 0)
            return true;
    }
    return false;
}

/* All of what is kept but `leave` bytes. */
static void let_go(struct tested *s, enum content_side side, size_t leave, struct buf *out)
{
    struct buf *kept = &s->kept[side];
    size_t n = kept->len > leave ? kept->len - leave : 0;

    for (size_t i = 0; i < n; i++) {
        buf_u8(out, kept->data[i]);
        if (s->t->twice)
            buf_u8(out, kept->data[i]);
    }
    buf_drop(kept, n);
}

static enum content_answer tested_body(void *state, enum content_side side, struct mw_span piece,
                                       struct buf *out, struct content_block *block)
{
    struct tested *s = state;

    if (s->t->looks)
        return holds(s) ? CONTENT_HOLD : CONTENT_PASS;
    buf_add(&s->kept[side], piece);
    if (buf_error(&s->kept[side]) != 0)
        return stop(block, "memory");
    if (has_word(&s->kept[side], s->t->word))
        return stop(block, "word");
    if (holds(s))
        return CONTENT_HOLD;
    let_go(s, side, s->t->delay, out);
    return CONTENT_PASS;
}

static enum content_answer tested_end(void *state, enum content_side side, struct buf *out,
                                      struct content_block *block)
{
    struct tested *s = state;

    (void)block;
    s->t->ends++;
    if (holds(s))
        return CONTENT_HOLD;
    if (!s->t->looks && !s->t->loses)
        let_go(s, side, 0, out);
    return CONTENT_PASS;
}

static void tested_close(void *state)
{
    struct tested *s = state;

    s->t->open--;
    buf_deinit(&s->kept[0]);
    buf_deinit(&s->kept[1]);
    free(s);
}

struct content_stage test_stage(struct test_stage *settings)
{
    return (struct content_stage){
        .name = "test",
        .settings = settings,
        .effect = settings->twice   ? CONTENT_CHANGES
                  : settings->looks ? CONTENT_LOOKS
                                    : CONTENT_DELAYS,
        .hold_max = settings->claims > 0 ? settings->claims : settings->delay,
        .open = tested_open,
        .head = tested_head,
        .body = tested_body,
        .end = tested_end,
        .close = tested_close,
    };
}
