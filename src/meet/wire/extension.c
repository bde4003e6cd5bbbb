/* Extensions and the three whose content the core itself reads. */
#include "meet/wire/codec.h"
#include "meet/wire/list.h"

void extension_read(struct extension *v, struct reader *r)
{
    v->type = read_u16(r);
    v->data = vector_read(r);
}

void extension_write(struct buf *b, const struct extension *v)
{
    buf_u16(b, v->type);
    vector_write(b, v->data);
}

bool extension_find(struct mw_span list, uint16_t type, struct mw_span *data)
{
    struct reader r = { .rest = list };
    struct extension e;

    while (read_more(&r)) {
        extension_read(&e, &r);
        if (!r.failed && e.type == type) {
            *data = e.data;
            return true;
        }
    }
    return false;
}

/* Few: each type is looked for among those before it. */
static bool repeats_few(struct mw_span list)
{
    struct reader r = { .rest = list };
    struct extension e;
    struct mw_span before, data;

    while (read_more(&r)) {
        before = wire_since(list, &r);
        extension_read(&e, &r);
        if (extension_find(before, e.type, &data))
            return true;
    }
    return false;
}

/* Many: a bit for each type there is, so that a long list costs no more than its length. */
static bool repeats_many(struct mw_span list)
{
    struct reader r = { .rest = list };
    uint64_t seen[65536 / 64] = { 0 };
    struct extension e;

    while (read_more(&r)) {
        extension_read(&e, &r);
        if (seen[e.type / 64] >> e.type % 64 & 1)
            return true;
        seen[e.type / 64] |= UINT64_C(1) << e.type % 64;
    }
    return false;
}

struct mw_span extensions_read(struct reader *r)
{
    enum { FEW = 16 };
    struct mw_span list = vector_read(r);
    struct reader inner = { .rest = list };
    struct extension e;
    size_t n = 0;

    for (; read_more(&inner); n++)
        extension_read(&e, &inner);
    /* 13.4: MUST NOT have more than one extension of any given type. */
    if (inner.failed || (n <= FEW ? repeats_few(list) : repeats_many(list)))
        read_fail(r);
    return r->failed ? (struct mw_span){ NULL, 0 } : list;
}

bool required_capabilities_read(struct required_capabilities *v, struct mw_span data)
{
    struct reader r = { .rest = data };

    v->extensions = u16_list_read(&r);
    v->proposals = u16_list_read(&r);
    v->credentials = u16_list_read(&r);
    return read_done(&r);
}

void required_capabilities_write(struct buf *b, const struct required_capabilities *v)
{
    vector_write(b, v->extensions);
    vector_write(b, v->proposals);
    vector_write(b, v->credentials);
}

void external_sender_read(struct external_sender *v, struct reader *r)
{
    v->signature_key = vector_read(r);
    credential_read(&v->credential, r);
}

static void external_sender_skip(struct reader *r)
{
    struct external_sender v;

    external_sender_read(&v, r);
}

bool external_senders_read(struct mw_span data, struct mw_span *list)
{
    struct reader r = { .rest = data };

    *list = entries_read(&r, external_sender_skip);
    return read_done(&r);
}

bool external_sender_at(struct mw_span data, uint32_t i, struct external_sender *v)
{
    struct reader r = { 0 };

    if (!external_senders_read(data, &r.rest))
        return false;
    for (uint32_t at = 0; read_more(&r); at++) {
        external_sender_read(v, &r);
        if (at == i)
            return true;
    }
    return false;
}

void external_sender_write(struct buf *b, const struct external_sender *v)
{
    vector_write(b, v->signature_key);
    credential_write(b, &v->credential);
}
