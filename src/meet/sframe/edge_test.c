/* What the callers of both of SFrame's faces may get wrong, and where numbers begin: an epoch, an
 * index, a stream, a generation. */
#include <errno.h>
#include <midwatch/sframe.h>
#include <midwatch/sframe_sender.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/span.h"

enum { ROOM = 128 };

static const struct mw_span key = { (const uint8_t *)"sixteen bytes or more", 21 };

static struct mw_crypto *crypto;

static int crypto_open(void **state)
{
    (void)state;
    return mw_crypto_new(&crypto);
}

static int crypto_close(void **state)
{
    (void)state;
    mw_crypto_free(crypto);
    return 0;
}

/* Epoch 0 and no other, of 10 members. */
static struct mw_sframe *group_new(void)
{
    struct mw_sframe_options o = {
        .suite = MW_SFRAME_AES_128_GCM_SHA256_128,
        .index_bits = 4,
        .epoch_bits = 2,
        .streams = 3,
    };
    struct mw_sframe *f;

    assert_int_equal(mw_sframe_new(&f, crypto, &o), 0);
    assert_int_equal(mw_sframe_send_as(f, 0, 0), MW_SFRAME_E_KEY); /* not even that one */
    assert_int_equal(mw_sframe_add_epoch(f, 0, key, 10), 0);
    assert_int_equal(mw_sframe_add_epoch(f, 0, key, 10), MW_SFRAME_E_PAST);
    return f;
}

/* 5.2: a KID is of a member of the epoch, in a stream that there is. */
static void send_as_nobody_5_2(void **state)
{
    struct mw_sframe *f = group_new();
    uint8_t out[ROOM];
    size_t len;

    (void)state;
    assert_int_equal(mw_sframe_send_as(f, 0, 10), -EINVAL);
    assert_int_equal(mw_sframe_send_as(f, 0, 16), -EINVAL);
    assert_int_equal(mw_sframe_send_as(f, 1, 0), MW_SFRAME_E_KEY);
    assert_int_equal(mw_sframe_headroom(f, 0), MW_SFRAME_HEADER_MAX);
    assert_int_equal(mw_sframe_send_as(f, 0, 9), 0);
    assert_true(mw_sframe_headroom(f, 2) < MW_SFRAME_HEADER_MAX);
    assert_int_equal(mw_sframe_headroom(f, 3), MW_SFRAME_HEADER_MAX);
    assert_int_equal(mw_sframe_raise_counter(f, 2, 1000), 0);
    assert_int_equal(mw_sframe_raise_counter(f, 3, 1000), -EINVAL);
    assert_int_equal(mw_sframe_counter(f, 2), 1000);
    assert_int_equal(mw_sframe_counter(f, 3), 0);
    assert_int_equal(mw_sframe_seal(f, 3, key, key, out, ROOM, &len), -EINVAL);
    mw_sframe_free(f);
}

/* One who seals and one who opens, of generation 0; R = ratchet_bits. */
struct pair {
    struct mw_sframe_sender *from, *to;
};

static struct pair pair_new(unsigned ratchet_bits)
{
    struct mw_sframe_sender_options o = {
        .suite = MW_SFRAME_AES_128_GCM_SHA256_128,
        .ratchet_bits = ratchet_bits,
    };
    struct pair p;

    o.use = MW_SFRAME_TO_SEAL;
    assert_int_equal(mw_sframe_sender_new(&p.from, crypto, &o), 0);
    o.use = MW_SFRAME_TO_OPEN;
    assert_int_equal(mw_sframe_sender_new(&p.to, crypto, &o), 0);
    assert_int_equal(mw_sframe_sender_set_key(p.from, 0, 0, key), 0);
    return p;
}

static void pair_free(struct pair *p)
{
    mw_sframe_sender_free(p->from);
    mw_sframe_sender_free(p->to);
}

static size_t sealed(struct pair *p, uint8_t out[ROOM])
{
    size_t len = 0;

    assert_int_equal(mw_sframe_sender_seal(p->from, key, SPAN_LIT("content"), out, ROOM, &len), 0);
    return len;
}

static int opened(struct pair *p, const uint8_t *frame, size_t len)
{
    struct mw_sframe_opened o;
    uint8_t out[ROOM];

    return mw_sframe_sender_open(p->to, key, span_of(frame, len), out, ROOM, &o);
}

/* 4.4.4: in the step that the receiver is in; what was forged counts as never seen. */
static void forged_in_this_step_4_4_4(void **state)
{
    struct pair p = pair_new(3);
    uint8_t frame[ROOM];
    size_t len = sealed(&p, frame);

    (void)state;
    assert_int_equal(mw_sframe_sender_set_key(p.to, 0, 0, key), 0);
    for (size_t at = 1; at < len; at++) {
        frame[at] ^= 1;
        assert_int_equal(opened(&p, frame, len), MW_SFRAME_E_FORGED);
        frame[at] ^= 1;
    }
    assert_int_equal(opened(&p, frame, len), 0);
    assert_int_equal(opened(&p, frame, len), MW_SFRAME_E_REPLAYED);
    pair_free(&p);
}

/* 4.3: no header, one that is cut off, or no room for a tag behind it. */
static void cut_off_4_3(void **state)
{
    struct pair p = pair_new(3);
    uint8_t frame[ROOM], spelt[ROOM] = { 0x80, 0 };
    size_t len = sealed(&p, frame);

    (void)state;
    assert_int_equal(mw_sframe_sender_set_key(p.to, 0, 0, key), 0);
    for (size_t cut = 0; cut < 1 + 16; cut++)
        assert_int_equal(opened(&p, frame, cut), MW_SFRAME_E_HEADER);
    for (size_t cut = 1 + 16; cut < len; cut++)
        assert_int_equal(opened(&p, frame, cut), MW_SFRAME_E_FORGED);
    memcpy(spelt + 2, frame + 1, len - 1); /* KID 0, in a byte that it does not need */
    assert_int_equal(opened(&p, spelt, len + 1), MW_SFRAME_E_HEADER);
    assert_int_equal(opened(&p, frame, len), 0);
    pair_free(&p);
}

static void no_room(void **state)
{
    struct pair p = pair_new(3);
    uint8_t frame[ROOM] = { 0 }, out[ROOM] = { 0 };
    struct mw_sframe_opened o;
    size_t len = 0, need = mw_sframe_sender_overhead(p.from) + 7;

    (void)state;
    assert_int_equal(mw_sframe_sender_set_key(p.to, 0, 0, key), 0);
    for (size_t room = 0; room < need; room++)
        assert_int_equal(mw_sframe_sender_seal(p.from, key, SPAN_LIT("content"), frame, room, &len),
                         -EMSGSIZE);
    assert_int_equal(frame[0], 0);
    assert_int_equal(mw_sframe_sender_seal(p.from, key, SPAN_LIT("content"), frame, need, &len), 0);
    for (size_t room = 0; room < 7; room++)
        assert_int_equal(mw_sframe_sender_open(p.to, key, span_of(frame, len), out, room, &o),
                         -EMSGSIZE);
    assert_int_equal(out[0], 0);
    assert_int_equal(mw_sframe_sender_open(p.to, key, span_of(frame, len), out, 7, &o), 0);
    pair_free(&p);
}

/* 5.1: without a key, or with one of another generation, a later step is nobody's. */
static void another_generation_5_1(void **state)
{
    struct pair p = pair_new(3);
    uint8_t frame[ROOM];
    size_t len;

    (void)state;
    assert_int_equal(mw_sframe_sender_ratchet(p.from), 0);
    len = sealed(&p, frame);
    assert_int_equal(opened(&p, frame, len), MW_SFRAME_E_KEY);
    assert_int_equal(mw_sframe_sender_set_key(p.to, 1, 0, key), 0);
    assert_int_equal(opened(&p, frame, len), MW_SFRAME_E_KEY);
    pair_free(&p);
}

/* 5.1: as many steps ahead as R bits can tell, and 64 at most. */
static void as_far_ahead_as_can_be_5_1(void **state)
{
    static const unsigned bits[] = { 3, 9 }, most[] = { 7, 64 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
        struct pair p = pair_new(bits[i]);
        uint8_t last[ROOM], over[ROOM];
        size_t len, over_len;

        assert_int_equal(mw_sframe_sender_set_key(p.to, 0, 0, key), 0);
        for (unsigned step = 0; step < most[i]; step++)
            assert_int_equal(mw_sframe_sender_ratchet(p.from), 0);
        len = sealed(&p, last);
        assert_int_equal(mw_sframe_sender_ratchet(p.from), 0);
        over_len = sealed(&p, over);
        assert_int_equal(opened(&p, over, over_len),
                         bits[i] == 3 ? MW_SFRAME_E_FORGED : MW_SFRAME_E_KEY);
        assert_int_equal(opened(&p, last, len), 0);
        assert_int_equal(opened(&p, over, over_len), 0);
        pair_free(&p);
    }
}

static void base_keys_of_another_length(void **state)
{
    struct pair p = pair_new(0);
    uint8_t bytes[MW_SFRAME_BASE_KEY_MAX + 1] = { 1 };

    (void)state;
    assert_int_equal(mw_sframe_sender_set_key(p.to, 1, 0, span_of(bytes, 15)), -EINVAL);
    assert_int_equal(mw_sframe_sender_set_key(p.to, 1, 0, span_of(bytes, sizeof bytes)), -EINVAL);
    assert_int_equal(mw_sframe_sender_set_key(p.to, 1, 0, span_of(bytes, 64)), 0);
    pair_free(&p);
}

/* Each option as large as it may be. */
static void the_largest(void **state)
{
    struct mw_sframe_options o = {
        .suite = MW_SFRAME_AES_128_GCM_SHA256_128,
        .index_bits = MW_SFRAME_INDEX_BITS_MAX,
        .epoch_bits = MW_SFRAME_EPOCH_BITS_MAX,
        .epochs = MW_SFRAME_EPOCHS_MAX,
        .streams = MW_SFRAME_STREAMS_MAX,
    };
    struct mw_sframe_sender_options s = {
        .suite = MW_SFRAME_AES_128_CTR_HMAC_SHA256_64, /* no short tag yet: 7.5 */
        .use = MW_SFRAME_TO_OPEN,
        .ratchet_bits = MW_SFRAME_RATCHET_BITS_MAX,
        .steps_ahead = MW_SFRAME_STEPS_MAX,
        .steps_kept = MW_SFRAME_STEPS_MAX,
    };
    struct mw_sframe *f;
    struct mw_sframe_sender *to;

    (void)state;
    assert_int_equal(mw_sframe_new(&f, crypto, &o), 0);
    assert_int_equal(mw_sframe_add_epoch(f, 1, key, MW_SFRAME_SENDERS_MAX / o.streams), 0);
    assert_int_equal(mw_sframe_add_epoch(f, 2, key, MW_SFRAME_SENDERS_MAX / o.streams + 1),
                     -EMSGSIZE);
    mw_sframe_free(f);
    assert_int_equal(mw_sframe_sender_new(&to, crypto, &s), 0);
    mw_sframe_sender_free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(send_as_nobody_5_2),
        cmocka_unit_test(forged_in_this_step_4_4_4),
        cmocka_unit_test(cut_off_4_3),
        cmocka_unit_test(no_room),
        cmocka_unit_test(another_generation_5_1),
        cmocka_unit_test(as_far_ahead_as_can_be_5_1),
        cmocka_unit_test(base_keys_of_another_length),
        cmocka_unit_test(the_largest),
    };

    return cmocka_run_group_tests(tests, crypto_open, crypto_close);
}
