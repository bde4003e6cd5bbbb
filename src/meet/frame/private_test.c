/* Messages encrypted (RFC 9420 6.3). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "frame_fixture.h"

enum { ROOM = 1 << 20 };

static void test_round_trip(void **state)
{
    static const size_t paddings[] = { 0, 1, 255, 16384 };

    (void)state;
    for (uint16_t suite = 1; suite <= 7; suite++) {
        CLEANUP(pair_deinit) struct pair p;
        CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
        size_t shortest = 0;

        pair_init(&p, suite);
        for (size_t i = 0; i < 3 * ARRAY_LEN(paddings); i++) {
            CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
            struct framed_content content = pair_content((uint8_t)(1 + i / ARRAY_LEN(paddings)));
            size_t padding = paddings[i % ARRAY_LEN(paddings)];
            struct authentic got;

            pair_seal(&p, content, padding, &out);
            if (p.s.suite->signer == CRYPT_ED25519) {   /* whose signatures have one length */
                shortest = padding == 0 ? out.len : shortest;
                assert_int_equal(out.len >= shortest + padding, true);
            }
            assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), 0);
            assert_true(span_eq(got.content.content, content.content));
            assert_true(span_eq(got.content.group_id, content.group_id));
            assert_true(span_eq(got.content.aad, content.aad));
            assert_true(got.content.epoch == 7);
            assert_int_equal(got.content.sender.type, SENDER_MEMBER);
            assert_int_equal(got.content.sender.index, 1);
            assert_int_equal(got.content.content_type, content.content_type);
            assert_int_equal(got.wire_format, WIRE_PRIVATE_MESSAGE);
            assert_int_equal(got.auth.confirmation_tag.len,
                             content.content_type == CONTENT_COMMIT ? p.s.suite->nh : 0);
            /* 9.2: the key is gone. */
            assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), FRAME_E_GENERATION);
            assert_int_equal(plain.len, 0);
        }
    }
}

static void test_empty_and_appended(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct framed_content content = pair_content(CONTENT_APPLICATION);
    struct authentic got;

    (void)state;
    pair_init(&p, 1);
    content.content = content.aad = content.group_id = span_of(NULL, 0);
    buf_str(&out, "before");
    pair_seal(&p, content, 0, &out);
    assert_memory_equal(out.data, "before", 6);
    buf_drop(&out, 6);
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), 0);
    assert_int_equal(got.content.content.len, 0);
}

/* As large as a commit that removes 200,000 members; told apart from what is wrong with it when
 * the reader allows less. */
static void test_large(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(4 * ROOM);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4 * ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(4 * ROOM);
    struct framed_content content = pair_content(CONTENT_COMMIT);
    struct authentic got;
    size_t list;

    (void)state;
    pair_init(&p, 1);
    list = vector_open(&body);
    for (uint32_t i = 0; i < 200000; i++) {
        buf_u8(&body, 1);           /* by value */
        buf_u16(&body, PROPOSAL_REMOVE);
        buf_u32(&body, i);
    }
    vector_close(&body, list);
    buf_u8(&body, 0);               /* no path */
    content.content = buf_span(&body);
    pair_seal(&p, content, 0, &out);
    plain.max = body.len;
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), -EMSGSIZE);
    buf_deinit(&plain);
    plain.max = 4 * ROOM;
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), 0);
    assert_true(span_eq(got.content.content, content.content));
    out.data[out.len / 2] ^= 1;
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), FRAME_E_GENERATION);
}

/* The plain text is nowhere in the message, and the same content twice gives other bytes. */
static void test_nothing_shows(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf again = BUF_INIT(ROOM);
    struct framed_content content = pair_content(CONTENT_APPLICATION);

    (void)state;
    pair_init(&p, 1);
    content.content = SPAN_LIT("a sentence that is easy to find");
    pair_seal(&p, content, 40, &out);
    pair_seal(&p, content, 40, &again);
    for (size_t i = 0; i + content.content.len <= out.len; i++)
        assert_memory_not_equal(out.data + i, content.content.data, content.content.len);
    assert_int_equal(out.len, again.len);
    assert_memory_not_equal(out.data + out.len - 64, again.data + again.len - 64, 64);
}

struct counted {
    int calls, result;
    uint8_t byte;
};

static int fill(void *context, uint8_t *out, size_t len)
{
    struct counted *c = context;

    c->calls++;
    memset(out, c->byte, len);
    return c->result;
}

/* 6.3.1: four fresh bytes, XORed into the nonce: two states that went back to the same
 * generation do not reuse a nonce. */
static void test_reuse_guard(void **state)
{
    struct counted c = { .byte = 1 };
    struct mw_random random = { fill, &c };
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf one = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf two = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct frame_keys rolled_back;
    struct authentic a, got;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PRIVATE_MESSAGE, pair_content(CONTENT_APPLICATION), signature);
    rolled_back = p.sender;
    assert_int_equal(secret_tree_new(&rolled_back.secrets, p.s, 2, &p.encryption), 0);
    assert_int_equal(frame_private(&p.sender, &a, 0, random, &one), 0);
    c.byte = 2;
    assert_int_equal(frame_private(&rolled_back, &a, 0, random, &two), 0);
    assert_int_equal(c.calls, 2);
    assert_int_equal(one.len, two.len);
    assert_memory_not_equal(one.data + one.len - 48, two.data + two.len - 48, 16);
    assert_int_equal(pair_open(&p, buf_span(&two), &plain, &got), 0);
    secret_tree_free(rolled_back.secrets);

    /* No randomness, no message; the generation is not lost. */
    c.result = -EAGAIN;
    buf_truncate(&one, 0);
    assert_int_equal(frame_private(&p.sender, &a, 0, random, &one), -EAGAIN);
    assert_int_equal(one.len, 0);
    c.result = 0;
    assert_int_equal(frame_private(&p.sender, &a, 0, random, &one), 0);
    assert_int_equal(pair_open(&p, buf_span(&one), &plain, &got), 0);
}

/* Our own message, come back: its key is gone, and who sent it is said. */
static void test_own(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct opened o = { .leaf = UINT32_MAX };
    struct mls_message m;
    struct authentic a;

    (void)state;
    pair_init(&p, 1);
    pair_seal(&p, pair_content(CONTENT_APPLICATION), 0, &out);
    assert_true(mls_message_read(&m, buf_span(&out)));
    m.private_message.epoch++;
    assert_int_equal(frame_private_open(&p.sender, &m.private_message, &plain, &a, &o),
                     FRAME_E_SENDER_DATA);
    assert_true(o.leaf == UINT32_MAX);
    m.private_message.epoch--;
    assert_int_equal(frame_private_open(&p.sender, &m.private_message, &plain, &a, &o),
                     FRAME_E_GENERATION);
    assert_int_equal(o.leaf, 1);
    assert_int_equal(o.generation, 0);
    assert_int_equal(o.kind, RATCHET_APPLICATION);
}

/* Where in the message the fields are. */
struct layout {
    size_t sender_data, ciphertext, end;
};

static struct layout layout_of(struct mw_span message)
{
    struct mls_message m;

    assert_true(mls_message_read(&m, message));
    return (struct layout){
        (size_t)(m.private_message.encrypted_sender_data.data - message.data),
        (size_t)(m.private_message.ciphertext.data - message.data),
        message.len,
    };
}

/* One bit wrong, anywhere: refused by name, nothing burnt, and the true message still opens. */
static void test_every_byte(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct buf before, after;
    struct authentic got;
    struct layout at;

    (void)state;
    pair_init(&p, 1);
    pair_seal(&p, pair_content(CONTENT_APPLICATION), 20, &out);
    buf_truncate(&out, 0);
    pair_seal(&p, pair_content(CONTENT_APPLICATION), 20, &out);     /* generation 1: one skipped */
    at = layout_of(buf_span(&out));
    before = fixture_state(p.sender.secrets);
    assert_int_equal(secret_tree_key(p.receiver.secrets, 1, RATCHET_APPLICATION, 0,
                                     &(struct message_key){ 0 }), 0);
    buf_wipe(&before);
    before = fixture_state(p.receiver.secrets);
    for (size_t i = 0; i < out.len; i++) {
        int r;

        memset(&got, 0xa5, sizeof got);
        out.data[i] ^= 0x40;
        r = pair_open(&p, buf_span(&out), &plain, &got);
        if (i >= at.sender_data && i < at.sender_data + 28)
            assert_int_equal(r, FRAME_E_SENDER_DATA);
        else if (i >= at.ciphertext && i < at.ciphertext + 32)      /* the sample (6.3.2) */
            assert_int_equal(r, FRAME_E_SENDER_DATA);
        else if (i >= at.ciphertext + 32)
            assert_int_equal(r, FRAME_E_SEALED);
        else
            assert_true(r == FRAME_E_MALFORMED || r == FRAME_E_SENDER_DATA || r == FRAME_E_SEALED);
        assert_int_equal(got.wire_format, 0xa5a5);
        assert_int_equal(plain.len, 0);
        out.data[i] ^= 0x40;
        assert_int_not_equal(pair_open(&p, span_cut(buf_span(&out), 0, i), &plain, &got), 0);
    }
    after = fixture_state(p.receiver.secrets);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
    buf_wipe(&before);
    buf_wipe(&after);
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), 0);
}

/* Fields in the clear are bound to both ciphertexts, or to the content's (6.3.1, 6.3.2). */
static void test_clear_fields(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct private_message m;
    struct mls_message whole;
    struct authentic got;
    struct opened o;

    (void)state;
    pair_init(&p, 1);
    pair_seal(&p, pair_content(CONTENT_PROPOSAL), 0, &out);
    assert_true(mls_message_read(&whole, buf_span(&out)));
    m = whole.private_message;
    m.epoch++;
    assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o), FRAME_E_SENDER_DATA);
    m = whole.private_message;
    m.group_id = SPAN_LIT("another.example");
    assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o), FRAME_E_SENDER_DATA);
    m = whole.private_message;
    m.content_type = CONTENT_COMMIT;
    assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o), FRAME_E_SENDER_DATA);
    m = whole.private_message;
    m.aad = SPAN_LIT("not what was said");
    assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o), FRAME_E_SEALED);
    m = whole.private_message;
    m.ciphertext.len = 15;
    assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o), FRAME_E_SEALED);
    m = whole.private_message;
    m.encrypted_sender_data.len = 27;
    assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o), FRAME_E_SENDER_DATA);
    m = whole.private_message;
    assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o), 0);
    assert_int_equal(o.leaf, 1);
    assert_int_equal(o.generation, 0);
    assert_int_equal(o.kind, RATCHET_HANDSHAKE);
}

/* Another epoch's secrets open nothing; with the same ones, the context is in the signature. */
static void test_other_epoch(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct authentic got;

    (void)state;
    pair_init(&p, 1);
    pair_seal(&p, pair_content(CONTENT_APPLICATION), 0, &out);
    p.sender_data.bytes[0] ^= 1;
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), FRAME_E_SENDER_DATA);
    p.sender_data.bytes[0] ^= 1;
    p.context[0] ^= 1;
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), FRAME_E_SIGNATURE);
    p.context[0] ^= 1;
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), 0);
}

static void send_nothing(const struct pair *p, uint32_t n)
{
    struct message_key k;
    uint32_t g;

    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(secret_tree_next(p->sender.secrets, 1, RATCHET_APPLICATION, &g, &k), 0);
}

static void test_too_far(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf reach = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf far = BUF_INIT(ROOM);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct authentic got;

    (void)state;
    pair_init(&p, 1);
    send_nothing(&p, SECRET_TREE_AHEAD);
    pair_seal(&p, pair_content(CONTENT_APPLICATION), 0, &reach);
    pair_seal(&p, pair_content(CONTENT_APPLICATION), 0, &far);
    assert_int_equal(pair_open(&p, buf_span(&far), &plain, &got), FRAME_E_TOO_FAR);
    assert_int_equal(pair_open(&p, buf_span(&reach), &plain, &got), 0);
    assert_int_equal(pair_open(&p, buf_span(&far), &plain, &got), 0);
}

static void test_late_and_replayed(void **state)
{
    enum { N = 6 };
    static const int order[N] = { 3, 0, 5, 1, 4, 2 };
    struct buf out[N];
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct authentic got;

    (void)state;
    pair_init(&p, 1);
    for (int i = 0; i < N; i++) {
        out[i] = (struct buf)BUF_INIT(ROOM);
        pair_seal(&p, pair_content(CONTENT_APPLICATION), (size_t)i, &out[i]);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(pair_open(&p, buf_span(&out[order[i]]), &plain, &got), 0);
        for (int j = 0; j <= i; j++)
            assert_int_equal(pair_open(&p, buf_span(&out[order[j]]), &plain, &got),
                             FRAME_E_GENERATION);
    }
    for (int i = 0; i < N; i++)
        buf_deinit(&out[i]);
}

/* 6.3.2: only members; and only what was signed as private. */
static void test_sender_and_format(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    struct framed_content content = pair_content(CONTENT_PROPOSAL);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a;

    (void)state;
    pair_init(&p, 1);
    for (int type = SENDER_EXTERNAL; type <= SENDER_NEW_COMMIT; type++) {
        content.sender.type = (uint8_t)type;
        a = pair_sign(&p, WIRE_PRIVATE_MESSAGE, content, signature);
        assert_int_equal(frame_private(&p.sender, &a, 0, mw_random_system(), &out),
                         FRAME_E_SENDER);
    }
    content.sender.type = SENDER_MEMBER;
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, content, signature);
    assert_int_equal(frame_private(&p.sender, &a, 0, mw_random_system(), &out), FRAME_E_FORMAT);
    a.wire_format = WIRE_PRIVATE_MESSAGE;
    a.content.sender.index = 2;
    assert_int_equal(frame_private(&p.sender, &a, 0, mw_random_system(), &out), FRAME_E_LEAF);
    assert_int_equal(out.len, 0);
}

static void test_too_long(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(64);
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct private_message m = { .ciphertext = { signature, 20 } };
    struct authentic a, got;
    struct opened o;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PRIVATE_MESSAGE, pair_content(CONTENT_APPLICATION), signature);
    assert_int_equal(frame_private(&p.sender, &a, 1 << 30, mw_random_system(), &out), -EMSGSIZE);
    assert_int_equal(frame_private(&p.sender, &a, SIZE_MAX, mw_random_system(), &out), -EMSGSIZE);
    assert_int_equal(frame_private(&p.sender, &a, 0, mw_random_system(), &out), -EMSGSIZE);
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
    out.max = SIZE_MAX / 4;     /* told before a gigabyte is asked for */
    assert_int_equal(frame_private(&p.sender, &a, (1 << 30) - 20, mw_random_system(), &out),
                     -EMSGSIZE);
    assert_int_equal(out.room, 0);
    m.aad.len = (size_t)1 << 30;
    assert_int_equal(frame_private_open(&p.receiver, &m, &plain, &got, &o), -EMSGSIZE);
    /* None of that used up a generation. */
    buf_deinit(&out);
    out.max = ROOM;
    assert_int_equal(frame_private(&p.sender, &a, 0, mw_random_system(), &out), 0);
    plain.max = 10;
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), -EMSGSIZE);
    buf_deinit(&plain);
    plain.max = ROOM;
    assert_int_equal(pair_open(&p, buf_span(&out), &plain, &got), 0);
}

/* Our own ratchet at its end, from a saved state. */
static void test_exhausted(void **state)
{
    static const char end[] =
        "01000100000001" "02"
        "fffffffefffffffe" "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
        "00000000"
        "fffffffefffffffe" "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
        "00000000";
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct reader r = { .rest = fixture_hex(end) };
    struct framed_content content;
    struct authentic a;

    (void)state;
    pair_init(&p, 1);
    secret_tree_free(p.sender.secrets);
    p.sender.secrets = NULL;
    assert_int_equal(secret_tree_read(&p.sender.secrets, p.s, &r), 0);
    content = pair_content(CONTENT_APPLICATION);
    content.sender.index = 0;
    a = pair_sign(&p, WIRE_PRIVATE_MESSAGE, content, signature);
    assert_int_equal(frame_private(&p.sender, &a, 0, mw_random_system(), &out), 0);
    assert_int_equal(frame_private(&p.sender, &a, 0, mw_random_system(), &out),
                     FRAME_E_EXHAUSTED);
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
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_empty_and_appended),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_nothing_shows),
        cmocka_unit_test(test_reuse_guard),
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_clear_fields),
        cmocka_unit_test(test_other_epoch),
        cmocka_unit_test(test_too_far),
        cmocka_unit_test(test_late_and_replayed),
        cmocka_unit_test(test_sender_and_format),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_exhausted),
    };

    return cmocka_run_group_tests(tests, NULL, close_all);
}
