/* What a member can do who knows all of an epoch's secrets (RFC 9420 6.3): seal whatever it likes
 * with the right keys. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "frame_fixture.h"

enum { ROOM = 1 << 20 };

/* Sender data longer or shorter than it is, by a member: sealed with the right key. */
static void test_sender_data_length(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf aad = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    uint8_t data[64] = { 0, 0, 0, 1 }, sealed[64 + CRYPT_TAG];
    struct message_key k = { 0 };
    struct private_message m;
    struct mls_message whole;
    struct authentic got;
    struct opened o;

    (void)state;
    pair_init(&p, 1);
    pair_seal(&p, pair_content(CONTENT_PROPOSAL), 0, &out);
    assert_true(mls_message_read(&whole, buf_span(&out)));
    m = whole.private_message;
    vector_write(&aad, m.group_id);
    buf_u64(&aad, m.epoch);
    buf_u8(&aad, m.content_type);
    assert_int_equal(sender_data_key(p.s, &p.sender_data, m.ciphertext, &k), 0);
    for (size_t len = 0; len <= sizeof data; len++) {
        assert_int_equal(crypt_seal(p.s.crypto, p.s.suite->aead, span_of(k.key, p.s.suite->nk),
                                    k.nonce, buf_span(&aad), span_of(data, len), sealed), 0);
        m.encrypted_sender_data = span_of(sealed, len + CRYPT_TAG);
        /* Of the right length it opens, and names another nonce than the content's. */
        assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o),
                         len == 12 ? FRAME_E_SEALED : FRAME_E_SENDER_DATA);
    }
}

/* A member that knows all of the epoch's secrets speaks in another's name: its signature is
 * wrong, and the key stays for who can sign. */
static void test_forged_by_a_member(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf forged = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a, got;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PRIVATE_MESSAGE, pair_content(CONTENT_APPLICATION), signature);
    signature[7] ^= 1;
    {
        struct frame_keys k = p.sender;

        assert_int_equal(secret_tree_new(&k.secrets, p.s, 2, &p.encryption), 0);
        assert_int_equal(frame_private(&k, &a, 0, mw_random_system(), &forged), 0);
        secret_tree_free(k.secrets);
    }
    assert_int_equal(pair_open(&p, buf_span(&forged), &plain, &got), FRAME_E_SIGNATURE);
    pair_seal(&p, pair_content(CONTENT_APPLICATION), 0, &out);
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), 0);
    assert_int_equal(pair_open(&p, buf_span(&forged), &plain, &got), FRAME_E_GENERATION);
}

/* Leaf 3, where the receiver's tree has two. */
static void test_no_such_leaf(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct framed_content content = pair_content(CONTENT_APPLICATION);
    struct authentic got;

    (void)state;
    pair_init(&p, 1);
    secret_tree_free(p.sender.secrets);
    assert_int_equal(secret_tree_new(&p.sender.secrets, p.s, 4, &p.encryption), 0);
    content.sender.index = 3;
    pair_seal(&p, content, 0, &out);
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), FRAME_E_LEAF);
}

/* Encrypts what stands in `inner` as it is: the signature that follows it is empty, which is one
 * zero byte, and so is what could be padding. */
static int open_inner(const struct pair *p, uint8_t type, struct mw_span inner)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct authentic a = { .wire_format = WIRE_PRIVATE_MESSAGE }, got;
    struct mls_message m;
    struct opened o;
    int r;

    a.content = pair_content(CONTENT_PROPOSAL);
    a.content.content_type = type;
    a.content.content = inner;
    assert_int_equal(frame_private(&p->sender, &a, 0, mw_random_system(), &out), 0);
    assert_true(mls_message_read(&m, buf_span(&out)));
    r = frame_private_open(&p->receiver, &m.private_message, &plain, &got, &o);
    for (size_t i = 0; r != 0 && i <= inner.len; i++)   /* not left behind */
        assert_int_equal(plain.data[i], 0);
    assert_true(r == 0 || plain.len == 0);
    return r;
}

#define REMOVE "000300000001"

/* 6.3.1: not one byte of the padding may be other than zero. */
static void test_padding_not_zero(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    uint8_t inner[6 + 3 + 40] = { 0, 3, 0, 0, 0, 1, 2, 'o', 'k' };

    (void)state;
    pair_init(&p, 1);
    assert_int_equal(open_inner(&p, CONTENT_PROPOSAL, span_of(inner, sizeof inner)), 0);
    for (size_t i = 9; i < sizeof inner; i++) {
        inner[i] = (uint8_t)(1 << i % 8);
        assert_int_equal(open_inner(&p, CONTENT_PROPOSAL, span_of(inner, sizeof inner)),
                         FRAME_E_MALFORMED);
        inner[i] = 0;
    }
    assert_int_equal(open_inner(&p, CONTENT_PROPOSAL, span_of(inner, sizeof inner)), 0);
}

static void test_malformed_inside(void **state)
{
    static const struct {
        uint8_t type;
        const char *inner;
        int want;
    } cases[] = {
        { CONTENT_PROPOSAL, REMOVE "00", 0 },
        { CONTENT_PROPOSAL, "", FRAME_E_MALFORMED },
        { CONTENT_PROPOSAL, "0003000000", FRAME_E_MALFORMED },      /* cut off */
        { CONTENT_PROPOSAL, REMOVE "05", FRAME_E_MALFORMED },       /* no signature */
        { CONTENT_PROPOSAL, "0000", FRAME_E_MALFORMED },            /* a reserved type */
        { CONTENT_PROPOSAL, REMOVE "4001ff", FRAME_E_MALFORMED },   /* a length not the shortest */
        { CONTENT_COMMIT, "0000" "00" "00", 0 },
        { CONTENT_COMMIT, "0000" "00" "05", FRAME_E_MALFORMED },    /* no confirmation tag */
        { CONTENT_COMMIT, "0002", FRAME_E_MALFORMED },              /* optional<UpdatePath> 2 */
    };
    CLEANUP(pair_deinit) struct pair p;

    (void)state;
    pair_init(&p, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(open_inner(&p, cases[i].type, fixture_hex(cases[i].inner)),
                         cases[i].want);
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
        cmocka_unit_test(test_sender_data_length),
        cmocka_unit_test(test_forged_by_a_member),
        cmocka_unit_test(test_no_such_leaf),
        cmocka_unit_test(test_padding_not_zero),
        cmocka_unit_test(test_malformed_inside),
    };

    return cmocka_run_group_tests(tests, NULL, close_all);
}
