#include "meet/hpke/schedule.h"

/* SetupBaseS with a fresh ephemeral key. */
static int setup_sender(const struct mw_crypto *c, struct hpke_suite suite,
                        const struct hpke_parts *p, struct mw_random random, struct mw_span point,
                        struct mw_span info, int want, uint8_t *enc, struct hpke_agreed *agreed)
{
    const struct hpke_inputs in = { .mode = HPKE_BASE, .info = info };
    const struct hpke_pair nobody = { 0 };
    CLEANUP(secret_wipe) struct secret shared = { 0 };
    uint8_t scalar[CRYPT_SCALAR_MAX];
    size_t size = crypt_point_size(p->group);
    int r = hpke_pair_make(c, suite.kem, random, scalar, enc);

    if (r == 0) {
        const struct hpke_pair ephemeral = { span_of(scalar, crypt_scalar_size(p->group)),
                                             span_of(enc, size) };

        r = hpke_encap(c, p, ephemeral, point, nobody, &shared);
    }
    secret_clear(scalar, sizeof scalar);
    if (r == 0)
        r = hpke_schedule(c, p, &in, &shared, want, agreed);
    if (r != 0)
        secret_clear(enc, size);
    return r;
}

/* SetupBaseR. */
static int setup_recipient(const struct mw_crypto *c, const struct hpke_parts *p,
                           struct hpke_pair own, struct mw_span enc, struct mw_span info, int want,
                           struct hpke_agreed *agreed)
{
    const struct hpke_inputs in = { .mode = HPKE_BASE, .info = info };
    const struct mw_span nobody = { NULL, 0 };
    CLEANUP(secret_wipe) struct secret shared = { 0 };
    int r = hpke_decap(c, p, own, enc, nobody, &shared);

    return r != 0 ? r : hpke_schedule(c, p, &in, &shared, want, agreed);
}

int hpke_seal(const struct mw_crypto *c, struct hpke_suite suite, struct mw_random random,
              struct mw_span point, struct mw_span info, struct mw_span aad, struct mw_span plain,
              uint8_t *enc, uint8_t *sealed)
{
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    struct hpke_parts p;
    int r;

    if (!hpke_parts_of(suite, &p) || p.export_only)
        return CRYPT_E_UNSUPPORTED;
    r = setup_sender(c, suite, &p, random, point, info, HPKE_WANT_AEAD, enc, &a);
    if (r != 0) {
        secret_clear(sealed, plain.len + CRYPT_TAG);
        return r;
    }
    r = crypt_seal(c, p.aead, span_of(a.key, crypt_key_size(p.aead)), a.nonce, aad, plain, sealed);
    if (r != 0)
        secret_clear(enc, crypt_point_size(p.group));
    return r;
}

int hpke_open(const struct mw_crypto *c, struct hpke_suite suite, struct mw_span scalar,
              struct mw_span point, struct mw_span enc, struct mw_span info, struct mw_span aad,
              struct mw_span sealed, uint8_t *out)
{
    const struct hpke_pair own = { scalar, point };
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    struct hpke_parts p;
    int r;

    if (!hpke_parts_of(suite, &p) || p.export_only)
        return CRYPT_E_UNSUPPORTED;
    if (sealed.len < CRYPT_TAG)
        return CRYPT_E_FORGED;
    r = setup_recipient(c, &p, own, enc, info, HPKE_WANT_AEAD, &a);
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
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    struct hpke_parts p;
    int r;

    if (!hpke_parts_of(suite, &p))
        return CRYPT_E_UNSUPPORTED;
    r = setup_sender(c, suite, &p, random, point, info, HPKE_WANT_EXPORTER, enc, &a);
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
    CLEANUP(hpke_agreed_wipe) struct hpke_agreed a = { 0 };
    struct hpke_parts p;
    int r;

    if (!hpke_parts_of(suite, &p))
        return CRYPT_E_UNSUPPORTED;
    r = setup_recipient(c, &p, own, enc, info, HPKE_WANT_EXPORTER, &a);
    if (r != 0) {
        secret_clear(out, len);
        return r;
    }
    return hpke_export(c, &p, &a.exporter, label, out, len);
}
