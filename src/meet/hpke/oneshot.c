#include "meet/hpke/schedule.h"

static int seal(const struct mw_crypto *c, struct hpke_suite suite, struct mw_random random,
                struct mw_span point, const struct hpke_inputs *in, struct mw_span aad,
                struct mw_span plain, uint8_t *enc, uint8_t *sealed)
{
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    struct hpke_parts p;
    int r;

    if (!hpke_parts_of(suite, &p) || p.export_only)
        return CRYPT_E_UNSUPPORTED;
    r = hpke_agree_sender(c, &p, in, random, point, HPKE_WANT_AEAD, enc, &a);
    if (r != 0) {
        secret_clear(sealed, plain.len + CRYPT_TAG);
        return r;
    }
    r = crypt_seal(c, p.aead, span_of(a.key, crypt_key_size(p.aead)), a.nonce, aad, plain, sealed);
    if (r != 0)
        secret_clear(enc, crypt_point_size(p.group));
    return r;
}

int hpke_seal(const struct mw_crypto *c, struct hpke_suite suite, struct mw_random random,
              struct mw_span point, struct mw_span info, struct mw_span aad, struct mw_span plain,
              uint8_t *enc, uint8_t *sealed)
{
    const struct hpke_inputs in = { .mode = HPKE_BASE, .info = info };

    return seal(c, suite, random, point, &in, aad, plain, enc, sealed);
}

int hpke_common_make(struct hpke_common *out, const struct mw_crypto *c, struct hpke_suite suite,
                     struct mw_span info)
{
    const struct hpke_inputs in = { .mode = HPKE_BASE, .info = info };
    struct hpke_parts p;

    return hpke_parts_of(suite, &p) ? hpke_common_of(c, &p, &in, out) : CRYPT_E_UNSUPPORTED;
}

int hpke_seal_common(const struct mw_crypto *c, struct hpke_suite suite, struct mw_random random,
                     struct mw_span point, const struct hpke_common *common, struct mw_span aad,
                     struct mw_span plain, uint8_t *enc, uint8_t *sealed)
{
    const struct hpke_inputs in = { .mode = HPKE_BASE, .common = common };

    return seal(c, suite, random, point, &in, aad, plain, enc, sealed);
}

int hpke_open(const struct mw_crypto *c, struct hpke_suite suite, struct mw_span scalar,
              struct mw_span point, struct mw_span enc, struct mw_span info, struct mw_span aad,
              struct mw_span sealed, uint8_t *out)
{
    const struct hpke_pair own = { scalar, point };
    const struct hpke_inputs in = { .mode = HPKE_BASE, .info = info };
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    struct hpke_parts p;
    int r;

    if (!hpke_parts_of(suite, &p) || p.export_only)
        return CRYPT_E_UNSUPPORTED;
    if (sealed.len < CRYPT_TAG)
        return CRYPT_E_FORGED;
    r = hpke_agree_recipient(c, &p, &in, own, enc, HPKE_WANT_AEAD, &a);
    if (r != 0) {
        secret_clear(out, sealed.len - CRYPT_TAG);
        return r;
    }
    return crypt_open(c, p.aead, span_of(a.key, crypt_key_size(p.aead)), a.nonce, aad, sealed,
                      out);
}

int hpke_export_to(const struct mw_crypto *c, struct hpke_suite suite, struct mw_random random,
                   struct mw_span point, struct mw_span info, struct mw_span label, uint8_t *enc,
                   uint8_t *out, size_t len)
{
    const struct hpke_inputs in = { .mode = HPKE_BASE, .info = info };
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    struct hpke_parts p;
    int r;

    if (!hpke_parts_of(suite, &p))
        return CRYPT_E_UNSUPPORTED;
    r = hpke_agree_sender(c, &p, &in, random, point, HPKE_WANT_EXPORTER, enc, &a);
    if (r != 0) {
        secret_clear(out, len);
        return r;
    }
    r = hpke_export(c, &p, &a.exporter, label, out, len);
    if (r != 0)
        secret_clear(enc, crypt_point_size(p.group));
    return r;
}

int hpke_export_from(const struct mw_crypto *c, struct hpke_suite suite, struct mw_span scalar,
                     struct mw_span point, struct mw_span enc, struct mw_span info,
                     struct mw_span label, uint8_t *out, size_t len)
{
    const struct hpke_pair own = { scalar, point };
    const struct hpke_inputs in = { .mode = HPKE_BASE, .info = info };
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    struct hpke_parts p;
    int r;

    if (!hpke_parts_of(suite, &p))
        return CRYPT_E_UNSUPPORTED;
    r = hpke_agree_recipient(c, &p, &in, own, enc, HPKE_WANT_EXPORTER, &a);
    if (r != 0) {
        secret_clear(out, len);
        return r;
    }
    return hpke_export(c, &p, &a.exporter, label, out, len);
}
