/* A secret tree at rest: what is read is what was written, and everything else is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "keys_fixture.h"
#include "meet/keys/ratchet.h"

static const enum ratchet_kind APP = RATCHET_APPLICATION, SHAKE = RATCHET_HANDSHAKE;

static void use(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind, uint32_t g)
{
    struct message_key k;

    assert_int_equal(secret_tree_key(t, leaf, kind, g, &k), 0);
    secret_tree_used(t, leaf, kind, g);
}

/* A tree that has everything: nodes not derived, ratchets moved, keys kept. */
static struct secret_tree *lived(struct suited s)
{
    struct secret encryption = fixture_secret(s, 7);
    struct secret_tree *t;

    assert_int_equal(secret_tree_new(&t, s, 8, &encryption), 0);
    use(t, 2, APP, 4);
    use(t, 2, APP, 1);
    use(t, 2, SHAKE, 0);
    use(t, 7, SHAKE, 2);
    return t;
}

static int load(struct secret_tree **out, struct suited s, struct mw_span bytes)
{
    struct reader r = { .rest = bytes };
    int e = secret_tree_read(out, s, &r);

    assert_int_equal(e > 0, r.failed);
    if (e == 0)
        assert_int_equal(r.rest.len, 0);
    return e;
}

static void test_round_trip(void **state)
{
    (void)state;
    for (uint16_t suite = 1; suite <= 7; suite++) {
        struct suited s = fixture_suite(suite);
        CLEANUP(secret_tree_freep) struct secret_tree *t = lived(s);
        CLEANUP(secret_tree_freep) struct secret_tree *back = NULL;
        struct buf saved = fixture_state(t), again;

        assert_int_equal(load(&back, s, buf_span(&saved)), 0);
        again = fixture_state(back);
        assert_true(span_eq(buf_span(&saved), buf_span(&again)));
        assert_int_equal(back->kept_all, t->kept_all);
        buf_wipe(&saved);
        buf_wipe(&again);
        for (uint32_t leaf = 0; leaf < 8; leaf++)
            for (uint32_t g = 0; g < 8; g++)
                for (int kind = 0; kind < 2; kind++) {
                    struct message_key a = { 0 }, b = { 0 };
                    int ra = secret_tree_key(t, leaf, (enum ratchet_kind)kind, g, &a);
                    int rb = secret_tree_key(back, leaf, (enum ratchet_kind)kind, g, &b);

                    assert_int_equal(ra, rb);
                    assert_memory_equal(&a, &b, sizeof a);
                }
    }
}

/* What was only looked up is not saved. */
static void test_unbelieved_is_not_saved(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = lived(s);
    struct buf before = fixture_state(t), after;
    struct message_key k;

    (void)state;
    assert_int_equal(secret_tree_key(t, 2, APP, 500, &k), 0);
    after = fixture_state(t);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
    buf_wipe(&before);
    buf_wipe(&after);
}

static void test_cut_off(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = lived(s);
    struct buf saved = fixture_state(t);

    (void)state;
    for (size_t len = 0; len < saved.len; len++) {
        struct secret_tree *none = NULL;

        assert_int_equal(load(&none, s, span_cut(buf_span(&saved), 0, len)),
                         SECRET_TREE_E_MALFORMED);
        assert_null(none);
    }
    buf_wipe(&saved);
}

/* Altered anywhere: refused, or a tree that works and saves as what was read. */
static void test_altered(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = lived(s);
    struct buf saved = fixture_state(t);
    size_t refused = 0;

    (void)state;
    for (size_t i = 0; i < saved.len * 8; i++) {
        CLEANUP(secret_tree_freep) struct secret_tree *back = NULL;
        struct reader r = { .rest = buf_span(&saved) };
        struct message_key k;
        struct buf again;

        saved.data[i / 8] ^= (uint8_t)(1 << i % 8);
        if (secret_tree_read(&back, s, &r) == 0) {
            again = fixture_state(back);
            assert_true(span_eq(span_cut(buf_span(&saved), 0, saved.len - r.rest.len),
                                buf_span(&again)));
            buf_wipe(&again);
            for (uint32_t leaf = 0; leaf < 8 && leaf < secret_tree_leaves(back); leaf++)
                (void)(secret_tree_key(back, leaf, APP, 6, &k) == 0);
        } else {
            refused++;
        }
        saved.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(refused > 100);
    buf_wipe(&saved);
}

static void assert_refused(struct suited s, const char *hex)
{
    struct secret_tree *none = NULL;

    assert_int_equal(load(&none, s, fixture_hex(hex)), SECRET_TREE_E_MALFORMED);
}

#define BYTES16 "00112233445566778899aabbccddeeff"
#define SECRET  BYTES16 BYTES16
#define NONCE   "000102030405060708090a0b"
#define FRESH   "0000000000000000" SECRET "00000000"

static void test_refused(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;

    (void)state;
    assert_int_equal(load(&t, s, fixture_hex("01000100000001" "00" SECRET)), 0);
    secret_tree_free(t);
    assert_int_equal(load(&t, s, fixture_hex("01000100000001" "02" FRESH FRESH)), 0);

    assert_refused(s, "00000100000001" "00" SECRET);            /* version */
    assert_refused(s, "01000200000001" "00" SECRET);            /* another suite */
    assert_refused(s, "01000100000000" "00" SECRET);            /* no leaves */
    assert_refused(s, "01000100000003" "00" SECRET);            /* no power of two */
    assert_refused(s, "01000100000001" "03" SECRET);            /* no such state */
    assert_refused(s, "01000100000001" "01" "00" SECRET "00" SECRET);   /* below a leaf */
    assert_refused(s, "01000100000002" "02" FRESH FRESH);       /* a leaf above leaves */
    assert_refused(s, "01000100000002" "01" "00" SECRET);       /* one child */
    assert_refused(s, "01000100000001" "02" FRESH);             /* one ratchet */
    /* Let go below where the ratchet is; too far above it. */
    assert_refused(s, "01000100000001" "02" "0000000200000001" SECRET "00000000" FRESH);
    assert_refused(s, "01000100000001" "02" "ffffffff00000000" SECRET "00000000" FRESH);
    assert_refused(s, "01000100000001" "02" "0000000000002001" SECRET "00000000" FRESH);
    /* More kept than are ever kept; kept that are still to come; kept twice, out of order. */
    assert_refused(s, "01000100000001" "02" "0000500000005000" SECRET "00000401" FRESH);
    assert_refused(s, "01000100000001" "02" "0000000200000002" SECRET "00000001"
                      "00000002" BYTES16 NONCE FRESH);
    assert_refused(s, "01000100000001" "02" "0000000200000002" SECRET "00000002"
                      "00000001" BYTES16 NONCE "00000001" BYTES16 NONCE FRESH);
    assert_refused(s, "01000100000001" "02" "0000000200000002" SECRET "00000002"
                      "00000001" BYTES16 NONCE "00000000" BYTES16 NONCE FRESH);
    /* Cut off within the last that is kept. */
    assert_refused(s, "01000100000001" "02" FRESH "0000000200000002" SECRET "00000001"
                      "00000001" BYTES16);
}

/* The deepest tree there is, and one that only ever goes down. */
static void test_deep(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 16);
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    struct message_key k;

    (void)state;
    buf_add(&b, fixture_hex("01000180000000"));
    buf_fill(&b, 1, 31);
    assert_int_equal(load(&t, s, buf_span(&b)), SECRET_TREE_E_MALFORMED);
    buf_fill(&b, 1, 1000);
    assert_int_equal(load(&t, s, buf_span(&b)), SECRET_TREE_E_MALFORMED);
    buf_truncate(&b, 7 + 31);
    for (int i = 0; i < 32; i++)
        buf_add(&b, fixture_hex("00" SECRET));
    assert_int_equal(load(&t, s, buf_span(&b)), 0);
    assert_int_equal(secret_tree_key(t, 0x7fffffff, APP, 0, &k), 0);
    assert_int_equal(secret_tree_key(t, 0, APP, 0, &k), 0);
}

static void ratchet_add(struct buf *b, uint32_t kept)
{
    buf_add(b, fixture_hex("0000050000000500" SECRET));
    buf_u32(b, kept);
    for (uint32_t g = 0; g < kept; g++) {
        buf_u32(b, g);
        buf_fill(b, 7, 16 + 12);
    }
}

/* One more than a ratchet may keep. */
static void test_ratchet_keeps_too_much(void **state)
{
    struct suited s = fixture_suite(1);
    struct secret_tree *t = NULL;

    (void)state;
    for (uint32_t kept = SECRET_TREE_KEPT; kept <= SECRET_TREE_KEPT + 1; kept++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 22);

        buf_add(&b, fixture_hex("01000100000001" "02" FRESH));
        ratchet_add(&b, kept);
        assert_int_equal(load(&t, s, buf_span(&b)),
                         kept == SECRET_TREE_KEPT ? 0 : SECRET_TREE_E_MALFORMED);
        secret_tree_free(t);
        t = NULL;
    }
}

/* A tree whose every ratchet keeps all it may is more than a tree may keep. */
static void test_too_much_kept(void **state)
{
    struct suited s = fixture_suite(1);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 22);
    struct secret_tree *none = NULL;

    (void)state;
    buf_add(&b, fixture_hex("01000100000020"));
    for (int leaf = 0, inner = 5; leaf < 32; leaf++) {
        buf_fill(&b, 1, (size_t)inner);
        buf_u8(&b, 2);
        ratchet_add(&b, SECRET_TREE_KEPT);
        ratchet_add(&b, SECRET_TREE_KEPT);
        inner = __builtin_ctz((unsigned)leaf + 1);
    }
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(load(&none, s, buf_span(&b)), SECRET_TREE_E_MALFORMED);
    assert_null(none);
}

static int close_all(void **state)
{
    (void)state;
    fixture_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_unbelieved_is_not_saved),
        cmocka_unit_test(test_cut_off),       cmocka_unit_test(test_altered),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_deep),
        cmocka_unit_test(test_ratchet_keeps_too_much),
        cmocka_unit_test(test_too_much_kept),
    };

    return cmocka_run_group_tests(tests, NULL, close_all);
}
