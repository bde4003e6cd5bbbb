/* PrivateMessage (RFC 9420 6.3). */
#include "meet/frame/inner.h"

enum {
    GUARD = 4,
    SENDER_DATA = 4 + 4 + GUARD,                /* 6.3.2: leaf, generation, reuse guard */
    SEALED_SENDER_DATA = SENDER_DATA + CRYPT_TAG,
};

static int tree_error(int r)
{
    switch (r) {
    case SECRET_TREE_E_LEAF:
        return FRAME_E_LEAF;
    case SECRET_TREE_E_USED:
        return FRAME_E_GENERATION;
    case SECRET_TREE_E_TOO_FAR:
        return FRAME_E_TOO_FAR;
    case SECRET_TREE_E_EXHAUSTED:
        return FRAME_E_EXHAUSTED;
    default:
        return frame_ours(r);
    }
}

static enum ratchet_kind kind_of(uint8_t content_type)
{
    return content_type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
}

/* 6.3.1: the nonce, with the guard in its first bytes against a state that was rolled back. */
static void nonce_guard(struct message_key *key, const uint8_t guard[GUARD])
{
    for (size_t i = 0; i < GUARD; i++)
        key->nonce[i] ^= guard[i];
}

static struct mw_span key_span(const struct frame_keys *k, const struct message_key *key)
{
    return span_of(key->key, k->s.suite->nk);
}

/* The fields that are sent in the clear, which are what both ciphertexts are bound to:
 * SenderDataAAD is the first *short_len bytes, PrivateContentAAD all of them (6.3.1, 6.3.2). */
static void clear_write(struct buf *b, struct mw_span group_id, uint64_t epoch,
                        uint8_t content_type, struct mw_span aad, size_t *short_len)
{
    size_t start = b->len;

    vector_write(b, group_id);
    buf_u64(b, epoch);
    buf_u8(b, content_type);
    *short_len = b->len - start;
    vector_write(b, aad);
}

/* ----------------------------------------------------------------------------- sealing ---- */

/* A message as it is being written. */
struct sealing {
    const struct frame_keys *k;
    const struct authentic *a;
    struct mw_span parts[2 + FRAME_AUTH_PARTS]; /* PrivateMessageContent without padding */
    size_t n_parts, plain_len;
    uint8_t length[4];
    struct frame_room room;
    size_t clear_at, clear_short, clear_len, sender_at, plain_at;
};

static int sealing_plan(struct sealing *s, size_t padding)
{
    const struct framed_content *c = &s->a->content;
    size_t n = 0, len;

    if (c->content_type == CONTENT_APPLICATION)
        s->parts[n++] = span_of(s->length, vector_header_put(s->length, c->content.len));
    s->parts[n++] = c->content;
    n += frame_auth(s->a, &s->room, s->parts + n);
    len = frame_length(s->parts, n);
    if (padding > FRAME_VECTOR_MAX || len + padding > FRAME_VECTOR_MAX - CRYPT_TAG)
        return -EMSGSIZE;
    s->n_parts = n;
    s->plain_len = len + padding;
    return 0;
}

/* Everything as it will be sent, with zeros for the sender data and the plain text where the
 * ciphertext goes.  Reserved as a whole first: growing would leave plain text in freed memory. */
static int sealing_write(struct sealing *s, size_t padding, struct buf *out)
{
    const struct framed_content *c = &s->a->content;
    size_t sealed_len = s->plain_len + CRYPT_TAG, want;
    uint8_t header[4];

    want = 2 + 2 + vector_header(c->group_id.len) + c->group_id.len + 8 + 1 +
           vector_header(c->aad.len) + c->aad.len + 1 + SEALED_SENDER_DATA +
           vector_header(sealed_len) + sealed_len;
    if (buf_reserve(out, want) == NULL)
        return buf_error(out);
    buf_u16(out, MLS_VERSION);
    buf_u16(out, WIRE_PRIVATE_MESSAGE);
    s->clear_at = out->len;
    clear_write(out, c->group_id, c->epoch, c->content_type, c->aad, &s->clear_short);
    s->clear_len = out->len - s->clear_at;
    buf_u8(out, SEALED_SENDER_DATA);
    s->sender_at = out->len;
    buf_fill(out, 0, SEALED_SENDER_DATA);
    buf_add(out, span_of(header, vector_header_put(header, sealed_len)));
    s->plain_at = out->len;
    frame_add(out, s->parts, s->n_parts);
    buf_fill(out, 0, padding + CRYPT_TAG);
    return buf_error(out);
}

/* The content first: the sender data's key comes from its ciphertext (6.3.2). */
static int sealing_seal(struct sealing *s, const uint8_t guard[GUARD], struct buf *out)
{
    const struct frame_keys *k = s->k;
    CLEANUP(message_key_wipe) struct message_key key = { 0 };
    uint8_t *plain = out->data + s->plain_at, *sender = out->data + s->sender_at;
    struct mw_span clear = span_of(out->data + s->clear_at, s->clear_len);
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(SENDER_DATA);
    uint32_t leaf = s->a->content.sender.index, generation;
    int r = tree_error(secret_tree_next(k->secrets, leaf, kind_of(s->a->content.content_type),
                                        &generation, &key));

    if (r != 0)
        return r;
    nonce_guard(&key, guard);
    r = crypt_seal(k->s.crypto, k->s.suite->aead, key_span(k, &key), key.nonce, clear,
                   span_of(plain, s->plain_len), plain);
    buf_u32(&data, leaf);
    buf_u32(&data, generation);
    buf_add(&data, span_of(guard, GUARD));
    if (r == 0)
        r = buf_error(&data);
    if (r == 0)
        r = sender_data_key(k->s, k->sender_data_secret,
                            span_of(plain, s->plain_len + CRYPT_TAG), &key);
    if (r == 0)
        r = crypt_seal(k->s.crypto, k->s.suite->aead, key_span(k, &key), key.nonce,
                       span_cut(clear, 0, s->clear_short), buf_span(&data), sender);
    return frame_ours(r);
}

int frame_private(const struct frame_keys *k, const struct authentic *a, size_t padding,
                  struct mw_random random, struct buf *out)
{
    struct sealing s = { .k = k, .a = a };
    size_t start = out->len;
    uint8_t guard[GUARD];
    int r = frame_fits(a);

    if (r != 0)
        return r;
    /* 6.3.2: the sender MUST be a member; whoever is not sends in public (6). */
    if (a->content.sender.type != SENDER_MEMBER)
        return FRAME_E_SENDER;
    if (a->wire_format != WIRE_PRIVATE_MESSAGE)
        return FRAME_E_FORMAT;
    r = sealing_plan(&s, padding);
    if (r == 0)
        r = random.fill(random.context, guard, sizeof guard);
    if (r == 0)
        r = sealing_write(&s, padding, out);
    if (r == 0)
        r = sealing_seal(&s, guard, out);
    if (r != 0 && out->len > start) {
        secret_clear(out->data + start, out->len - start);
        buf_truncate(out, start);
    }
    return r;
}

/* ----------------------------------------------------------------------------- opening ---- */

/* Opens the sender data; leaves key and nonce of the content, and who sent it. */
static int sender_open(const struct frame_keys *k, const struct private_message *m,
                       struct mw_span aad, struct message_key *key, struct opened *o)
{
    uint8_t data[SENDER_DATA];
    struct reader r = { .rest = span_of(data, sizeof data) };
    int e;

    if (m->encrypted_sender_data.len != SEALED_SENDER_DATA)
        return FRAME_E_SENDER_DATA;
    e = sender_data_key(k->s, k->sender_data_secret, m->ciphertext, key);
    if (e != 0)
        return frame_ours(e);
    e = crypt_open(k->s.crypto, k->s.suite->aead, key_span(k, key), key->nonce, aad,
                   m->encrypted_sender_data, data);
    if (e != 0)
        return e > 0 ? FRAME_E_SENDER_DATA : e;
    o->leaf = read_u32(&r);
    o->generation = read_u32(&r);
    o->kind = kind_of(m->content_type);
    if (k->member != NULL && !k->member(k->member_context, o->leaf))
        return FRAME_E_LEAF;
    e = tree_error(secret_tree_key(k->secrets, o->leaf, o->kind, o->generation, key));
    nonce_guard(key, data + SENDER_DATA - GUARD);
    return e;
}

/* 6.3.1: the padding MUST be all zeros. */
static bool zeros(struct mw_span s)
{
    uint8_t seen = 0;

    for (size_t i = 0; i < s.len; i++)
        seen |= s.data[i];
    return seen == 0;
}

/* PrivateMessageContent (6.3.1). */
static int content_parse(const struct private_message *m, struct mw_span plain, uint32_t leaf,
                         struct authentic *a)
{
    struct reader r = { .rest = plain };
    struct authentic got = {
        .wire_format = WIRE_PRIVATE_MESSAGE,
        .content = {
            .group_id = m->group_id,
            .epoch = m->epoch,
            .sender = { SENDER_MEMBER, leaf },
            .aad = m->aad,
            .content_type = m->content_type,
        },
    };

    got.content.content = content_read(m->content_type, &r);
    content_auth_read(&got.auth, m->content_type, &r);
    if (r.failed || !zeros(r.rest))
        return FRAME_E_MALFORMED;
    *a = got;
    return 0;
}

/* key comes in wiped and is wiped by the caller. */
static int content_open(const struct frame_keys *k, const struct private_message *m,
                        struct buf *plain, struct message_key *key, struct authentic *a,
                        struct opened *o)
{
    CLEANUP(buf_deinit) struct buf clear = BUF_INIT(SIZE_MAX);
    size_t sender_len;
    uint8_t *to;
    int r;

    clear_write(&clear, m->group_id, m->epoch, m->content_type, m->aad, &sender_len);
    r = buf_error(&clear);
    if (r == 0)
        r = sender_open(k, m, span_cut(buf_span(&clear), 0, sender_len), key, o);
    if (r != 0)
        return r;
    to = buf_reserve(plain, m->ciphertext.len - CRYPT_TAG);
    if (to == NULL)
        return buf_error(plain);
    r = crypt_open(k->s.crypto, k->s.suite->aead, key_span(k, key), key->nonce, buf_span(&clear),
                   m->ciphertext, to);
    if (r != 0)
        return r > 0 ? FRAME_E_SEALED : r;
    buf_took(plain, m->ciphertext.len - CRYPT_TAG);
    return content_parse(m, buf_span(plain), o->leaf, a);
}

int frame_private_open(const struct frame_keys *k, const struct private_message *m,
                       struct buf *plain, struct authentic *a, struct opened *o)
{
    CLEANUP(message_key_wipe) struct message_key key = { 0 };
    struct opened opened = { 0 };
    int r;

    buf_truncate(plain, 0);
    if (m->group_id.len > FRAME_VECTOR_MAX || m->aad.len > FRAME_VECTOR_MAX)
        return -EMSGSIZE;
    if (m->ciphertext.len < CRYPT_TAG)
        return FRAME_E_SEALED;
    r = content_open(k, m, plain, &key, a, &opened);
    if (r == 0 || r == FRAME_E_GENERATION)
        *o = opened;
    if (r != 0 && plain->len > 0) {
        secret_clear(plain->data, plain->len);
        buf_truncate(plain, 0);
    }
    return r;
}

void frame_private_used(const struct frame_keys *k, const struct opened *o)
{
    secret_tree_used(k->secrets, o->leaf, o->kind, o->generation);
}
