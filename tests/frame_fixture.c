#include "frame_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

void pair_init(struct pair *p, uint16_t suite)
{
    struct suited s = fixture_suite(suite);
    struct frame_keys keys = { .s = s };

    *p = (struct pair){ .s = s };
    p->membership = fixture_secret(s, 11);
    p->sender_data = fixture_secret(s, 12);
    p->encryption = fixture_secret(s, 13);
    memset(p->context, 0x5a, sizeof p->context);
    assert_int_equal(crypt_signing_pair(s.crypto, s.suite->signer, mw_random_system(),
                                        p->private_key, p->public_key), 0);
    keys.context = span_of(p->context, sizeof p->context);
    keys.membership_key = &p->membership;
    keys.sender_data_secret = &p->sender_data;
    p->sender = p->receiver = keys;
    assert_int_equal(secret_tree_new(&p->sender.secrets, s, 2, &p->encryption), 0);
    assert_int_equal(secret_tree_new(&p->receiver.secrets, s, 2, &p->encryption), 0);
}

void pair_deinit(struct pair *p)
{
    secret_tree_free(p->sender.secrets);
    secret_tree_free(p->receiver.secrets);
}

struct mw_span pair_signing_key(const struct pair *p)
{
    return span_of(p->private_key, crypt_signing_key_size(p->s.suite->signer));
}

struct mw_span pair_verifying_key(const struct pair *p)
{
    return span_of(p->public_key, crypt_verifier_size(p->s.suite->signer));
}

struct framed_content pair_content(uint8_t content_type)
{
    static const char *const bodies[] = {
        [CONTENT_APPLICATION] = "6869",
        [CONTENT_PROPOSAL] = "000300000001",    /* remove leaf 1 */
        [CONTENT_COMMIT] = "0000",              /* of nothing, without a path */
    };

    return (struct framed_content){
        .group_id = SPAN_LIT("standup.example"),
        .epoch = 7,
        .sender = { SENDER_MEMBER, 1 },
        .aad = SPAN_LIT("seen by all"),
        .content_type = content_type,
        .content = fixture_hex(bodies[content_type]),
    };
}

struct authentic pair_sign(const struct pair *p, uint16_t wire_format,
                           struct framed_content content, uint8_t *signature)
{
    struct authentic a = { .wire_format = wire_format, .content = content };

    assert_int_equal(frame_sign(p->s, &a, p->sender.context, pair_signing_key(p), signature), 0);
    if (content.content_type == CONTENT_COMMIT)
        a.auth.confirmation_tag = span_of(p->context, p->s.suite->nh);
    return a;
}

void pair_seal(const struct pair *p, struct framed_content content, size_t padding,
               struct buf *out)
{
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a = pair_sign(p, WIRE_PRIVATE_MESSAGE, content, signature);

    assert_int_equal(frame_private(&p->sender, &a, padding, mw_random_system(), out), 0);
}

int pair_open(const struct pair *p, struct mw_span message, struct buf *plain,
              struct authentic *a)
{
    struct mls_message m;
    struct opened o;
    int r;

    if (!mls_message_read(&m, message) || m.format != WIRE_PRIVATE_MESSAGE)
        return FRAME_E_MALFORMED;
    r = frame_private_open(&p->receiver, &m.private_message, plain, a, &o);
    if (r == 0)
        r = frame_verify(p->s, a, p->receiver.context, pair_verifying_key(p));
    if (r == 0)
        frame_private_used(&p->receiver, &o);
    return r;
}

int pair_public_open(const struct pair *p, struct mw_span message, struct authentic *a)
{
    struct mls_message m;
    int r;

    if (!mls_message_read(&m, message) || m.format != WIRE_PUBLIC_MESSAGE)
        return FRAME_E_MALFORMED;
    r = frame_public_open(&p->receiver, &m.public_message, a);
    return r != 0 ? r : frame_verify(p->s, a, p->receiver.context, pair_verifying_key(p));
}
