/* The contexts and one-shot calls of midwatch/hpke.h (RFC 9180 5.2, 5.3, 6). */
#include "meet/hpke/context.h"

#include <errno.h>

#include "meet/hpke/public.h"

/* One direction's state, in locked memory.  The sequence number of 5.2 has 96 bits; nobody gets
 * past 64 of them, and who does is told. */
struct context {
    const struct mw_crypto *crypto;
    struct hpke_parts parts;
    struct crypt_sealer *sealer;    /* NULL: export-only */
    uint8_t base_nonce[CRYPT_NONCE];
    struct secret exporter;
    uint64_t next;
};

struct mw_hpke_sender {
    struct context context;
};

struct mw_hpke_recipient {
    struct context context;
};

static void context_free(struct context *x)
{
    if (x == NULL)
        return;
    crypt_sealer_free(x->sealer);
    secret_free(x);
}

static void context_freep(struct context **at)
{
    context_free(*at);
}

static int context_new(struct context **out, const struct mw_crypto *c,
                       const struct hpke_ready *ready)
{
    CLEANUP(context_freep) struct context *x = crypt_secret(c, sizeof *x);
    const struct hpke_parts *p = &ready->parts;
    int r;

    if (x == NULL)
        return -ENOMEM;
    x->crypto = c;
    x->parts = *p;
    x->exporter = ready->agreed.exporter;
    memcpy(x->base_nonce, ready->agreed.nonce, CRYPT_NONCE);
    if (!p->export_only) {
        r = crypt_sealer_new(&x->sealer, c, p->aead,
                             span_of(ready->agreed.key, crypt_key_size(p->aead)));
        if (r != 0)
            return r;
    }
    *out = x;
    x = NULL;
    return 0;
}

int mw_hpke_sender_new(struct mw_hpke_sender **out, const struct mw_crypto *c,
                       const struct mw_hpke_setup *setup, struct mw_span public_key,
                       struct mw_random random, uint8_t *enc)
{
    CLEANUP(hpke_ready_wipe) struct hpke_ready ready = { 0 };
    struct context *x;
    int r = hpke_ready_sender(&ready, c, setup, public_key, random,
                              HPKE_WANT_AEAD | HPKE_WANT_EXPORTER, enc);

    if (r != 0)
        return r;
    r = context_new(&x, c, &ready);
    if (r != 0) {
        secret_clear(enc, crypt_point_size(ready.parts.group));
        return r;
    }
    *out = (struct mw_hpke_sender *)x;
    return 0;
}

int mw_hpke_recipient_new(struct mw_hpke_recipient **out, const struct mw_crypto *c,
                          const struct mw_hpke_setup *setup, struct mw_span private_key,
                          struct mw_span public_key, struct mw_span enc)
{
    CLEANUP(hpke_ready_wipe) struct hpke_ready ready = { 0 };
    struct context *x;
    int r = hpke_ready_recipient(&ready, c, setup, private_key, public_key, enc,
                                 HPKE_WANT_AEAD | HPKE_WANT_EXPORTER);

    if (r == 0)
        r = context_new(&x, c, &ready);
    if (r == 0)
        *out = (struct mw_hpke_recipient *)x;
    return r;
}

void mw_hpke_sender_free(struct mw_hpke_sender *s)
{
    context_free((struct context *)s);
}

void mw_hpke_recipient_free(struct mw_hpke_recipient *r)
{
    context_free((struct context *)r);
}

void hpke_sender_seek(struct mw_hpke_sender *s, uint64_t next)
{
    s->context.next = next;
}

void hpke_recipient_seek(struct mw_hpke_recipient *r, uint64_t next)
{
    r->context.next = next;
}

/* ComputeNonce (5.2): the number, big-endian, over the base nonce. */
static void nonce_make(const struct context *x, uint8_t nonce[CRYPT_NONCE])
{
    memcpy(nonce, x->base_nonce, CRYPT_NONCE);
    for (size_t i = 0; i < 8; i++)
        nonce[CRYPT_NONCE - 1 - i] ^= (uint8_t)(x->next >> 8 * i);
}

int mw_hpke_sender_seal(struct mw_hpke_sender *s, struct mw_span aad, struct mw_span plain,
                        uint8_t *out)
{
    struct context *x = &s->context;
    uint8_t nonce[CRYPT_NONCE];
    int r = hpke_message_fits(&x->parts, aad, plain.len);

    if (r == MW_HPKE_E_LENGTH)
        return r;
    if (r == 0 && x->next == UINT64_MAX)
        r = MW_HPKE_E_MESSAGE_LIMIT;    /* 5.2 MUST, before the nonce is used */
    if (r != 0) {
        secret_clear(out, plain.len + CRYPT_TAG);
        return r;
    }
    nonce_make(x, nonce);
    r = crypt_sealer_seal(x->sealer, nonce, aad, plain, out);
    if (r == 0)
        x->next++;
    return hpke_result(r, MW_HPKE_E_OPEN);
}

int mw_hpke_recipient_open(struct mw_hpke_recipient *t, struct mw_span aad, struct mw_span sealed,
                           uint8_t *out)
{
    struct context *x = &t->context;
    uint8_t nonce[CRYPT_NONCE];
    int r;

    if (sealed.len < CRYPT_TAG)
        return MW_HPKE_E_SHORT;
    r = hpke_message_fits(&x->parts, aad, sealed.len - CRYPT_TAG);
    if (r == MW_HPKE_E_LENGTH)
        return r;
    if (r == 0 && x->next == UINT64_MAX)
        r = MW_HPKE_E_MESSAGE_LIMIT;
    if (r != 0) {
        secret_clear(out, sealed.len - CRYPT_TAG);
        return r;
    }
    nonce_make(x, nonce);
    r = crypt_sealer_open(x->sealer, nonce, aad, sealed, out);
    if (r == 0)
        x->next++;
    return hpke_result(r, MW_HPKE_E_OPEN);
}

static int export(const struct context *x, struct mw_span context, uint8_t *out, size_t len)
{
    int r = hpke_export_fits(&x->parts, context, len);

    return r != 0 ? r
                  : hpke_result(hpke_export(x->crypto, &x->parts, &x->exporter, context, out,
                                            len), MW_HPKE_E_LENGTH);
}

int mw_hpke_sender_export(const struct mw_hpke_sender *s, struct mw_span context, uint8_t *out,
                          size_t len)
{
    return export(&s->context, context, out, len);
}

int mw_hpke_recipient_export(const struct mw_hpke_recipient *r, struct mw_span context,
                             uint8_t *out, size_t len)
{
    return export(&r->context, context, out, len);
}
