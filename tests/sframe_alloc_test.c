/* Every allocation fails once in the life of an SFrame context, and what was there still works.
 * And: once a sender was heard, frames are sealed and opened without any allocation at all.
 * usage: sframe_alloc_test [openssl]      with it, libcrypto's allocations count and fail too */
#include "alloc_fail.h"

#include <errno.h>
#include <midwatch/sframe_sender.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/span.h"

enum { ROOM = 6200 };

static const struct mw_span meta = { (const uint8_t *)"metadata", 8 };
static struct mw_crypto *crypto;

/* OpenSSL can do without some of what it asks for, and does not always say what it lacked. */
static bool may_be(int r, bool failed)
{
    return r == 0 || (failed && (r == -ENOMEM || r == -EIO));
}

static struct mw_span key_of(uint64_t epoch, uint8_t key[32])
{
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)(epoch + i);
    return span_of(key, 32);
}

/* 0 or -ENOMEM; *f is whole or NULL. */
static int group_begin(struct mw_sframe **f, enum mw_sframe_suite suite)
{
    struct mw_sframe_options o = { .suite = suite, .index_bits = 8, .epoch_bits = 4, .streams = 2,
                                   .keys = 3, .short_tags = true };

    return mw_sframe_new(f, crypto, &o);
}

static int epoch_begin(struct mw_sframe *f, uint64_t epoch, uint32_t index)
{
    uint8_t key[32];
    int r = mw_sframe_add_epoch(f, epoch, key_of(epoch, key), 200);

    return r == 0 ? mw_sframe_send_as(f, epoch, index) : r;
}

/* One frame from a to b. */
static int pass(struct mw_sframe *a, struct mw_sframe *b, unsigned stream, size_t size)
{
    static uint8_t content[ROOM], frame[ROOM], out[ROOM];
    struct mw_sframe_opened o;
    size_t len;
    int r = mw_sframe_seal(a, stream, meta, span_of(content, size), frame, ROOM, &len);

    if (r == 0)
        r = mw_sframe_open(b, meta, span_of(frame, len), out, ROOM, &o);
    if (r == 0)
        assert_true(o.plain.len == size && o.stream == stream);
    return r;
}

static int life(struct mw_sframe **a, struct mw_sframe **b, enum mw_sframe_suite suite)
{
    int r = group_begin(a, suite);

    if (r == 0)
        r = group_begin(b, suite);
    for (uint64_t epoch = 1; r == 0 && epoch < 4; epoch++) {
        r = epoch_begin(*a, epoch, 3);
        if (r == 0)
            r = epoch_begin(*b, epoch, 199);
        for (unsigned i = 0; r == 0 && i < 4; i++)
            r = pass(i % 2 == 0 ? *a : *b, i % 2 == 0 ? *b : *a, i / 2, 100);
    }
    return r;
}

/* After a failure both must go on in a new epoch as if nothing had been. */
static void still_well(struct mw_sframe *a, struct mw_sframe *b)
{
    if (a == NULL || b == NULL)
        return;
    assert_int_equal(epoch_begin(a, 9, 3), 0);
    assert_int_equal(epoch_begin(b, 9, 199), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pass(i % 2 == 0 ? a : b, i % 2 == 0 ? b : a, i / 2, 100), 0);
}

static bool run_group(void *context, size_t nth)
{
    const int *suite = context;
    struct mw_sframe *a = NULL, *b = NULL;
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = life(&a, &b, (enum mw_sframe_suite)*suite);
    failed = alloc_fail_disarm();
    assert_true(may_be(r, failed));
    still_well(a, b);
    mw_sframe_free(a);
    mw_sframe_free(b);
    return failed;
}

static void a_groups_life(void **state)
{
    (void)state;
    for (int suite = 1; suite <= 5; suite++)
        assert_true(alloc_fail_each(run_group, &suite) >= 15);
}

/* ---------------------------------------------------------------------- sender keys ---- */

static int sender_begin(struct mw_sframe_sender **s, enum mw_sframe_use use)
{
    struct mw_sframe_sender_options o = { .suite = 4, .use = use, .ratchet_bits = 3,
                                          .steps_kept = 2 };

    return mw_sframe_sender_new(s, crypto, &o);
}

static int sender_pass(struct mw_sframe_sender *from, struct mw_sframe_sender *to)
{
    struct mw_sframe_opened o;
    uint8_t frame[100], out[100];
    size_t len;
    int r = mw_sframe_sender_seal(from, meta, meta, frame, sizeof frame, &len);

    return r == 0 ? mw_sframe_sender_open(to, meta, span_of(frame, len), out, sizeof out, &o) : r;
}

static int sender_life(struct mw_sframe_sender **from, struct mw_sframe_sender **to)
{
    uint8_t key[32];
    int r = sender_begin(from, MW_SFRAME_TO_SEAL);

    if (r == 0)
        r = sender_begin(to, MW_SFRAME_TO_OPEN);
    if (r == 0)
        r = mw_sframe_sender_set_key(*from, 1, 0, key_of(1, key));
    if (r == 0)
        r = mw_sframe_sender_set_key(*to, 1, 0, key_of(1, key));
    for (unsigned i = 0; r == 0 && i < 4; i++) {
        r = sender_pass(*from, *to);
        for (unsigned k = 0; r == 0 && k <= i; k++)
            r = mw_sframe_sender_ratchet(*from);
    }
    return r;
}

static bool run_sender(void *context, size_t nth)
{
    struct mw_sframe_sender *from = NULL, *to = NULL;
    uint8_t key[32];
    bool failed;
    int r;

    (void)context;
    alloc_fail_arm(nth);
    r = sender_life(&from, &to);
    failed = alloc_fail_disarm();
    assert_true(may_be(r, failed));
    if (from != NULL && to != NULL) {
        assert_int_equal(mw_sframe_sender_set_key(from, 2, 0, key_of(2, key)), 0);
        assert_int_equal(mw_sframe_sender_set_key(to, 2, 0, key_of(2, key)), 0);
        assert_int_equal(sender_pass(from, to), 0);
    }
    mw_sframe_sender_free(from);
    mw_sframe_sender_free(to);
    return failed;
}

static void a_senders_life(void **state)
{
    (void)state;
    assert_true(alloc_fail_each(run_sender, NULL) >= 8);
}

/* ------------------------------------------------------------------------- no frame ---- */

/* The first allocation would fail, and would be seen. */
static void frames_cost_no_allocation(void **state)
{
    static const size_t sizes[] = { 120, 1200, 6000 };

    (void)state;
    for (int suite = 1; suite <= 5; suite++) {
        struct mw_sframe *a, *b;
        static uint8_t forged[64] = { 0x80, 3 << 4 | 1 };
        struct mw_sframe_opened o;

        assert_int_equal(group_begin(&a, (enum mw_sframe_suite)suite), 0);
        assert_int_equal(group_begin(&b, (enum mw_sframe_suite)suite), 0);
        assert_int_equal(epoch_begin(a, 1, 3), 0);
        assert_int_equal(epoch_begin(b, 1, 4), 0);
        for (unsigned stream = 0; stream < 2; stream++)         /* keys are derived here */
            assert_int_equal(pass(a, b, stream, 1), 0);
        alloc_fail_arm(1);
        for (unsigned i = 0; i < 3000; i++) {
            assert_int_equal(pass(a, b, i % 2, sizes[i % 3]), 0);
            forged[0] = 0x80;
            forged[1] = (uint8_t)(3 << 4 | 1);
            assert_true(mw_sframe_open(b, meta, span_of(forged, sizeof forged), forged,
                                       sizeof forged, &o) > 0);
        }
        assert_false(alloc_fail_disarm());
        mw_sframe_free(a);
        mw_sframe_free(b);
    }
}

/* The count itself works: a new sender's first frame derives its key, which OpenSSL allocates for;
 * and _new() does by itself. */
static void the_count_counts(void **state)
{
    struct mw_sframe *a = NULL;

    (void)state;
    alloc_fail_arm(1);
    assert_int_equal(group_begin(&a, 4), -ENOMEM);
    assert_true(alloc_fail_disarm());
    assert_null(a);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_groups_life),
        cmocka_unit_test(a_senders_life),
        cmocka_unit_test(frames_cost_no_allocation),
        cmocka_unit_test(the_count_counts),
    };
    int r;

    if (argc > 1 && strcmp(argv[1], "openssl") == 0 && !alloc_fail_openssl())
        return 1;
    if (mw_crypto_new(&crypto) != 0)
        return 1;
    r = cmocka_run_group_tests(tests, NULL, NULL);
    mw_crypto_free(crypto);
    return r;
}
