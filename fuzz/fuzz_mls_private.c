/* Private messages under a known epoch: bytes from anywhere, a true message that was altered, and
 * bytes of the input's choice sealed with the right keys, as a hostile member can.  Nothing that
 * was altered opens; what opens has its content and zeros behind it, and is let through by the
 * signature only if a member signed it. */
#include <stdlib.h>

#include "fuzz.h"
#include "meet/frame/frame.h"
#include "meet/wire/codec.h"

enum { ROOM = 1 << 20, LEAF = 1, LEAVES = 2 };

struct epoch {
    struct suited s;
    struct secret sender_data, encryption;
    struct frame_keys sender, receiver;
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
};

static int fill(void *context, uint8_t *out, size_t len)
{
    (void)context;
    memset(out, 0x42, len);
    return 0;
}

static const struct mw_random fixed = { fill, NULL };

static void must(int r)
{
    if (r != 0)
        abort();
}

static const struct mw_crypto *library(void)
{
    static struct mw_crypto *crypto;

    if (crypto == NULL)
        must(mw_crypto_new(&crypto));
    return crypto;
}

static void epoch_init(struct epoch *e, uint8_t suite)
{
    static const uint16_t suites[] = { 1, 3, 7 };   /* each AEAD once, Ed25519 and ECDSA */
    static const uint8_t bytes[64] = { 9, 8, 7 };

    *e = (struct epoch){ .s = { suite_find(suites[suite % ARRAY_LEN(suites)]), library() } };
    must(secret_set(&e->sender_data, span_of(bytes, e->s.suite->nh)));
    e->encryption = e->sender_data;
    must(crypt_signing_pair(e->s.crypto, e->s.suite->signer, fixed, e->scalar, e->point));
    e->sender = (struct frame_keys){ .s = e->s,
                                     .context = SPAN_LIT("context"),
                                     .membership_key = &e->sender_data,
                                     .sender_data_secret = &e->sender_data };
    e->receiver = e->sender;
    must(secret_tree_new(&e->sender.secrets, e->s, LEAVES, &e->encryption));
    must(secret_tree_new(&e->receiver.secrets, e->s, LEAVES, &e->encryption));
}

static void epoch_deinit(struct epoch *e)
{
    secret_tree_free(e->sender.secrets);
    secret_tree_free(e->receiver.secrets);
}

static int verify(const struct epoch *e, const struct authentic *a)
{
    return frame_verify(e->s, a, e->receiver.context,
                        span_of(e->point, crypt_verifier_size(e->s.suite->signer)));
}

static void sign(const struct epoch *e, struct authentic *a, uint8_t *signature)
{
    must(frame_sign(e->s, a, e->sender.context,
                    span_of(e->scalar, crypt_signing_key_size(e->s.suite->signer)), signature));
}

/* What opened is what was written: content, signature, tag, and then zeros. */
static void opened_check(const struct authentic *a, struct mw_span plain)
{
    CLEANUP(buf_deinit) struct buf again = BUF_INIT(ROOM);

    content_write(&again, a->content.content_type, a->content.content);
    content_auth_write(&again, a->content.content_type, &a->auth);
    must(buf_error(&again));
    if (!span_eq(span_cut(plain, 0, again.len), buf_span(&again)))
        abort();
    for (size_t i = again.len; i < plain.len; i++)
        if (plain.data[i] != 0)
            abort();
}

static int open_one(struct epoch *e, const struct private_message *m)
{
    CLEANUP(buf_wipe) struct buf plain = BUF_INIT(ROOM);
    struct authentic a;
    struct opened o;
    int r = frame_private_open(&e->receiver, m, &plain, &a, &o);

    if (r < 0)
        abort();
    if (r > 0) {
        if (plain.len != 0)
            abort();
        return r;
    }
    opened_check(&a, buf_span(&plain));
    if (a.content.sender.index != o.leaf || o.leaf >= LEAVES)
        abort();
    r = verify(e, &a);
    if (r == 0) {
        frame_private_used(&e->receiver, &o);
        if (frame_private_open(&e->receiver, m, &plain, &a, &o) != FRAME_E_GENERATION)
            abort();
    }
    return r;
}

static struct framed_content content_of(uint8_t type, struct mw_span body)
{
    return (struct framed_content){ .group_id = SPAN_LIT("g"),
                                    .epoch = 1,
                                    .sender = { SENDER_MEMBER, LEAF },
                                    .aad = SPAN_LIT("a"),
                                    .content_type = (uint8_t)(1 + type % 3),
                                    .content = body };
}

/* Any content and any signature, well sealed. */
static void inside(struct epoch *e, struct reader *r)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    struct authentic a = { .wire_format = WIRE_PRIVATE_MESSAGE };
    uint8_t type = read_u8(r), padding = read_u8(r);
    struct mls_message m;

    a.auth.signature = read_vec8(r);
    a.auth.confirmation_tag = a.auth.signature;
    a.content = content_of(type, r->rest);
    must(frame_private(&e->sender, &a, padding, fixed, &out));
    if (!mls_message_read(&m, buf_span(&out)))
        abort();
    (void)open_one(e, &m.private_message);
}

/* A true message with bytes altered where the input says: it never gets past the signature. */
static void altered(struct epoch *e, struct reader *r)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf was = BUF_INIT(ROOM);
    struct authentic a = { .wire_format = WIRE_PRIVATE_MESSAGE };
    uint8_t signature[CRYPT_SIGNATURE_MAX], type = read_u8(r);
    struct mls_message m;
    bool same;

    a.content = content_of(type, type % 3 == 2 ? SPAN_LIT("\0\0") : SPAN_LIT("\0\3\0\0\0\1"));
    sign(e, &a, signature);
    must(frame_private(&e->sender, &a, read_u8(r), fixed, &out));
    buf_add(&was, buf_span(&out));
    while (read_more(r)) {
        size_t at = read_u16(r) % out.len;

        out.data[at] ^= read_u8(r);
    }
    same = span_eq(buf_span(&out), buf_span(&was));
    if (!mls_message_read(&m, buf_span(&out)) || m.format != WIRE_PRIVATE_MESSAGE) {
        if (same)
            abort();
        return;
    }
    if ((open_one(e, &m.private_message) == 0) != same)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct reader r = { .rest = span_of(data, len) };
    uint8_t how = read_u8(&r);
    struct private_message m;
    struct epoch e;

    epoch_init(&e, how >> 4);
    switch (how % 3) {
    case 0:
        private_message_read(&m, &r);
        if (read_done(&r))
            (void)open_one(&e, &m);
        break;
    case 1:
        inside(&e, &r);
        break;
    default:
        altered(&e, &r);
    }
    epoch_deinit(&e);
    return 0;
}
