/* PublicMessage (RFC 9420 6.2). */
#include "meet/frame/inner.h"

/* AuthenticatedContentTBM under the membership key. */
static int membership_tag(const struct frame_keys *k, const struct authentic *a, uint8_t *out)
{
    struct mw_span parts[FRAME_TBS_PARTS + FRAME_AUTH_PARTS];
    struct frame_room room;
    size_t n = frame_tbs(a, k->context, &room, parts);

    n += frame_auth(a, &room, parts + n);
    return frame_ours(crypt_hmac(k->s.crypto, k->s.suite->hash, secret_span(k->membership_key),
                                 parts, n, out));
}

/* 6: application messages MUST be private. */
static int allowed(const struct framed_content *c)
{
    return c->content_type == CONTENT_APPLICATION ? FRAME_E_PUBLIC_APPLICATION
                                                  : frame_sender_check(c);
}

int frame_public(const struct frame_keys *k, const struct authentic *a, struct buf *out)
{
    struct mw_span parts[1 + CONTENT_PARTS + FRAME_AUTH_PARTS + 2];
    bool member = a->content.sender.type == SENDER_MEMBER;
    uint8_t tag[CRYPT_HASH_MAX], header[4];
    struct frame_room room;
    size_t n = 1;
    int r = allowed(&a->content);

    if (r == 0)
        r = a->wire_format == WIRE_PUBLIC_MESSAGE ? frame_fits(a) : FRAME_E_FORMAT;
    if (r == 0 && member)
        r = membership_tag(k, a, tag);
    if (r != 0)
        return r;
    room.start[0] = MLS_VERSION >> 8;
    room.start[1] = MLS_VERSION;
    room.start[2] = WIRE_PUBLIC_MESSAGE >> 8;
    room.start[3] = WIRE_PUBLIC_MESSAGE;
    parts[0] = span_of(room.start, sizeof room.start);
    n += content_parts(&a->content, &room.content, parts + n);
    n += frame_auth(a, &room, parts + n);
    if (member) {
        parts[n++] = span_of(header, vector_header_put(header, k->s.suite->nh));
        parts[n++] = span_of(tag, k->s.suite->nh);
    }
    if (buf_reserve(out, frame_length(parts, n)) == NULL)
        return buf_error(out);
    frame_add(out, parts, n);
    return buf_error(out);
}

int frame_public_open(const struct frame_keys *k, const struct public_message *m,
                      struct authentic *a)
{
    struct authentic opened = { WIRE_PUBLIC_MESSAGE, m->content, m->auth };
    uint8_t tag[CRYPT_HASH_MAX];
    int r = allowed(&m->content);

    if (r == 0)
        r = frame_fits(&opened);
    if (r == 0 && m->content.sender.type == SENDER_MEMBER) {
        if (k->secrets != NULL && m->content.sender.index >= secret_tree_leaves(k->secrets))
            return FRAME_E_LEAF;
        r = membership_tag(k, &opened, tag);
        if (r == 0 && !crypt_equal(span_of(tag, k->s.suite->nh), m->membership_tag))
            r = FRAME_E_MEMBERSHIP_TAG;
    }
    if (r == 0)
        *a = opened;
    return r;
}
