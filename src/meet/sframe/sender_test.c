/* Sender keys and their ratchet, through midwatch/sframe_sender.h alone. */
#include <errno.h>
#include <midwatch/sframe_sender.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/span.h"

enum { ROOM = 256 };

static const struct mw_span first_key = { (const uint8_t *)"the sender's first key", 22 };

/* One sender, one receiver; R = 3: at most 4 steps ahead, 2 kept. */
struct pair {
    struct mw_crypto *crypto;
    struct mw_sframe_sender *from, *to;
};

static struct mw_sframe_sender *one(const struct mw_crypto *c, enum mw_sframe_suite suite,
                                    enum mw_sframe_use use)
{
    struct mw_sframe_sender_options o = {
        .suite = suite,
        .use = use,
        .ratchet_bits = 3,
        .steps_ahead = 4,
        .steps_kept = 2,
        .short_tags = true,
    };
    struct mw_sframe_sender *s;

    assert_int_equal(mw_sframe_sender_new(&s, c, &o), 0);
    return s;
}

static struct pair pair_ready(enum mw_sframe_suite suite)
{
    struct pair p;

    assert_int_equal(mw_crypto_new(&p.crypto), 0);
    p.from = one(p.crypto, suite, MW_SFRAME_TO_SEAL);
    p.to = one(p.crypto, suite, MW_SFRAME_TO_OPEN);
    assert_int_equal(mw_sframe_sender_set_key(p.from, 7, 0, first_key), 0);
    assert_int_equal(mw_sframe_sender_set_key(p.to, 7, 0, first_key), 0);
    return p;
}

static void pair_free(struct pair *p)
{
    mw_sframe_sender_free(p->from);
    mw_sframe_sender_free(p->to);
    mw_crypto_free(p->crypto);
}

struct frame {
    uint8_t bytes[ROOM];
    size_t len;
};

static struct frame sealed(struct mw_sframe_sender *s)
{
    struct frame f = { .len = 0 };
    size_t more = mw_sframe_sender_overhead(s);

    assert_int_equal(mw_sframe_sender_seal(s, SPAN_LIT("m"), SPAN_LIT("content"), f.bytes, ROOM,
                                           &f.len), 0);
    assert_int_equal(f.len, more + 7);
    return f;
}

static int opened(struct mw_sframe_sender *s, const struct frame *f)
{
    struct mw_sframe_opened o;
    uint8_t out[ROOM];
    int r = mw_sframe_sender_open(s, SPAN_LIT("m"), span_of(f->bytes, f->len), out, ROOM, &o);

    if (r == 0)
        assert_true(span_eq(o.plain, SPAN_LIT("content")) && o.epoch == o.kid >> 3 &&
                    o.index == 0 && o.stream == 0);
    return r;
}

/* 5.1: what the ratchet gives, computed from the RFC's formula by other means:
 * HKDF-Expand(HKDF-Extract("", key), "SFrame 1.0 Ratchet", Nh). */
static void the_ratchets_formula(void **state)
{
    static const uint8_t key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    static const uint8_t sha256[32] = {
        0xfb, 0x75, 0xd8, 0xd5, 0x78, 0x2d, 0xa6, 0xc6,
        0xcb, 0xf1, 0x8a, 0xc4, 0x3e, 0xca, 0x5d, 0xa9,
        0xe4, 0x7f, 0x7e, 0x6a, 0xc7, 0x92, 0x6a, 0x78,
        0xe4, 0x86, 0x22, 0x6b, 0xd2, 0xaf, 0x0f, 0x87,
    };
    static const uint8_t sha512[64] = {
        0x89, 0x5f, 0xe5, 0x60, 0x37, 0x50, 0x29, 0x5c,
        0xcb, 0xe0, 0xd5, 0xed, 0x97, 0x45, 0x61, 0x7b,
        0x46, 0xe9, 0xcf, 0x9b, 0x42, 0x81, 0x79, 0xb8,
        0xf2, 0x9f, 0x31, 0x47, 0x49, 0x2b, 0xb0, 0x8f,
        0xaa, 0x19, 0x05, 0x60, 0x72, 0x0e, 0xe0, 0xe4,
        0x57, 0x07, 0x60, 0xb6, 0x4e, 0x7d, 0x59, 0x31,
        0x12, 0x0c, 0x39, 0x1b, 0x7c, 0x7b, 0xec, 0xc4,
        0x29, 0xea, 0x35, 0xa9, 0xd0, 0x74, 0x75, 0xaa,
    };
    uint64_t generation, step;
    uint8_t got[MW_SFRAME_BASE_KEY_MAX];
    size_t len;

    (void)state;
    for (int suite = 1; suite <= 5; suite++) {
        struct pair p = pair_ready((enum mw_sframe_suite)suite);

        assert_int_equal(mw_sframe_sender_set_key(p.from, 9, 5, span_of(key, sizeof key)), 0);
        assert_int_equal(mw_sframe_sender_ratchet(p.from), 0);
        assert_int_equal(mw_sframe_sender_export(p.from, &generation, &step, got, &len), 0);
        assert_true(generation == 9 && step == 6);
        assert_int_equal(len, suite == 5 ? 64 : 32);
        assert_memory_equal(got, suite == 5 ? sha512 : sha256, len);
        assert_int_equal(mw_sframe_sender_export(p.to, &generation, &step, got, &len), -EINVAL);
        pair_free(&p);
    }
}

static void receivers_follow(void **state)
{
    (void)state;
    for (int suite = 1; suite <= 5; suite++) {
        struct pair p = pair_ready((enum mw_sframe_suite)suite);

        for (int step = 0; step < 40; step++) {         /* low bits go round five times */
            struct frame f = sealed(p.from), g = sealed(p.from);

            assert_int_equal(opened(p.to, &g), 0);
            assert_int_equal(opened(p.to, &f), 0);
            assert_int_equal(opened(p.to, &f), MW_SFRAME_E_REPLAYED);
            assert_int_equal(mw_sframe_sender_ratchet(p.from), 0);
        }
        pair_free(&p);
    }
}

static void steps_that_were_missed(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    struct frame f[6];

    (void)state;
    for (int i = 0; i < 6; i++) {
        f[i] = sealed(p.from);
        assert_int_equal(mw_sframe_sender_ratchet(p.from), 0);
    }
    assert_int_equal(opened(p.to, &f[5]), MW_SFRAME_E_KEY);             /* five ahead */
    assert_int_equal(opened(p.to, &f[4]), 0);
    assert_int_equal(opened(p.to, &f[2]), 0);           /* two behind: kept, though never heard */
    assert_int_equal(opened(p.to, &f[3]), 0);
    assert_int_equal(opened(p.to, &f[3]), MW_SFRAME_E_REPLAYED);
    assert_int_equal(opened(p.to, &f[1]), MW_SFRAME_E_KEY);             /* three behind */
    assert_int_equal(opened(p.to, &f[0]), MW_SFRAME_E_FORGED);          /* passes for four ahead */
    assert_int_equal(opened(p.to, &f[5]), 0);
    mw_sframe_sender_forget(p.to);
    assert_int_equal(opened(p.to, &f[4]), MW_SFRAME_E_KEY);
    assert_int_equal(opened(p.to, &f[5]), MW_SFRAME_E_REPLAYED);
    pair_free(&p);
}

/* A forged frame of a later step does not move the receiver. */
static void forged_steps(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    struct frame now = sealed(p.from), later;

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(mw_sframe_sender_ratchet(p.from), 0);
    later = sealed(p.from);
    later.bytes[later.len - 1] ^= 1;
    for (int i = 0; i < 10; i++)
        assert_int_equal(opened(p.to, &later), MW_SFRAME_E_FORGED);
    assert_int_equal(opened(p.to, &now), 0);
    later.bytes[later.len - 1] ^= 1;
    assert_int_equal(opened(p.to, &later), 0);
    assert_int_equal(opened(p.to, &now), MW_SFRAME_E_KEY);
    pair_free(&p);
}

/* Who joins gets what the sender ratcheted to, and cannot read what was sent before. */
static void somebody_joins(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    struct mw_sframe_sender *joined = one(p.crypto, 4, MW_SFRAME_TO_OPEN);
    struct frame before = sealed(p.from), after;
    uint8_t key[MW_SFRAME_BASE_KEY_MAX];
    uint64_t generation, step;
    size_t len;

    (void)state;
    assert_int_equal(mw_sframe_sender_ratchet(p.from), 0);
    assert_int_equal(mw_sframe_sender_export(p.from, &generation, &step, key, &len), 0);
    assert_int_equal(opened(joined, &before), MW_SFRAME_E_KEY);
    assert_int_equal(mw_sframe_sender_set_key(joined, generation, step, span_of(key, len)), 0);
    after = sealed(p.from);
    assert_int_equal(opened(joined, &after), 0);
    assert_int_equal(opened(p.to, &after), 0);
    assert_int_equal(opened(joined, &before), MW_SFRAME_E_KEY);
    mw_sframe_sender_free(joined);
    pair_free(&p);
}

static void a_new_key(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    struct mw_span second = SPAN_LIT("the sender's second key");
    struct frame old = sealed(p.from), new;

    (void)state;
    assert_int_equal(mw_sframe_sender_set_key(p.from, 7, 0, second), MW_SFRAME_E_PAST);
    assert_int_equal(mw_sframe_sender_set_key(p.from, 6, 0, second), MW_SFRAME_E_PAST);
    assert_int_equal(mw_sframe_sender_set_key(p.from, 8, 0, second), 0);
    new = sealed(p.from);
    assert_int_equal(opened(p.to, &new), MW_SFRAME_E_KEY);
    assert_int_equal(mw_sframe_sender_set_key(p.to, 8, 0, second), 0);
    assert_int_equal(opened(p.to, &new), 0);
    assert_int_equal(opened(p.to, &old), 0);            /* kept */
    mw_sframe_sender_forget(p.to);
    assert_int_equal(opened(p.to, &old), MW_SFRAME_E_KEY);
    pair_free(&p);
}

static void uses_do_not_mix(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    struct mw_sframe_sender *empty = one(p.crypto, 4, MW_SFRAME_TO_SEAL);
    struct frame f = sealed(p.from);
    uint64_t a, b;
    size_t len;

    (void)state;
    assert_int_equal(opened(p.from, &f), -EINVAL);
    assert_int_equal(mw_sframe_sender_seal(p.to, first_key, first_key, f.bytes, ROOM, &len),
                     -EINVAL);
    assert_int_equal(mw_sframe_sender_ratchet(p.to), -EINVAL);
    assert_int_equal(mw_sframe_sender_ratchet(empty), MW_SFRAME_E_NOT_SENDING);
    assert_int_equal(mw_sframe_sender_export(empty, &a, &b, f.bytes, &len),
                     MW_SFRAME_E_NOT_SENDING);
    assert_int_equal(mw_sframe_sender_seal(empty, first_key, first_key, f.bytes, ROOM, &len),
                     MW_SFRAME_E_NOT_SENDING);
    assert_int_equal(mw_sframe_sender_set_key(empty, (uint64_t)1 << 61, 0, first_key), -EINVAL);
    assert_int_equal(mw_sframe_sender_set_key(empty, 1, 0, span_cut(first_key, 0, 15)), -EINVAL);
    assert_int_equal(mw_sframe_sender_set_key(empty, ((uint64_t)1 << 61) - 1, 0, first_key), 0);
    mw_sframe_sender_free(empty);
    pair_free(&p);
}

static void options(void **state)
{
    static const struct {
        struct mw_sframe_sender_options o;
        int result;
    } cases[] = {
        { { .suite = 4, .use = MW_SFRAME_TO_SEAL }, 0 },
        { { .suite = 4 }, -EINVAL },
        { { .suite = 7, .use = MW_SFRAME_TO_SEAL }, -EINVAL },
        { { .suite = 3, .use = MW_SFRAME_TO_OPEN }, -EPERM },
        { { .suite = 4, .use = MW_SFRAME_TO_OPEN, .ratchet_bits = 17 }, -EINVAL },
        { { .suite = 4, .use = MW_SFRAME_TO_OPEN, .ratchet_bits = 0, .steps_kept = 1 }, -EINVAL },
        { { .suite = 4, .use = MW_SFRAME_TO_OPEN, .ratchet_bits = 3, .steps_ahead = 5,
            .steps_kept = 3 }, -EINVAL },
        { { .suite = 4, .use = MW_SFRAME_TO_OPEN, .ratchet_bits = 3, .steps_ahead = 5,
            .steps_kept = 2 }, 0 },
        { { .suite = 4, .use = MW_SFRAME_TO_OPEN, .ratchet_bits = 9, .steps_ahead = 65 }, -EINVAL },
        { { .suite = 4, .use = MW_SFRAME_TO_OPEN, .ratchet_bits = 9, .steps_kept = 65 }, -EINVAL },
    };
    struct mw_crypto *crypto;

    (void)state;
    assert_int_equal(mw_crypto_new(&crypto), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mw_sframe_sender *s = NULL;

        assert_int_equal(mw_sframe_sender_new(&s, crypto, &cases[i].o), cases[i].result);
        assert_int_equal(s != NULL, cases[i].result == 0);
        mw_sframe_sender_free(s);
    }
    mw_crypto_free(crypto);
}

/* R = 0: the KID is the generation, and there is one step. */
static void without_a_ratchet(void **state)
{
    struct mw_sframe_sender_options o = { .suite = 4, .use = MW_SFRAME_TO_SEAL };
    struct mw_sframe_sender *from, *to;
    struct mw_sframe_opened got;
    struct mw_crypto *crypto;
    uint8_t out[ROOM];
    size_t len;

    (void)state;
    assert_int_equal(mw_crypto_new(&crypto), 0);
    assert_int_equal(mw_sframe_sender_new(&from, crypto, &o), 0);
    o.use = MW_SFRAME_TO_OPEN;
    assert_int_equal(mw_sframe_sender_new(&to, crypto, &o), 0);
    assert_int_equal(mw_sframe_sender_set_key(from, UINT64_MAX, 1, first_key), -EINVAL);
    assert_int_equal(mw_sframe_sender_set_key(from, UINT64_MAX, 0, first_key), 0);
    assert_int_equal(mw_sframe_sender_set_key(to, UINT64_MAX, 0, first_key), 0);
    assert_int_equal(mw_sframe_sender_ratchet(from), -EINVAL);
    assert_int_equal(mw_sframe_sender_seal(from, first_key, first_key, out, ROOM, &len), 0);
    assert_int_equal(mw_sframe_sender_open(to, first_key, span_of(out, len), out, len, &got), 0);
    assert_true(got.kid == UINT64_MAX && got.epoch == UINT64_MAX && span_eq(got.plain, first_key));
    mw_sframe_sender_free(from);
    mw_sframe_sender_free(to);
    mw_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ratchets_formula),
        cmocka_unit_test(receivers_follow),
        cmocka_unit_test(steps_that_were_missed),
        cmocka_unit_test(forged_steps),
        cmocka_unit_test(somebody_joins),
        cmocka_unit_test(a_new_key),
        cmocka_unit_test(uses_do_not_mix),
        cmocka_unit_test(options),
        cmocka_unit_test(without_a_ratchet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
