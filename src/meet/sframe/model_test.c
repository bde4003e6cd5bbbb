/*
 * A group whose members are at different epochs, over a network that loses, repeats, reorders and
 * changes frames.  A plain model says what each delivery must come to, and it must come to exactly
 * that.  SFRAME_MODEL_OPS and SFRAME_MODEL_SEED in the environment replace the usual.
 */
#include <midwatch/sframe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/span.h"

enum {
    MEMBERS = 5,
    STREAMS = 2,
    EPOCH_BITS = 2,
    EPOCHS = 3,                 /* in flight, of 4 that the low bits tell apart */
    WIRE = 512,                 /* frames on their way */
    COUNTERS = 4000,            /* of one stream in one epoch */
    SIZE = 40,
};

/* What a member knows of one stream in one epoch, with nothing forgotten. */
struct heard {
    bool seen[COUNTERS];
    uint64_t top;
    bool any;
};

struct epoch {
    bool live, sent;
    uint64_t number;
    struct heard heard[MEMBERS][STREAMS];
};

struct member {
    struct mw_sframe *f;
    uint64_t at, sending;       /* the latest epoch it knows, and the one it sends in; 0: none */
    struct epoch epochs[EPOCHS];
    uint64_t counter[STREAMS];
};

struct frame {
    uint8_t bytes[SIZE + MW_SFRAME_OVERHEAD_MAX];
    size_t len;
    uint64_t epoch, counter;
    uint32_t index;
    unsigned stream;
    uint8_t content;            /* SIZE times this */
};

struct world {
    struct mw_crypto *crypto;
    struct member members[MEMBERS];
    struct frame wire[WIRE];
    size_t n_wire;              /* ever sent */
    uint64_t epoch;
    uint64_t random;
    size_t results[16];
};

static uint64_t next(struct world *w, uint64_t below)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (w->random * 0x2545f4914f6cdd1dU >> 20) % below;
}

static uint64_t low(uint64_t epoch)
{
    return epoch % (1 << EPOCH_BITS);
}

static struct epoch *live_epoch(struct member *m, uint64_t low_bits)
{
    for (size_t i = 0; i < EPOCHS; i++)
        if (m->epochs[i].live && low(m->epochs[i].number) == low_bits)
            return &m->epochs[i];
    return NULL;
}

static void epoch_end(struct member *m, struct epoch *e)
{
    if (e->live && m->sending == e->number)
        m->sending = 0;
    e->live = false;
}

/* ------------------------------------------------------------------------ operations ---- */

static void follow(struct world *w, struct member *m)
{
    uint8_t key[32] = { 0 };
    struct epoch *e;
    uint64_t number;

    if (m->at == w->epoch)
        return;
    number = m->at + 1 + next(w, w->epoch - m->at);     /* may skip some: it was away */
    memcpy(key, &number, sizeof number);
    assert_int_equal(mw_sframe_add_epoch(m->f, number, span_of(key, sizeof key), MEMBERS), 0);
    assert_int_equal(mw_sframe_add_epoch(m->f, number, span_of(key, sizeof key), MEMBERS),
                     MW_SFRAME_E_PAST);
    m->at = number;
    e = live_epoch(m, low(number));
    for (size_t i = 0; e == NULL && i < EPOCHS; i++)
        if (!m->epochs[i].live)
            e = &m->epochs[i];
    if (e == NULL) {
        e = &m->epochs[0];
        for (size_t i = 1; i < EPOCHS; i++)
            if (m->epochs[i].number < e->number)
                e = &m->epochs[i];
    }
    epoch_end(m, e);
    *e = (struct epoch){ .live = true, .number = number };
}

static void begin_to_send(struct member *m, uint32_t index)
{
    struct epoch *e;

    if (m->at == 0 || m->at == m->sending)
        return;
    e = live_epoch(m, low(m->at));
    if (e == NULL || e->number != m->at) {
        assert_int_equal(mw_sframe_send_as(m->f, m->at, index), MW_SFRAME_E_KEY);
        return;
    }
    assert_int_equal(mw_sframe_send_as(m->f, m->at, index), 0);
    e->sent = true;
    m->sending = m->at;
    for (size_t i = 0; i < STREAMS; i++)
        m->counter[i] = 0;
}

static void drop(struct world *w, struct member *m)
{
    struct epoch *e = &m->epochs[next(w, EPOCHS)];

    mw_sframe_drop_epoch(m->f, e->number);
    epoch_end(m, e);
}

static void send(struct world *w, struct member *m, uint32_t index)
{
    struct frame *f = &w->wire[w->n_wire % WIRE];
    unsigned stream = (unsigned)next(w, STREAMS);
    uint8_t content[SIZE];
    size_t len;

    if (m->sending != 0 && m->counter[stream] + 200 >= COUNTERS)
        return;
    memset(content, (int)(w->n_wire & 255), SIZE);
    if (m->sending == 0) {
        assert_int_equal(mw_sframe_seal(m->f, stream, span_of(NULL, 0), span_of(content, SIZE),
                                        f->bytes, sizeof f->bytes, &len),
                         MW_SFRAME_E_NOT_SENDING);
        return;
    }
    if (next(w, 50) == 0) {     /* frames that nobody will see */
        m->counter[stream] += next(w, 199);
        assert_int_equal(mw_sframe_raise_counter(m->f, stream, m->counter[stream]), 0);
    }
    *f = (struct frame){ .epoch = m->sending, .counter = m->counter[stream]++, .index = index,
                         .stream = stream, .content = content[0] };
    assert_int_equal(mw_sframe_seal(m->f, stream, span_of(NULL, 0), span_of(content, SIZE),
                                    f->bytes, sizeof f->bytes, &f->len),
                     0);
    w->n_wire++;
}

static int window_says(const struct heard *h, uint64_t counter)
{
    if (!h->any || counter > h->top)
        return 0;
    if (h->top - counter >= MW_SFRAME_WINDOW)
        return MW_SFRAME_E_OLD;
    return h->seen[counter] ? MW_SFRAME_E_REPLAYED : 0;
}

/* What must come of it; *heard is where it is remembered. */
static int expected(struct member *m, uint32_t self, const struct frame *f, bool changed,
                    struct heard **heard)
{
    struct epoch *e = live_epoch(m, low(f->epoch));
    int r;

    if (e == NULL)
        return MW_SFRAME_E_KEY;
    if (e->sent && f->index == self)
        return MW_SFRAME_E_OWN;
    *heard = &e->heard[f->index][f->stream];
    r = window_says(*heard, f->counter);
    if (r != 0)
        return r;
    return changed || e->number != f->epoch ? MW_SFRAME_E_FORGED : 0;
}

static void deliver(struct world *w, struct member *m, uint32_t self)
{
    const struct frame *f;
    struct mw_sframe_opened o;
    struct heard *heard = NULL;
    uint8_t bytes[SIZE + MW_SFRAME_OVERHEAD_MAX], out[SIZE];
    bool changed = next(w, 10) == 0;
    size_t back = next(w, 3) == 0 ? WIRE : 40;
    int r, must;

    if (w->n_wire == 0)
        return;
    back = back < w->n_wire ? back : w->n_wire;
    f = &w->wire[(w->n_wire - 1 - next(w, back)) % WIRE];
    memcpy(bytes, f->bytes, f->len);
    if (changed)                /* behind the header: who it claims to be from stays */
        bytes[f->len - 1 - next(w, SIZE)] ^= (uint8_t)(1 << next(w, 8));
    must = expected(m, self, f, changed, &heard);
    r = mw_sframe_open(m->f, span_of(NULL, 0), span_of(bytes, f->len), out, SIZE, &o);
    assert_int_equal(r, must);
    w->results[r]++;
    if (r != 0)
        return;
    assert_true(o.epoch == f->epoch && o.index == f->index && o.stream == f->stream &&
                o.counter == f->counter && o.plain.len == SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(out[i], f->content);
    heard->seen[f->counter] = true;
    heard->top = heard->any && heard->top > f->counter ? heard->top : f->counter;
    heard->any = true;
}

static void turn(struct world *w)
{
    uint32_t index = (uint32_t)next(w, MEMBERS);
    struct member *m = &w->members[index];
    uint64_t what = next(w, 1000);

    if (what < 3)
        w->epoch++;
    else if (what < 20)
        follow(w, m);
    else if (what < 40)
        begin_to_send(m, index);
    else if (what < 42)
        drop(w, m);
    else if (what < 300)
        send(w, m, index);
    else
        deliver(w, m, index);
}

static uint64_t wanted(const char *name, uint64_t usual)
{
    const char *s = getenv(name);

    return s != NULL ? strtoull(s, NULL, 10) : usual;
}

static void a_group_at_work(void **state)
{
    struct mw_sframe_options o = { .index_bits = 3, .epoch_bits = EPOCH_BITS, .epochs = EPOCHS,
                                   .streams = STREAMS };
    struct world *w = calloc(1, sizeof *w);
    uint64_t ops = wanted("SFRAME_MODEL_OPS", 100000);

    (void)state;
    assert_non_null(w);
    w->random = wanted("SFRAME_MODEL_SEED", 20261122);
    printf("seed %llu\n", (unsigned long long)w->random);
    w->random = w->random * 2 + 1;
    w->epoch = 1;
    assert_int_equal(mw_crypto_new(&w->crypto), 0);
    for (unsigned i = 0; i < MEMBERS; i++) {
        o.suite = MW_SFRAME_AES_128_GCM_SHA256_128;
        o.keys = 1 + i * 3;     /* some must derive again and again */
        assert_int_equal(mw_sframe_new(&w->members[i].f, w->crypto, &o), 0);
    }
    for (uint64_t i = 0; i < ops; i++)
        turn(w);
    printf("%zu sent; opened %zu", w->n_wire, w->results[0]);
    for (int e = MW_SFRAME_E_HEADER; e <= MW_SFRAME_E_NOT_SENDING; e++)
        if (w->results[e] > 0)
            printf(", error %d %zu", e, w->results[e]);
    printf("\n");
    for (int e = MW_SFRAME_E_KEY; e <= MW_SFRAME_E_OWN; e++)
        assert_true(w->results[e] > 100 && w->results[0] > 1000);
    for (size_t i = 0; i < MEMBERS; i++)
        mw_sframe_free(w->members[i].f);
    mw_crypto_free(w->crypto);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_at_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
