#include "gate/wire/learn.h"

#include <errno.h>

#include "base/reader.h"
#include "gate/wire/channel.h"

/* Text is printable ASCII without spaces, which names, addresses, fingerprints and codes are:
 * the other end may be a process that was taken over, and what it says is stored and shown. */
static bool text_fits(struct mw_span s, size_t most)
{
    if (s.len > most)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] > '~')
            return false;
    return true;
}

static void text_put(struct buf *out, const char *s, size_t most)
{
    struct mw_span text = span_str(s);

    if (!text_fits(text, most)) {
        if (out->error == 0)
            out->error = -EMSGSIZE;
        return;
    }
    buf_u16(out, (uint16_t)text.len);
    buf_add(out, text);
}

/* *error is set for what is no malformed message: no memory. */
static const char *text_get(struct reader *r, size_t most, struct arena *arena, int *error)
{
    struct mw_span text = read_vec16(r), copy;

    if (!text_fits(text, most))
        read_fail(r);
    if (r->failed || *error != 0)
        return "";
    *error = arena_copy(arena, text, &copy);
    return *error == 0 ? (const char *)copy.data : "";
}

static const char *or_null(const char *s)
{
    return s[0] != '\0' ? s : NULL;
}

static int finished(const struct reader *r, int error)
{
    if (error != 0)
        return error;
    return read_done(r) ? 0 : -EINVAL;
}

static struct reader begin(struct mw_span message, enum gate_message type)
{
    struct reader r = { .rest = message };

    if (read_u8(&r) != type)
        read_fail(&r);
    return r;
}

static struct mw_wall wall_get(struct reader *r)
{
    uint64_t s = read_u64(r);

    if (s > LEARN_LATEST_S)
        read_fail(r);
    return (struct mw_wall){ r->failed ? 0 : (int64_t)s };
}

static void wall_put(struct buf *out, struct mw_wall t)
{
    if (t.s < 0 || t.s > LEARN_LATEST_S) {
        if (out->error == 0)
            out->error = -EMSGSIZE;
        return;
    }
    buf_u64(out, (uint64_t)t.s);
}

/* ---- evidence ---- */

void learn_write(struct buf *out, const struct learn_evidence *e)
{
    buf_u8(out, GATE_LEARN);
    buf_u8(out, (uint8_t)e->sign);
    buf_u8(out, e->alert);
    text_put(out, e->client, LEARN_MAX_CLIENT);
    text_put(out, e->ja4, LEARN_MAX_JA4);
    text_put(out, e->host, LEARN_MAX_HOST);
    buf_u16(out, e->port);
    buf_u8(out, e->untrusted_leaf);
    wall_put(out, e->at);
}

int learn_read(struct learn_evidence *e, struct mw_span message, struct arena *arena)
{
    struct reader r = begin(message, GATE_LEARN);
    struct learn_evidence got = { 0 };
    int error = 0;
    uint8_t sign = read_u8(&r), untrusted;

    got.alert = read_u8(&r);
    got.client = text_get(&r, LEARN_MAX_CLIENT, arena, &error);
    got.ja4 = text_get(&r, LEARN_MAX_JA4, arena, &error);
    got.host = text_get(&r, LEARN_MAX_HOST, arena, &error);
    got.port = read_u16(&r);
    untrusted = read_u8(&r);
    got.at = wall_get(&r);
    if (sign >= LEARN_SIGNS || untrusted > 1)
        read_fail(&r);
    error = finished(&r, error);
    if (error != 0)
        return error;
    got.sign = (enum learn_sign)sign;
    got.untrusted_leaf = untrusted == 1;
    *e = got;
    return 0;
}

/* ---- learned exceptions ---- */

void learned_write(struct buf *out, const struct gate_learned *items, size_t n)
{
    if (n > LEARN_MAX_LEARNED && out->error == 0)
        out->error = -EMSGSIZE;
    buf_u8(out, GATE_LEARNED);
    buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n && out->error == 0; i++) {
        text_put(out, items[i].id, LEARN_MAX_ID);
        text_put(out, items[i].host, LEARN_MAX_HOST);
        text_put(out, items[i].ja4, LEARN_MAX_JA4);
        text_put(out, items[i].client, LEARN_MAX_CLIENT);
        wall_put(out, items[i].until);
    }
}

int learned_read(struct gate_learned **items, size_t *n, struct mw_span message,
                 struct arena *arena)
{
    struct reader r = begin(message, GATE_LEARNED);
    size_t count = read_u16(&r);
    struct gate_learned *all;
    int error = 0;

    if (r.failed || count > LEARN_MAX_LEARNED)
        return -EINVAL;
    all = arena_calloc(arena, count + 1, sizeof *all);
    if (all == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && !r.failed && error == 0; i++) {
        all[i].id = text_get(&r, LEARN_MAX_ID, arena, &error);
        all[i].host = text_get(&r, LEARN_MAX_HOST, arena, &error);
        all[i].ja4 = or_null(text_get(&r, LEARN_MAX_JA4, arena, &error));
        all[i].client = or_null(text_get(&r, LEARN_MAX_CLIENT, arena, &error));
        all[i].until = wall_get(&r);
        /* An exception for no host would be one for all of them. */
        if (all[i].id[0] == '\0' || all[i].host[0] == '\0')
            read_fail(&r);
    }
    error = finished(&r, error);
    if (error != 0)
        return error;
    *items = all;
    *n = count;
    return 0;
}

/* ---- consents ---- */

size_t consent_bytes(const struct gate_consent *c)
{
    return 4 * sizeof(uint16_t) + span_str(c->client).len + span_str(c->host).len +
           span_str(c->key).len + span_str(c->findings).len + sizeof c->port + sizeof(uint64_t);
}

static void consent_put(struct buf *out, const struct gate_consent *c)
{
    text_put(out, c->client, LEARN_MAX_CLIENT);
    text_put(out, c->host, LEARN_MAX_HOST);
    buf_u16(out, c->port);
    text_put(out, c->key, LEARN_MAX_KEY);
    text_put(out, c->findings, LEARN_MAX_FINDINGS);
    wall_put(out, c->until);
}

static void consent_get(struct gate_consent *c, struct reader *r, struct arena *arena, int *error)
{
    c->client = text_get(r, LEARN_MAX_CLIENT, arena, error);
    c->host = text_get(r, LEARN_MAX_HOST, arena, error);
    c->port = read_u16(r);
    c->key = text_get(r, LEARN_MAX_KEY, arena, error);
    c->findings = text_get(r, LEARN_MAX_FINDINGS, arena, error);
    c->until = wall_get(r);
    /* Each of them is what it is limited to; empty would be "any". */
    if (c->client[0] == '\0' || c->host[0] == '\0' || c->key[0] == '\0')
        read_fail(r);
}

void consent_write(struct buf *out, const struct gate_consent *c)
{
    buf_u8(out, GATE_CONSENT);
    consent_put(out, c);
}

int consent_read(struct gate_consent *c, struct mw_span message, struct arena *arena)
{
    struct reader r = begin(message, GATE_CONSENT);
    struct gate_consent got = { 0 };
    int error = 0;

    consent_get(&got, &r, arena, &error);
    error = finished(&r, error);
    if (error == 0)
        *c = got;
    return error;
}

void consents_write(struct buf *out, const struct gate_consent *items, size_t n)
{
    if (n > LEARN_MAX_CONSENTS && out->error == 0)
        out->error = -EMSGSIZE;
    buf_u8(out, GATE_CONSENTS);
    buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n && out->error == 0; i++)
        consent_put(out, &items[i]);
}

int consents_read(struct gate_consent **items, size_t *n, struct mw_span message,
                  struct arena *arena)
{
    struct reader r = begin(message, GATE_CONSENTS);
    size_t count = read_u16(&r);
    struct gate_consent *all;
    int error = 0;

    if (r.failed || count > LEARN_MAX_CONSENTS)
        return -EINVAL;
    all = arena_calloc(arena, count + 1, sizeof *all);
    if (all == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && !r.failed && error == 0; i++)
        consent_get(&all[i], &r, arena, &error);
    error = finished(&r, error);
    if (error != 0)
        return error;
    *items = all;
    *n = count;
    return 0;
}
