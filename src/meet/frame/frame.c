#include "meet/frame/frame.h"

#include "meet/frame/inner.h"

/* A function of the layers below on input that is ours: its error is a fault of ours. */
int frame_ours(int r)
{
    return r > 0 ? -EIO : r;
}

/* ---------------------------------------------------------------------------- in parts ---- */

static bool fits(struct mw_span s)
{
    return s.len <= FRAME_VECTOR_MAX;
}

int frame_fits(const struct authentic *a)
{
    return fits(a->content.group_id) && fits(a->content.aad) && fits(a->content.content) &&
                   fits(a->auth.signature) && fits(a->auth.confirmation_tag)
               ? 0
               : -EMSGSIZE;
}

static bool signs_context(const struct authentic *a)
{
    return a->content.sender.type == SENDER_MEMBER || a->content.sender.type == SENDER_NEW_COMMIT;
}

/* FramedContentTBS (6.1). */
size_t frame_tbs(const struct authentic *a, struct mw_span context, struct frame_room *room,
                 struct mw_span *parts)
{
    size_t n = 1;

    room->start[0] = MLS_VERSION >> 8;
    room->start[1] = MLS_VERSION;
    room->start[2] = (uint8_t)(a->wire_format >> 8);
    room->start[3] = (uint8_t)a->wire_format;
    parts[0] = span_of(room->start, sizeof room->start);
    n += content_parts(&a->content, &room->content, parts + n);
    if (signs_context(a))
        parts[n++] = context;
    return n;
}

/* FramedContentAuthData (6.1). */
size_t frame_auth(const struct authentic *a, struct frame_room *room, struct mw_span *parts)
{
    size_t n = 0;

    parts[n++] = span_of(room->signature,
                         vector_header_put(room->signature, a->auth.signature.len));
    parts[n++] = a->auth.signature;
    if (a->content.content_type != CONTENT_COMMIT)
        return n;
    parts[n++] = span_of(room->tag, vector_header_put(room->tag, a->auth.confirmation_tag.len));
    parts[n++] = a->auth.confirmation_tag;
    return n;
}

size_t frame_length(const struct mw_span *parts, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    return len;
}

void frame_add(struct buf *b, const struct mw_span *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add(b, parts[i]);
}

/* --------------------------------------------------------------------------- signature ---- */

/* The bytes that are signed, SignWithLabel's label included (5.1.2).  Written here and not by
 * label_sign(), which would copy a large commit once more. */
static int signed_bytes(const struct authentic *a, struct mw_span context, struct buf *out)
{
    static const char label[] = "MLS 1.0 FramedContentTBS";
    struct mw_span parts[FRAME_TBS_PARTS];
    struct frame_room room;
    uint8_t header[4];
    size_t n, len;

    n = frame_tbs(a, context, &room, parts);
    len = frame_length(parts, n);
    if (len > FRAME_VECTOR_MAX)
        return -EMSGSIZE;
    if (buf_reserve(out, 1 + sizeof label + sizeof header + len) == NULL)
        return buf_error(out);
    vector_write(out, span_str(label));
    buf_add(out, span_of(header, vector_header_put(header, len)));
    frame_add(out, parts, n);
    return buf_error(out);
}

int frame_sign(struct suited s, struct authentic *a, struct mw_span context, struct mw_span key,
               uint8_t *signature)
{
    CLEANUP(buf_wipe) struct buf b = BUF_INIT(SIZE_MAX);
    size_t len = 0;
    int r;

    a->auth.signature = (struct mw_span){ NULL, 0 };
    r = frame_fits(a);
    if (r == 0)
        r = signed_bytes(a, context, &b);
    if (r == 0) {
        r = crypt_sign(s.crypto, s.suite->signer, key, buf_span(&b), signature, &len);
        r = r > 0 ? FRAME_E_KEY : r;
    }
    if (r == 0)
        a->auth.signature = span_of(signature, len);
    return r;
}

int frame_verify(struct suited s, const struct authentic *a, struct mw_span context,
                 struct mw_span key)
{
    CLEANUP(buf_wipe) struct buf b = BUF_INIT(SIZE_MAX);
    int r = frame_fits(a);

    if (r == 0)
        r = signed_bytes(a, context, &b);
    if (r == 0) {
        r = crypt_verify(s.crypto, s.suite->signer, key, buf_span(&b), a->auth.signature);
        r = r > 0 ? FRAME_E_SIGNATURE : r;
    }
    return r;
}

/* ------------------------------------------------------------------------ who sends what ---- */

/* 6.1: what each type of sender MUST keep to.  A proposal begins with its type. */
int frame_sender_check(const struct framed_content *c)
{
    struct reader r = { .rest = c->content };
    uint16_t proposal = c->content_type == CONTENT_PROPOSAL ? read_u16(&r) : 0;

    switch (c->sender.type) {
    case SENDER_MEMBER:
        return 0;
    case SENDER_EXTERNAL:
        return c->content_type == CONTENT_PROPOSAL && proposal != PROPOSAL_UPDATE &&
                       proposal != PROPOSAL_EXTERNAL_INIT
                   ? 0
                   : FRAME_E_SENDER;
    case SENDER_NEW_PROPOSAL:
        return proposal == PROPOSAL_ADD ? 0 : FRAME_E_SENDER;
    case SENDER_NEW_COMMIT:
        return c->content_type == CONTENT_COMMIT ? 0 : FRAME_E_SENDER;
    default:
        return FRAME_E_SENDER;
    }
}

/* -------------------------------------------------------------------------- the reference ---- */

int frame_proposal_ref(struct suited s, const struct authentic *a, uint8_t *out)
{
    static const char label[] = "MLS 1.0 Proposal Reference";
    struct mw_span parts[3 + 1 + CONTENT_PARTS + FRAME_AUTH_PARTS];
    struct frame_room room;
    uint8_t length[4], header[4];
    size_t n = 4, len;
    int r = frame_fits(a);

    if (r != 0)
        return r;
    room.start[0] = (uint8_t)(a->wire_format >> 8);
    room.start[1] = (uint8_t)a->wire_format;
    parts[0] = span_of(length, vector_header_put(length, sizeof label - 1));
    parts[1] = span_str(label);
    parts[3] = span_of(room.start, 2);
    n += content_parts(&a->content, &room.content, parts + n);
    n += frame_auth(a, &room, parts + n);
    len = frame_length(parts + 3, n - 3);
    if (len > FRAME_VECTOR_MAX)
        return -EMSGSIZE;
    parts[2] = span_of(header, vector_header_put(header, len));
    return frame_ours(crypt_digest(s.crypto, s.suite->hash, parts, n, out));
}
