/* Messages signed, and authenticated in public (RFC 9420 6.1, 6.2). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "frame_fixture.h"

enum { ROOM = 1 << 20 };

static void assert_content(const struct framed_content *got, const struct framed_content *want)
{
    assert_true(span_eq(got->group_id, want->group_id));
    assert_true(got->epoch == want->epoch);
    assert_int_equal(got->sender.type, want->sender.type);
    assert_int_equal(got->sender.index, want->sender.index);
    assert_true(span_eq(got->aad, want->aad));
    assert_int_equal(got->content_type, want->content_type);
    assert_true(span_eq(got->content, want->content));
}

static void test_round_trip(void **state)
{
    (void)state;
    for (uint16_t suite = 1; suite <= 7; suite++) {
        CLEANUP(pair_deinit) struct pair p;

        pair_init(&p, suite);
        for (int type = CONTENT_PROPOSAL; type <= CONTENT_COMMIT; type++) {
            CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
            struct framed_content content = pair_content((uint8_t)type);
            uint8_t signature[CRYPT_SIGNATURE_MAX];
            struct authentic a, got;

            a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, content, signature);
            buf_str(&out, "before");
            assert_int_equal(frame_public(&p.sender, &a, &out), 0);
            assert_memory_equal(out.data, "before", 6);
            buf_drop(&out, 6);
            assert_int_equal(pair_public_open(&p, buf_span(&out), &got), 0);
            assert_content(&got.content, &content);
            assert_int_equal(got.wire_format, WIRE_PUBLIC_MESSAGE);
            assert_true(span_eq(got.auth.confirmation_tag, a.auth.confirmation_tag));
        }
    }
}

/* What was written is what public_message_write() makes of the same fields. */
static void test_as_the_codec_writes(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf again = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct mls_message m;
    struct authentic a;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, pair_content(CONTENT_COMMIT), signature);
    assert_int_equal(frame_public(&p.sender, &a, &out), 0);
    assert_true(mls_message_read(&m, buf_span(&out)));
    mls_message_write(&again, &m);
    assert_true(span_eq(buf_span(&out), buf_span(&again)));
}

/* 6: application messages MUST be private. */
static void test_application_refused(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct public_message m;
    struct authentic a, got;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, pair_content(CONTENT_APPLICATION), signature);
    assert_int_equal(frame_public(&p.sender, &a, &out), FRAME_E_PUBLIC_APPLICATION);
    assert_int_equal(out.len, 0);
    m = (struct public_message){ .content = a.content, .auth = a.auth };
    assert_int_equal(frame_public_open(&p.receiver, &m, &got), FRAME_E_PUBLIC_APPLICATION);
}

/* Signed for one wire format, sent in the other: the signature covers the format (6.1). */
static void test_format_is_signed(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a, got;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PRIVATE_MESSAGE, pair_content(CONTENT_PROPOSAL), signature);
    assert_int_equal(frame_public(&p.sender, &a, &out), FRAME_E_FORMAT);
    assert_int_equal(out.len, 0);
    a.wire_format = WIRE_PUBLIC_MESSAGE;
    assert_int_equal(frame_public(&p.sender, &a, &out), 0);
    assert_int_equal(pair_public_open(&p, buf_span(&out), &got), FRAME_E_SIGNATURE);
}

/* Every byte of a member's message is under its membership tag (6.2). */
static void test_every_byte(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a, got;
    size_t tags = 0;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, pair_content(CONTENT_COMMIT), signature);
    assert_int_equal(frame_public(&p.sender, &a, &out), 0);
    for (size_t i = 0; i < out.len; i++) {
        int r;

        memset(&got, 0xa5, sizeof got);
        out.data[i] ^= 1;
        r = pair_public_open(&p, buf_span(&out), &got);
        assert_true(r == FRAME_E_MALFORMED || r == FRAME_E_MEMBERSHIP_TAG || r == FRAME_E_SENDER ||
                    r == FRAME_E_PUBLIC_APPLICATION || r == FRAME_E_LEAF ||
                    r == FRAME_E_SIGNATURE);
        assert_int_equal(got.wire_format, r == FRAME_E_SIGNATURE ? 1 : 0xa5a5);
        tags += r == FRAME_E_MEMBERSHIP_TAG;
        if (i >= out.len - 32)
            assert_int_equal(r, FRAME_E_MEMBERSHIP_TAG);
        out.data[i] ^= 1;
        assert_int_equal(mls_message_read(&(struct mls_message){ 0 },
                                          span_cut(buf_span(&out), 0, i)), false);
    }
    assert_true(tags > 120);
    assert_int_equal(pair_public_open(&p, buf_span(&out), &got), 0);
}

/* A tag of another length than the MAC's, and none. */
static void test_tag_length(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct mls_message m;
    struct authentic a, got;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, pair_content(CONTENT_COMMIT), signature);
    assert_int_equal(frame_public(&p.sender, &a, &out), 0);
    assert_true(mls_message_read(&m, buf_span(&out)));
    for (size_t len = 0; len < 32; len++) {
        m.public_message.membership_tag.len = len;
        assert_int_equal(frame_public_open(&p.receiver, &m.public_message, &got),
                         FRAME_E_MEMBERSHIP_TAG);
    }
    m.public_message.membership_tag.len = 32;
    assert_int_equal(frame_public_open(&p.receiver, &m.public_message, &got), 0);
}

/* With the membership key every member can make the tag; only the signature says which one. */
static void test_signature_every_byte(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    uint8_t signature[CRYPT_SIGNATURE_MAX], other[CRYPT_POINT_MAX], body[] = { 0, 3, 0, 0, 0, 1 };
    struct framed_content content = pair_content(CONTENT_PROPOSAL);
    struct mw_span key, context;
    struct authentic a;

    (void)state;
    pair_init(&p, 1);
    key = pair_verifying_key(&p);
    context = p.receiver.context;
    content.content = span_of(body, sizeof body);
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, content, signature);
    assert_int_equal(frame_verify(p.s, &a, context, key), 0);
    for (size_t i = 0; i < a.auth.signature.len; i++) {
        signature[i] ^= 1;
        assert_int_equal(frame_verify(p.s, &a, context, key), FRAME_E_SIGNATURE);
        signature[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof body; i++) {
        body[i] ^= 1;
        assert_int_equal(frame_verify(p.s, &a, context, key), FRAME_E_SIGNATURE);
        body[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof p.context; i++) {     /* another epoch, another group */
        p.context[i] ^= 1;
        assert_int_equal(frame_verify(p.s, &a, context, key), FRAME_E_SIGNATURE);
        p.context[i] ^= 1;
    }
    a.content.epoch++;
    assert_int_equal(frame_verify(p.s, &a, context, key), FRAME_E_SIGNATURE);
    a.content.epoch--;
    a.content.sender.index = 0;
    assert_int_equal(frame_verify(p.s, &a, context, key), FRAME_E_SIGNATURE);
    a.content.sender.index = 1;
    memcpy(other, p.public_key, sizeof other);
    other[0] ^= 1;
    assert_int_equal(frame_verify(p.s, &a, context, span_of(other, key.len)), FRAME_E_SIGNATURE);
    assert_int_equal(frame_verify(p.s, &a, context, span_of(NULL, 0)), FRAME_E_SIGNATURE);
    a.auth.signature.len--;
    assert_int_equal(frame_verify(p.s, &a, context, key), FRAME_E_SIGNATURE);
    a.auth.signature.len = 0;
    assert_int_equal(frame_verify(p.s, &a, context, key), FRAME_E_SIGNATURE);
}

/* The other epoch's membership key or context: the tag is wrong (6.2). */
static void test_other_epoch(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a, got;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, pair_content(CONTENT_PROPOSAL), signature);
    assert_int_equal(frame_public(&p.sender, &a, &out), 0);
    p.membership.bytes[3] ^= 1;
    assert_int_equal(pair_public_open(&p, buf_span(&out), &got), FRAME_E_MEMBERSHIP_TAG);
    p.membership.bytes[3] ^= 1;
    p.context[5] ^= 1;
    assert_int_equal(pair_public_open(&p, buf_span(&out), &got), FRAME_E_MEMBERSHIP_TAG);
    p.context[5] ^= 1;
    assert_int_equal(pair_public_open(&p, buf_span(&out), &got), 0);
}

/* Leaf 2 of two, by somebody who has the membership key. */
static void test_no_such_leaf(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    struct framed_content content = pair_content(CONTENT_PROPOSAL);
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a, got;

    (void)state;
    pair_init(&p, 1);
    content.sender.index = 2;
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, content, signature);
    assert_int_equal(frame_public(&p.sender, &a, &out), 0);
    assert_int_equal(pair_public_open(&p, buf_span(&out), &got), FRAME_E_LEAF);
}

/* 6.1: what each type of sender MUST keep to. */
static void test_senders(void **state)
{
    static const struct {
        uint8_t sender, type;
        const char *content;
        int want;
    } cases[] = {
        { SENDER_EXTERNAL, CONTENT_PROPOSAL, "000300000001", 0 },
        { SENDER_EXTERNAL, CONTENT_PROPOSAL, "000600", FRAME_E_SENDER },    /* external init */
        { SENDER_EXTERNAL, CONTENT_PROPOSAL, "0002", FRAME_E_SENDER },      /* update */
        { SENDER_EXTERNAL, CONTENT_COMMIT, "0000", FRAME_E_SENDER },
        { SENDER_NEW_PROPOSAL, CONTENT_PROPOSAL, "0001", 0 },
        { SENDER_NEW_PROPOSAL, CONTENT_PROPOSAL, "000300000001", FRAME_E_SENDER },
        { SENDER_NEW_PROPOSAL, CONTENT_COMMIT, "0000", FRAME_E_SENDER },
        { SENDER_NEW_COMMIT, CONTENT_COMMIT, "0000", 0 },
        { SENDER_NEW_COMMIT, CONTENT_PROPOSAL, "000300000001", FRAME_E_SENDER },
        { 0, CONTENT_PROPOSAL, "000300000001", FRAME_E_SENDER },
        { 5, CONTENT_PROPOSAL, "000300000001", FRAME_E_SENDER },
    };
    CLEANUP(pair_deinit) struct pair p;

    (void)state;
    pair_init(&p, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
        struct framed_content content = pair_content(cases[i].type);
        uint8_t signature[CRYPT_SIGNATURE_MAX];
        struct public_message m;
        struct authentic a, got;

        content.sender = (struct sender){ cases[i].sender, 0 };
        content.content = fixture_hex(cases[i].content);
        a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, content, signature);
        assert_int_equal(frame_public(&p.sender, &a, &out), cases[i].want);
        m = (struct public_message){ .content = a.content, .auth = a.auth };
        assert_int_equal(frame_public_open(&p.receiver, &m, &got), cases[i].want);
        if (cases[i].want == 0)
            assert_int_equal(frame_verify(p.s, &got, p.receiver.context, pair_verifying_key(&p)),
                             0);
        else
            assert_int_equal(out.len, 0);
    }
}

/* 6.1: members and who joins by a commit sign the GroupContext, the others do not. */
static void test_who_signs_context(void **state)
{
    static const bool signs[] = { [SENDER_MEMBER] = true, [SENDER_EXTERNAL] = false,
                                  [SENDER_NEW_PROPOSAL] = false, [SENDER_NEW_COMMIT] = true };
    CLEANUP(pair_deinit) struct pair p;

    (void)state;
    pair_init(&p, 1);
    for (int type = SENDER_MEMBER; type <= SENDER_NEW_COMMIT; type++) {
        struct framed_content content = pair_content(CONTENT_COMMIT);
        uint8_t signature[CRYPT_SIGNATURE_MAX];
        struct authentic a;

        content.sender = (struct sender){ (uint8_t)type, 0 };
        a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, content, signature);
        assert_int_equal(frame_verify(p.s, &a, span_of(NULL, 0), pair_verifying_key(&p)),
                         signs[type] ? FRAME_E_SIGNATURE : 0);
        assert_int_equal(frame_verify(p.s, &a, p.sender.context, pair_verifying_key(&p)), 0);
    }
}

static void test_signing_key(void **state)
{
    struct authentic a = { .wire_format = 1 };
    CLEANUP(pair_deinit) struct pair p;
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct mw_span key;

    (void)state;
    pair_init(&p, 1);
    a.content = pair_content(CONTENT_PROPOSAL);
    key = pair_signing_key(&p);
    key.len--;
    assert_int_equal(frame_sign(p.s, &a, p.sender.context, key, signature), FRAME_E_KEY);
    assert_int_equal(a.auth.signature.len, 0);
}

/* 12.1: the reference is over the AuthenticatedContent as it would be encoded. */
static void test_proposal_ref(void **state)
{
    (void)state;
    for (uint16_t suite = 1; suite <= 7; suite++) {
        CLEANUP(pair_deinit) struct pair p;
        CLEANUP(buf_deinit) struct buf encoded = BUF_INIT(ROOM);
        uint8_t signature[CRYPT_SIGNATURE_MAX], got[CRYPT_HASH_MAX], want[CRYPT_HASH_MAX];
        struct authentic a;

        pair_init(&p, suite);
        a = pair_sign(&p, WIRE_PRIVATE_MESSAGE, pair_content(CONTENT_PROPOSAL), signature);
        buf_u16(&encoded, WIRE_PRIVATE_MESSAGE);
        framed_content_write(&encoded, &a.content);
        content_auth_write(&encoded, CONTENT_PROPOSAL, &a.auth);
        assert_int_equal(label_ref(p.s, "Proposal Reference", buf_span(&encoded), want), 0);
        assert_int_equal(frame_proposal_ref(p.s, &a, got), 0);
        assert_memory_equal(got, want, p.s.suite->nh);
        signature[0] ^= 1;
        assert_int_equal(frame_proposal_ref(p.s, &a, got), 0);
        assert_memory_not_equal(got, want, p.s.suite->nh);
    }
}

/* Lengths that no vector can have, told before anything is read at them. */
static void test_too_long(void **state)
{
    CLEANUP(pair_deinit) struct pair p;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    uint8_t signature[CRYPT_SIGNATURE_MAX], ref[CRYPT_HASH_MAX];
    struct public_message m;
    struct authentic a, got;

    (void)state;
    pair_init(&p, 1);
    a = pair_sign(&p, WIRE_PUBLIC_MESSAGE, pair_content(CONTENT_PROPOSAL), signature);
    a.content.aad.len = (size_t)1 << 30;
    assert_int_equal(frame_public(&p.sender, &a, &out), -EMSGSIZE);
    assert_int_equal(frame_proposal_ref(p.s, &a, ref), -EMSGSIZE);
    assert_int_equal(frame_verify(p.s, &a, p.sender.context, pair_verifying_key(&p)), -EMSGSIZE);
    assert_int_equal(frame_sign(p.s, &a, p.sender.context, pair_signing_key(&p), signature),
                     -EMSGSIZE);
    m = (struct public_message){ .content = a.content, .auth = a.auth };
    assert_int_equal(frame_public_open(&p.receiver, &m, &got), -EMSGSIZE);
    a.content.aad.len = 3;
    out.max = 20;
    assert_int_equal(frame_public(&p.sender, &a, &out), -EMSGSIZE);
    assert_int_equal(out.len, 0);
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
        cmocka_unit_test(test_as_the_codec_writes),
        cmocka_unit_test(test_application_refused),
        cmocka_unit_test(test_format_is_signed),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_tag_length),
        cmocka_unit_test(test_signature_every_byte),
        cmocka_unit_test(test_other_epoch),
        cmocka_unit_test(test_no_such_leaf),
        cmocka_unit_test(test_senders),
        cmocka_unit_test(test_who_signs_context),
        cmocka_unit_test(test_signing_key),
        cmocka_unit_test(test_proposal_ref),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, close_all);
}
