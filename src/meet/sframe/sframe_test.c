/* A group's frames, through midwatch/sframe.h alone. */
#include <errno.h>
#include <midwatch/sframe.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/span.h"

enum { ROOM = 4096 };

static const uint8_t base_key[32] = "sixteen bytes or more make a key";

/* Two members of one group: E = 2, S = 4, two epochs, three streams. */
struct pair {
    struct mw_crypto *crypto;
    struct mw_sframe *a, *b;
};

static const struct mw_sframe_options usual = {
    .suite = MW_SFRAME_AES_128_GCM_SHA256_128,
    .index_bits = 4,
    .epoch_bits = 2,
    .epochs = 2,
    .streams = 3,
    .keys = 4,
};

static struct pair pair_new(enum mw_sframe_suite suite)
{
    struct mw_sframe_options o = usual;
    struct pair p;

    o.suite = suite;
    o.short_tags = true;
    assert_int_equal(mw_crypto_new(&p.crypto), 0);
    assert_int_equal(mw_sframe_new(&p.a, p.crypto, &o), 0);
    assert_int_equal(mw_sframe_new(&p.b, p.crypto, &o), 0);
    return p;
}

static void pair_free(struct pair *p)
{
    mw_sframe_free(p->a);
    mw_sframe_free(p->b);
    mw_crypto_free(p->crypto);
}

/* A key of the epoch's own. */
static void epoch_begin(struct mw_sframe *f, uint64_t epoch)
{
    uint8_t key[32];

    memcpy(key, base_key, sizeof key);
    key[0] = (uint8_t)epoch;
    assert_int_equal(mw_sframe_add_epoch(f, epoch, span_of(key, sizeof key), 10), 0);
}

/* a is member 3, b is member 9; epoch 5. */
static struct pair pair_ready(enum mw_sframe_suite suite)
{
    struct pair p = pair_new(suite);

    epoch_begin(p.a, 5);
    epoch_begin(p.b, 5);
    assert_int_equal(mw_sframe_send_as(p.a, 5, 3), 0);
    assert_int_equal(mw_sframe_send_as(p.b, 5, 9), 0);
    return p;
}

static size_t sealed(struct mw_sframe *f, unsigned stream, const char *text, uint8_t out[ROOM])
{
    size_t len = 0;

    assert_int_equal(mw_sframe_seal(f, stream, SPAN_LIT("meta"), span_str(text), out, ROOM, &len),
                     0);
    assert_true(len > strlen(text));
    return len;
}

static int opened(struct mw_sframe *f, const uint8_t *frame, size_t len)
{
    uint8_t out[ROOM];
    struct mw_sframe_opened o;

    return mw_sframe_open(f, SPAN_LIT("meta"), span_of(frame, len), out, sizeof out, &o);
}

/* ------------------------------------------------------------------------------------ */

/* RFC 9605 C.3: KID 0x123 is epoch 3 of 16 and index 18, counter 0x4567. */
static const struct {
    enum mw_sframe_suite suite;
    const char *frame;
    size_t len;
} rfc[] = {
    { 1, "\x99\x01\x23\x45\x67\x44\x94\x08\xb6\xf4\x90\x08\x61\x65\xb9\xd6\xf6\x2b\x24\xae\x1a\x59"
         "\xa5\x64\x86\xb4\xae\x8e\xd0\x36\xb8\x89\x12\xe2\x4f\x11", 36 },
    { 2, "\x99\x01\x23\x45\x67\x3f\x31\x43\x8d\xb4\xd0\x94\x34\xe4\x3a\xfa\x0f\x8a\x2f\x00\x86\x7a"
         "\x2b\xe0\x85\x04\x6a\x9f\x5c\xb4\xf1\x01\xd6\x07", 34 },
    { 3, "\x99\x01\x23\x45\x67\x17\xfc\x8a\xf2\x8a\x5a\x69\x5a\xfc\xfc\x6c\x8d\xf6\x35\x8a\x17\xe2"
         "\x6b\x2f\xcb\x3b\xae\x32\xe4\x43", 30 },
    { 4, "\x99\x01\x23\x45\x67\xb7\x41\x2c\x25\x13\xa1\xb6\x6d\xbb\x48\x84\x1b\xba\xf1\x7f\x59\x87"
         "\x51\x17\x6a\xd8\x47\x68\x1a\x69\xc6\xd0\xb0\x91\xc0\x70\x18\xce\x4a\xdb\x34\xeb", 42 },
    { 5, "\x99\x01\x23\x45\x67\x94\xf5\x09\xd3\x6e\x9b\xea\xcb\x0e\x26\x1d\x99\xc7\xd1\xe9\x72\xf1"
         "\xfe\xd7\x87\xd4\x04\x9f\x17\xca\x21\x35\x3c\x1c\xc2\x4d\x56\xce\xab\xce\xd2\x79", 42 },
};

static void the_rfcs_frames(void **state)
{
    static const uint8_t key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    struct mw_span content = SPAN_LIT("draft-ietf-sframe-enc"), meta = SPAN_LIT("IETF SFrame WG");
    struct mw_crypto *crypto;

    (void)state;
    assert_int_equal(mw_crypto_new(&crypto), 0);
    for (size_t i = 0; i < ARRAY_LEN(rfc); i++) {
        struct mw_sframe_options o = { .suite = rfc[i].suite, .index_bits = 5, .epoch_bits = 4,
                                       .short_tags = true };
        struct mw_sframe *from, *to;
        struct mw_sframe_opened got;
        uint8_t out[100], back[100];
        size_t len;

        assert_int_equal(mw_sframe_new(&from, crypto, &o), 0);
        assert_int_equal(mw_sframe_new(&to, crypto, &o), 0);
        assert_int_equal(mw_sframe_add_epoch(from, 19, span_of(key, sizeof key), 32), 0);
        assert_int_equal(mw_sframe_add_epoch(to, 19, span_of(key, sizeof key), 32), 0);
        assert_int_equal(mw_sframe_send_as(from, 19, 18), 0);
        assert_int_equal(mw_sframe_raise_counter(from, 0, 0x4567), 0);
        assert_int_equal(mw_sframe_overhead(from, 0), rfc[i].len - content.len);
        assert_int_equal(mw_sframe_seal(from, 0, meta, content, out, sizeof out, &len), 0);
        assert_int_equal(len, rfc[i].len);
        assert_memory_equal(out, rfc[i].frame, len);
        assert_int_equal(mw_sframe_open(to, meta, span_of(out, len), back, content.len, &got), 0);
        assert_true(span_eq(got.plain, content) && got.plain.data == back);
        assert_true(got.kid == 0x123 && got.counter == 0x4567 && got.epoch == 19 &&
                    got.index == 18 && got.stream == 0);
        mw_sframe_free(from);
        mw_sframe_free(to);
    }
    mw_crypto_free(crypto);
}

/* Every suite, both ways, three streams whose counters are their own. */
static void frames_both_ways(void **state)
{
    (void)state;
    for (int suite = 1; suite <= 5; suite++) {
        struct pair p = pair_ready((enum mw_sframe_suite)suite);
        uint8_t frame[ROOM], out[ROOM];
        struct mw_sframe_opened o;

        for (unsigned i = 0; i < 60; i++) {
            struct mw_sframe *from = i % 2 == 0 ? p.a : p.b, *to = i % 2 == 0 ? p.b : p.a;
            size_t len = sealed(from, i / 2 % 3, "content", frame);

            assert_int_equal(
                mw_sframe_open(to, SPAN_LIT("meta"), span_of(frame, len), out, ROOM, &o), 0);
            assert_true(span_eq(o.plain, SPAN_LIT("content")));
            assert_true(o.stream == i / 2 % 3 && o.counter == i / 6 && o.epoch == 5);
            assert_int_equal(o.index, i % 2 == 0 ? 3 : 9);
        }
        pair_free(&p);
    }
}

/* Content anywhere in out, and content of no length. */
static void sealed_where_it_is(void **state)
{
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 100 };
    uint8_t content[100];

    (void)state;
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)i;
    for (int suite = 1; suite <= 5; suite++) {
        struct pair p = pair_ready((enum mw_sframe_suite)suite);

        for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
            for (size_t at = 0; at < 40; at++) {
                uint8_t whole[200] = { 0 };
                struct mw_sframe_opened o;
                size_t len, room = mw_sframe_overhead(p.a, 0) + sizes[k];

                memcpy(whole + at, content, sizes[k]);
                assert_int_equal(mw_sframe_seal(p.a, 0, span_of(NULL, 0),
                                                span_of(whole + at, sizes[k]), whole, room, &len),
                                 0);
                assert_int_equal(len, room);
                /* In place again: the content begins behind the header. */
                assert_int_equal(mw_sframe_open(p.b, span_of(NULL, 0), span_of(whole, len), whole,
                                                len, &o), 0);
                assert_true(span_eq(o.plain, span_of(content, sizes[k])));
                assert_true(o.plain.data > whole && o.plain.data < whole + 18);
            }
        }
        pair_free(&p);
    }
}

static void a_changed_bit(void **state)
{
    (void)state;
    for (int suite = 1; suite <= 5; suite++) {
        struct pair p = pair_ready((enum mw_sframe_suite)suite);
        uint8_t frame[ROOM], out[ROOM];
        struct mw_sframe_opened o = { .counter = 77 };
        size_t len;

        (void)sealed(p.a, 1, "to have a counter that is not 0", frame);
        len = sealed(p.a, 1, "forty bytes or so, which is not much.", frame);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            int r;

            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
            memset(out, 0xaa, 64);
            r = mw_sframe_open(p.b, SPAN_LIT("meta"), span_of(frame, len), out, sizeof out, &o);
            assert_true(r > 0);
            if (r == MW_SFRAME_E_FORGED)
                assert_int_equal(out[0], 0);
            frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_int_equal(mw_sframe_open(p.b, SPAN_LIT("metb"), span_of(frame, len), out, ROOM, &o),
                         MW_SFRAME_E_FORGED);
        assert_int_equal(mw_sframe_open(p.b, SPAN_LIT("met"), span_of(frame, len), out, ROOM, &o),
                         MW_SFRAME_E_FORGED);
        assert_int_equal(o.counter, 77);
        assert_int_equal(opened(p.b, frame, len), 0);   /* none of it did harm */
        pair_free(&p);
    }
}

/* OpenSSL's queue of errors is the program's, where SSL_get_error() looks: nothing is added to it
 * or taken away. */
static void openssls_queue(void **state)
{
    (void)state;
    ERR_clear_error();
    for (int suite = 1; suite <= 5; suite++) {
        struct pair p = pair_ready((enum mw_sframe_suite)suite);
        uint8_t frame[ROOM];
        size_t len = sealed(p.a, 0, "content", frame);

        frame[len - 1] ^= 1;
        assert_int_equal(opened(p.b, frame, len), MW_SFRAME_E_FORGED);
        frame[len - 1] ^= 1;
        assert_int_equal(opened(p.b, frame, len), 0);
        assert_int_equal(ERR_peek_error(), 0);
        ERR_raise(ERR_LIB_USER, 77);
        len = sealed(p.a, 0, "content", frame);
        frame[len - 1] ^= 1;
        assert_int_equal(opened(p.b, frame, len), MW_SFRAME_E_FORGED);
        assert_int_equal(ERR_GET_REASON(ERR_get_error()), 77);
        assert_int_equal(ERR_get_error(), 0);
        pair_free(&p);
    }
}

static void cut_and_extended(void **state)
{
    (void)state;
    for (int suite = 1; suite <= 5; suite++) {
        struct pair p = pair_ready((enum mw_sframe_suite)suite);
        uint8_t frame[ROOM];
        size_t len = sealed(p.a, 2, "some content", frame);

        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *exact = malloc(cut + 1);   /* so that reading past it is noticed */
            int r;

            assert_non_null(exact);
            memcpy(exact, frame, cut);
            r = opened(p.b, exact, cut);
            assert_true(r == MW_SFRAME_E_HEADER || r == MW_SFRAME_E_FORGED);
            free(exact);
        }
        memset(frame + len, 0, 20);
        for (size_t more = 1; more < 20; more++)
            assert_int_equal(opened(p.b, frame, len + more), MW_SFRAME_E_FORGED);
        assert_int_equal(opened(p.b, frame, len), 0);
        pair_free(&p);
    }
}

static void once_and_not_too_late(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    static uint8_t frames[200][64];
    size_t len[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        uint8_t frame[ROOM];

        len[i] = sealed(p.a, 0, "content", frame);
        memcpy(frames[i], frame, len[i]);
    }
    assert_int_equal(opened(p.b, frames[150], len[150]), 0);
    assert_int_equal(opened(p.b, frames[150], len[150]), MW_SFRAME_E_REPLAYED);
    assert_int_equal(opened(p.b, frames[23], len[23]), 0);              /* the window's last */
    assert_int_equal(opened(p.b, frames[22], len[22]), MW_SFRAME_E_OLD);
    assert_int_equal(opened(p.b, frames[23], len[23]), MW_SFRAME_E_REPLAYED);
    /* A forged frame far ahead moves nothing. */
    frames[199][len[199] - 1] ^= 1;
    assert_int_equal(opened(p.b, frames[199], len[199]), MW_SFRAME_E_FORGED);
    assert_int_equal(opened(p.b, frames[24], len[24]), 0);
    frames[199][len[199] - 1] ^= 1;
    assert_int_equal(opened(p.b, frames[199], len[199]), 0);
    assert_int_equal(opened(p.b, frames[25], len[25]), MW_SFRAME_E_OLD);
    pair_free(&p);
}

static void keys_that_are_not_there(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    static const uint8_t frames[][40] = {
        { 0x80, 3 << 2 | 0 },           /* another epoch: low bits 0, not 1 */
        { 0x80, 10 << 2 | 1 },          /* beyond the members */
        { 0x80, 3 << 6 | 1 },           /* a fourth stream */
        { 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfd },
    };
    uint8_t frame[ROOM];
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        assert_int_equal(opened(p.b, frames[i], sizeof frames[i]), MW_SFRAME_E_KEY);
    /* Our own, back from the relay. */
    len = sealed(p.b, 0, "echo", frame);
    assert_int_equal(opened(p.b, frame, len), MW_SFRAME_E_OWN);
    assert_int_equal(opened(p.a, frame, len), 0);
    pair_free(&p);
}

static void the_last_counter(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    uint8_t frame[ROOM];
    size_t len;

    (void)state;
    assert_int_equal(mw_sframe_raise_counter(p.a, 0, UINT64_MAX - 1), 0);
    assert_int_equal(mw_sframe_raise_counter(p.a, 0, 5), 0);            /* never back */
    assert_int_equal(mw_sframe_counter(p.a, 0), UINT64_MAX - 1);
    for (int i = 0; i < 2; i++) {
        len = sealed(p.a, 0, "late", frame);
        assert_int_equal(opened(p.b, frame, len), 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(mw_sframe_seal(p.a, 0, span_of(NULL, 0), SPAN_LIT("x"), frame, ROOM, &len),
                         MW_SFRAME_E_EXHAUSTED);
    assert_int_equal(mw_sframe_raise_counter(p.a, 0, 0), 0);
    assert_int_equal(mw_sframe_seal(p.a, 0, span_of(NULL, 0), SPAN_LIT("x"), frame, ROOM, &len),
                     MW_SFRAME_E_EXHAUSTED);
    (void)sealed(p.a, 1, "other streams go on", frame);
    epoch_begin(p.a, 6);
    epoch_begin(p.b, 6);
    assert_int_equal(mw_sframe_send_as(p.a, 6, 3), 0);
    assert_int_equal(mw_sframe_counter(p.a, 0), 0);
    len = sealed(p.a, 0, "and a new epoch helps", frame);
    assert_int_equal(opened(p.b, frame, len), 0);
    pair_free(&p);
}

static void epochs_in_flight(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    uint8_t five[ROOM], six[ROOM], seven[ROOM], again[ROOM];
    size_t five_len = sealed(p.a, 0, "five", five), six_len, seven_len, again_len;

    (void)state;
    again_len = sealed(p.a, 0, "five again", again);
    epoch_begin(p.a, 6);
    assert_int_equal(mw_sframe_send_as(p.a, 6, 3), 0);
    six_len = sealed(p.a, 0, "six", six);
    assert_int_equal(opened(p.b, six, six_len), MW_SFRAME_E_KEY);       /* may be kept */
    epoch_begin(p.b, 6);
    assert_int_equal(opened(p.b, six, six_len), 0);
    assert_int_equal(opened(p.b, five, five_len), 0);
    /* b still sends in 5, and a hears it. */
    five_len = sealed(p.b, 0, "from b", five);
    assert_int_equal(opened(p.a, five, five_len), 0);
    /* Two at once: the third epoch ends the first, and with it b's sending. */
    epoch_begin(p.a, 7);
    epoch_begin(p.b, 7);
    assert_int_equal(opened(p.b, again, again_len), MW_SFRAME_E_KEY);
    assert_int_equal(mw_sframe_seal(p.b, 0, span_of(NULL, 0), SPAN_LIT("x"), five, ROOM, &five_len),
                     MW_SFRAME_E_NOT_SENDING);
    assert_int_equal(mw_sframe_raise_counter(p.b, 0, 9), MW_SFRAME_E_NOT_SENDING);
    assert_int_equal(mw_sframe_send_as(p.b, 7, 9), 0);
    seven_len = sealed(p.b, 0, "seven", seven);
    assert_int_equal(opened(p.a, seven, seven_len), 0);
    mw_sframe_drop_epoch(p.a, 7);
    mw_sframe_drop_epoch(p.a, 99);
    seven_len = sealed(p.b, 0, "seven", seven);
    assert_int_equal(opened(p.a, seven, seven_len), MW_SFRAME_E_KEY);
    pair_free(&p);
}

/* 5.2: an old epoch MUST go when a new one has the same low bits. */
static void low_bits_recur(void **state)
{
    struct mw_sframe_options o = usual;
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    struct mw_sframe *c;
    uint8_t frame[ROOM], late[ROOM];
    size_t len = sealed(p.a, 0, "old", frame), late_len;

    (void)state;
    o.epochs = 4;
    assert_int_equal(mw_sframe_new(&c, p.crypto, &o), 0);
    epoch_begin(c, 5);
    assert_int_equal(opened(c, frame, len), 0);
    late_len = sealed(p.a, 0, "late", late);
    epoch_begin(c, 7);
    epoch_begin(c, 9);          /* 9 = 5 mod 4, though there is room for four epochs */
    assert_int_equal(opened(c, late, late_len), MW_SFRAME_E_FORGED);
    epoch_begin(p.a, 9);
    assert_int_equal(mw_sframe_send_as(p.a, 9, 3), 0);
    len = sealed(p.a, 0, "new, with the old counter", frame);
    assert_int_equal(opened(c, frame, len), 0);
    mw_sframe_free(c);
    pair_free(&p);
}

static void epochs_only_go_up(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    struct mw_span key = span_of(base_key, sizeof base_key);

    (void)state;
    assert_int_equal(mw_sframe_add_epoch(p.a, 5, key, 10), MW_SFRAME_E_PAST);
    assert_int_equal(mw_sframe_add_epoch(p.a, 4, key, 10), MW_SFRAME_E_PAST);
    epoch_begin(p.a, 6);
    assert_int_equal(mw_sframe_send_as(p.a, 6, 3), 0);
    assert_int_equal(mw_sframe_send_as(p.a, 5, 3), MW_SFRAME_E_PAST);
    assert_int_equal(mw_sframe_send_as(p.a, 7, 3), MW_SFRAME_E_KEY);
    mw_sframe_drop_epoch(p.a, 6);
    /* Its counters are forgotten, so it must not come back. */
    assert_int_equal(mw_sframe_add_epoch(p.a, 6, key, 10), MW_SFRAME_E_PAST);
    assert_int_equal(mw_sframe_send_as(p.a, 6, 3), MW_SFRAME_E_KEY);
    pair_free(&p);
}

/* The same epoch and index again is no reason to begin the counters again. */
static void sending_twice(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    uint8_t frame[ROOM];

    (void)state;
    (void)sealed(p.a, 0, "one", frame);
    assert_int_equal(mw_sframe_send_as(p.a, 5, 3), 0);
    assert_int_equal(mw_sframe_counter(p.a, 0), 1);
    assert_int_equal(mw_sframe_send_as(p.a, 5, 4), -EINVAL);
    assert_int_equal(mw_sframe_send_as(p.a, 5, 10), -EINVAL);
    assert_int_equal(mw_sframe_counter(p.a, 0), 1);
    pair_free(&p);
}

static void limits(void **state)
{
    struct pair p = pair_ready(MW_SFRAME_AES_128_GCM_SHA256_128);
    static uint8_t meta[MW_SFRAME_METADATA_MAX + 1];
    static uint8_t big[MW_SFRAME_FRAME_MAX + MW_SFRAME_OVERHEAD_MAX + 1];
    uint8_t frame[ROOM];
    struct mw_sframe_opened o;
    struct mw_span m = span_of(meta, MW_SFRAME_METADATA_MAX), one = SPAN_LIT("1");
    size_t len, need = mw_sframe_overhead(p.a, 0) + 1;

    (void)state;
    assert_int_equal(mw_sframe_seal(p.a, 3, m, one, frame, ROOM, &len), -EINVAL);
    assert_int_equal(mw_sframe_seal(p.a, 0, m, one, frame, need - 1, &len), -EMSGSIZE);
    assert_int_equal(mw_sframe_counter(p.a, 0), 0);
    assert_int_equal(mw_sframe_seal(p.a, 0, m, one, frame, need, &len), 0);
    assert_int_equal(mw_sframe_open(p.b, m, span_of(frame, len), frame + len, 0, &o), -EMSGSIZE);
    assert_int_equal(mw_sframe_open(p.b, m, span_of(frame, len), frame + 1, ROOM - 1, &o), -EINVAL);
    assert_int_equal(mw_sframe_open(p.b, m, span_of(frame, len), frame + len, 1, &o), 0);
    m.len++;
    assert_int_equal(mw_sframe_seal(p.a, 0, m, one, frame, ROOM, &len), -EMSGSIZE);
    assert_int_equal(mw_sframe_open(p.b, m, span_of(frame, 30), frame + 30, 30, &o), -EMSGSIZE);
    m.len = 0;
    assert_int_equal(mw_sframe_seal(p.a, 0, m, span_of(big, MW_SFRAME_FRAME_MAX), big, sizeof big,
                                    &len), 0);
    assert_int_equal(mw_sframe_open(p.b, m, span_of(big, len), big, sizeof big, &o), 0);
    assert_int_equal(o.plain.len, MW_SFRAME_FRAME_MAX);
    assert_int_equal(mw_sframe_seal(p.a, 0, m, span_of(big, MW_SFRAME_FRAME_MAX + 1), big,
                                    sizeof big, &len), -EMSGSIZE);
    pair_free(&p);
}

static void options(void **state)
{
    static const struct {
        struct mw_sframe_options o;
        int result;
    } cases[] = {
        { { .suite = 4, .index_bits = 1, .epoch_bits = 1 }, 0 },
        { { .suite = 0, .index_bits = 1, .epoch_bits = 1 }, -EINVAL },
        { { .suite = 6, .index_bits = 1, .epoch_bits = 1 }, -EINVAL },
        { { .suite = 3, .index_bits = 1, .epoch_bits = 1 }, -EPERM },
        { { .suite = 3, .index_bits = 1, .epoch_bits = 1, .short_tags = true }, 0 },
        { { .suite = 4, .epoch_bits = 1 }, -EINVAL },
        { { .suite = 4, .index_bits = 25, .epoch_bits = 1 }, -EINVAL },
        { { .suite = 4, .index_bits = 1 }, -EINVAL },
        { { .suite = 4, .index_bits = 1, .epoch_bits = 17 }, -EINVAL },
        { { .suite = 4, .index_bits = 1, .epoch_bits = 1, .epochs = 3 }, -EINVAL },
        { { .suite = 4, .index_bits = 1, .epoch_bits = 9, .epochs = 65 }, -EINVAL },
        { { .suite = 4, .index_bits = 1, .epoch_bits = 1, .streams = 257 }, -EINVAL },
        { { .suite = 4, .index_bits = 1, .epoch_bits = 1, .keys = 65537 }, -EINVAL },
    };
    struct mw_crypto *crypto;

    (void)state;
    assert_int_equal(mw_crypto_new(&crypto), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mw_sframe *f = NULL;

        assert_int_equal(mw_sframe_new(&f, crypto, &cases[i].o), cases[i].result);
        assert_int_equal(f != NULL, cases[i].result == 0);
        mw_sframe_free(f);
    }
    mw_crypto_free(crypto);
    assert_int_equal(mw_sframe_key_size(1), 48);
    assert_int_equal(mw_sframe_key_size(4), 16);
    assert_int_equal(mw_sframe_key_size(5), 32);
    assert_int_equal(mw_sframe_key_size(6), 0);
}

static void members_and_keys(void **state)
{
    struct pair p = pair_new(MW_SFRAME_AES_128_GCM_SHA256_128);
    struct mw_sframe_options o = { .suite = 4, .index_bits = 20, .epoch_bits = 1, .streams = 2 };
    struct mw_span key = span_of(base_key, sizeof base_key);
    struct mw_sframe *f;
    uint8_t frame[ROOM], long_key[65] = { 0 };
    size_t len;

    (void)state;
    assert_int_equal(mw_sframe_add_epoch(p.a, 1, key, 0), -EINVAL);
    assert_int_equal(mw_sframe_add_epoch(p.a, 1, key, 17), -EINVAL);
    assert_int_equal(mw_sframe_add_epoch(p.a, 1, span_cut(key, 0, 15), 16), -EINVAL);
    assert_int_equal(mw_sframe_add_epoch(p.a, 1, span_of(long_key, 65), 16), -EINVAL);
    assert_int_equal(mw_sframe_seal(p.a, 0, key, key, frame, ROOM, &len), MW_SFRAME_E_NOT_SENDING);
    assert_int_equal(mw_sframe_add_epoch(p.a, 1, span_of(long_key, 64), 16), 0);
    assert_int_equal(mw_sframe_new(&f, p.crypto, &o), 0);
    assert_int_equal(mw_sframe_add_epoch(f, 1, key, 1 << 20), -EMSGSIZE);
    assert_int_equal(mw_sframe_add_epoch(f, 1, key, 1 << 19), 0);
    mw_sframe_free(f);
    pair_free(&p);
}

static void every_error_has_words(void **state)
{
    static const int errors[] = { 0, -ENOMEM, -EINVAL, -EMSGSIZE, -EPERM, -EIO };

    (void)state;
    for (int i = MW_SFRAME_E_HEADER; i <= MW_SFRAME_E_NOT_SENDING; i++)
        for (int k = MW_SFRAME_E_HEADER; k < i; k++)
            assert_string_not_equal(mw_sframe_error_text(i), mw_sframe_error_text(k));
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        assert_true(strlen(mw_sframe_error_text(errors[i])) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfcs_frames),
        cmocka_unit_test(frames_both_ways),
        cmocka_unit_test(sealed_where_it_is),
        cmocka_unit_test(a_changed_bit),
        cmocka_unit_test(openssls_queue),
        cmocka_unit_test(cut_and_extended),
        cmocka_unit_test(once_and_not_too_late),
        cmocka_unit_test(keys_that_are_not_there),
        cmocka_unit_test(the_last_counter),
        cmocka_unit_test(epochs_in_flight),
        cmocka_unit_test(low_bits_recur),
        cmocka_unit_test(epochs_only_go_up),
        cmocka_unit_test(sending_twice),
        cmocka_unit_test(limits),
        cmocka_unit_test(options),
        cmocka_unit_test(members_and_keys),
        cmocka_unit_test(every_error_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
