#include "gate/wire/mint.h"

#include <errno.h>

#include "base/reader.h"
#include "gate/wire/channel.h"

/* A vector behind a length of 16 or 24 bits, as base/reader.h takes them. */
static void vec16(struct buf *out, struct mw_span s)
{
    if (s.len > UINT16_MAX)
        out->error = -EMSGSIZE;
    buf_u16(out, (uint16_t)s.len);
    buf_add(out, s);
}

static void vec24(struct buf *out, struct mw_span s)
{
    if (s.len > CHANNEL_MAX_MESSAGE)
        out->error = -EMSGSIZE;
    buf_u24(out, (uint32_t)s.len);
    buf_add(out, s);
}

void mint_ask_write(struct buf *out, const struct mint_ask *ask)
{
    buf_u8(out, GATE_MINT_ASK);
    buf_u64(out, ask->id);
    buf_u8(out, (uint8_t)ask->ca);
    buf_u8(out, (uint8_t)ask->key);
    buf_u64(out, (uint64_t)ask->now.s);
    vec16(out, ask->spki);
    vec16(out, ask->host);
    vec24(out, ask->origin);
}

int mint_ask_read(struct mint_ask *ask, struct mw_span message)
{
    struct reader r = { .rest = message };
    struct mint_ask a = { 0 };
    uint8_t type = read_u8(&r), ca, key;

    a.id = read_u64(&r);
    ca = read_u8(&r);
    key = read_u8(&r);
    a.now.s = (int64_t)read_u64(&r);
    a.spki = read_vec16(&r);
    a.host = read_vec16(&r);
    a.origin = read_vec24(&r);
    if (!read_done(&r) || type != GATE_MINT_ASK || ca > MINT_UNTRUSTED || key > MINT_RSA2048)
        return -EINVAL;
    a.ca = (enum mint_ca)ca;
    a.key = (enum mint_key)key;
    *ask = a;
    return 0;
}

void mint_answer_write(struct buf *out, const struct mint_answer *answer)
{
    buf_u8(out, GATE_MINT_ANSWER);
    buf_u64(out, answer->id);
    buf_u8(out, (uint8_t)answer->status);
    buf_u64(out, (uint64_t)answer->not_after.s);
    vec16(out, answer->why);
    vec24(out, answer->leaf);
    vec24(out, answer->intermediate);
}

/* Certificates come with MINT_OK and with nothing else; a reason with all the rest. */
static bool answer_is_consistent(const struct mint_answer *a)
{
    if (a->status == MINT_OK)
        return a->leaf.len > 0 && a->intermediate.len > 0 && a->why.len == 0;
    return a->leaf.len == 0 && a->intermediate.len == 0 && a->why.len > 0;
}

int mint_answer_read(struct mint_answer *answer, struct mw_span message)
{
    struct reader r = { .rest = message };
    struct mint_answer a = { 0 };
    uint8_t type = read_u8(&r), status;

    a.id = read_u64(&r);
    status = read_u8(&r);
    a.not_after.s = (int64_t)read_u64(&r);
    a.why = read_vec16(&r);
    a.leaf = read_vec24(&r);
    a.intermediate = read_vec24(&r);
    if (!read_done(&r) || type != GATE_MINT_ANSWER || status > MINT_BROKEN)
        return -EINVAL;
    a.status = (enum mint_status)status;
    if (!answer_is_consistent(&a))
        return -EINVAL;
    *answer = a;
    return 0;
}
