/* The one-shot calls of midwatch/hpke.h (RFC 9180 6): no context, no memory of their own. */
#include "meet/hpke/public.h"

/* What is known to be wrong before any key is made; an unknown suite is for setting up to tell. */
static int message_fits(const struct mw_hpke_setup *s, struct mw_span aad, size_t plain_len)
{
    struct hpke_parts p;

    if (!hpke_parts_of((struct hpke_suite){ s->suite.kem, s->suite.kdf, s->suite.aead }, &p))
        return MW_HPKE_E_SUITE;
    return hpke_message_fits(&p, aad, plain_len);
}

static int export_fits(const struct mw_hpke_setup *s, struct mw_span context, size_t len)
{
    struct hpke_parts p;

    if (!hpke_parts_of((struct hpke_suite){ s->suite.kem, s->suite.kdf, s->suite.aead }, &p))
        return MW_HPKE_E_SUITE;
    return hpke_export_fits(&p, context, len);
}

int mw_hpke_seal(const struct mw_crypto *c, const struct mw_hpke_setup *setup,
                 struct mw_span public_key, struct mw_random random, struct mw_span aad,
                 struct mw_span plain, uint8_t *enc, uint8_t *out)
{
    CLEANUP(hpke_ready_wipe) struct hpke_ready ready = { 0 };
    const struct hpke_parts *p = &ready.parts;
    int r = message_fits(setup, aad, plain.len);

    if (r == MW_HPKE_E_LENGTH)
        return r;
    if (r == 0)
        r = hpke_ready_sender(&ready, c, setup, public_key, random, HPKE_WANT_AEAD, enc);
    if (r != 0) {
        secret_clear(out, plain.len + CRYPT_TAG);
        return r;
    }
    r = crypt_seal(c, p->aead, span_of(ready.agreed.key, crypt_key_size(p->aead)),
                   ready.agreed.nonce, aad, plain, out);
    if (r != 0)
        secret_clear(enc, crypt_point_size(p->group));
    return hpke_result(r, MW_HPKE_E_OPEN);
}

int mw_hpke_open(const struct mw_crypto *c, const struct mw_hpke_setup *setup,
                 struct mw_span private_key, struct mw_span public_key, struct mw_span enc,
                 struct mw_span aad, struct mw_span sealed, uint8_t *out)
{
    CLEANUP(hpke_ready_wipe) struct hpke_ready ready = { 0 };
    const struct hpke_parts *p = &ready.parts;
    int r;

    if (sealed.len < CRYPT_TAG)
        return MW_HPKE_E_SHORT;
    r = message_fits(setup, aad, sealed.len - CRYPT_TAG);
    if (r == MW_HPKE_E_LENGTH)
        return r;
    if (r == 0)
        r = hpke_ready_recipient(&ready, c, setup, private_key, public_key, enc, HPKE_WANT_AEAD);
    if (r != 0) {
        secret_clear(out, sealed.len - CRYPT_TAG);
        return r;
    }
    return hpke_result(crypt_open(c, p->aead,
                                  span_of(ready.agreed.key, crypt_key_size(p->aead)),
                                  ready.agreed.nonce, aad, sealed, out), MW_HPKE_E_OPEN);
}

int mw_hpke_send_export(const struct mw_crypto *c, const struct mw_hpke_setup *setup,
                        struct mw_span public_key, struct mw_random random,
                        struct mw_span context, uint8_t *enc, uint8_t *out, size_t len)
{
    CLEANUP(hpke_ready_wipe) struct hpke_ready ready = { 0 };
    int r = export_fits(setup, context, len);

    if (r == MW_HPKE_E_LENGTH)
        return r;
    if (r == 0)
        r = hpke_ready_sender(&ready, c, setup, public_key, random, HPKE_WANT_EXPORTER, enc);
    if (r != 0) {
        secret_clear(out, len);
        return r;
    }
    r = hpke_export(c, &ready.parts, &ready.agreed.exporter, context, out, len);
    if (r != 0)
        secret_clear(enc, crypt_point_size(ready.parts.group));
    return hpke_result(r, MW_HPKE_E_LENGTH);
}

int mw_hpke_receive_export(const struct mw_crypto *c, const struct mw_hpke_setup *setup,
                           struct mw_span private_key, struct mw_span public_key,
                           struct mw_span enc, struct mw_span context, uint8_t *out, size_t len)
{
    CLEANUP(hpke_ready_wipe) struct hpke_ready ready = { 0 };
    int r = export_fits(setup, context, len);

    if (r == MW_HPKE_E_LENGTH)
        return r;
    if (r == 0)
        r = hpke_ready_recipient(&ready, c, setup, private_key, public_key, enc,
                                 HPKE_WANT_EXPORTER);
    if (r != 0) {
        secret_clear(out, len);
        return r;
    }
    return hpke_result(hpke_export(c, &ready.parts, &ready.agreed.exporter, context, out, len),
                       MW_HPKE_E_LENGTH);
}
