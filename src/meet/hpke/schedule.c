#include "meet/hpke/schedule.h"

int hpke_extract(const struct mw_crypto *c, enum crypt_hash h, struct mw_span id,
                 struct mw_span salt, const char *label, struct mw_span ikm, struct secret *prk)
{
    const struct mw_span parts[] = { SPAN_LIT("HPKE-v1"), id, span_str(label), ikm };

    return crypt_extract(c, h, salt, parts, ARRAY_LEN(parts), prk);
}

int hpke_expand(const struct mw_crypto *c, enum crypt_hash h, struct mw_span id,
                const struct secret *prk, const char *label, struct mw_span info, uint8_t *out,
                size_t len)
{
    const uint8_t wanted[2] = { (uint8_t)(len >> 8), (uint8_t)len };
    const struct mw_span parts[] = { span_of(wanted, 2), SPAN_LIT("HPKE-v1"), id, span_str(label),
                                     info };

    return crypt_expand(c, h, secret_span(prk), parts, ARRAY_LEN(parts), out, len);
}

void hpke_agreed_wipe(struct hpke_agreed *a)
{
    secret_clear(a, sizeof *a);
}

/* key_schedule_context: the mode and two digests of what both sides must have in common. */
int hpke_common_of(const struct mw_crypto *c, const struct hpke_parts *p,
                   const struct hpke_inputs *in, struct hpke_common *out)
{
    struct mw_span id = span_of(p->suite_id, sizeof p->suite_id), none = { NULL, 0 };
    struct secret psk_id, info;
    int r = hpke_extract(c, p->hash, id, none, "psk_id_hash", in->psk_id, &psk_id);

    if (r == 0)
        r = hpke_extract(c, p->hash, id, none, "info_hash", in->info, &info);
    if (r != 0)
        return r;
    out->bytes[0] = (uint8_t)in->mode;
    memcpy(out->bytes + 1, psk_id.bytes, psk_id.len);
    memcpy(out->bytes + 1 + psk_id.len, info.bytes, info.len);
    out->len = 1 + psk_id.len + info.len;
    return 0;
}

int hpke_schedule(const struct mw_crypto *c, const struct hpke_parts *p,
                  const struct hpke_inputs *in, const struct secret *shared, int want,
                  struct hpke_agreed *out)
{
    struct mw_span id = span_of(p->suite_id, sizeof p->suite_id), context;
    CLEANUP(secret_wipe) struct secret secret = { 0 };
    const struct hpke_common *common = in->common;
    struct hpke_common made;
    int r = 0;

    if (common == NULL) {
        r = hpke_common_of(c, p, in, &made);
        common = &made;
    }
    if (r == 0)
        r = hpke_extract(c, p->hash, id, secret_span(shared), "secret", in->psk, &secret);
    if (r != 0)
        return r;
    context = span_of(common->bytes, common->len);
    if ((want & HPKE_WANT_AEAD) != 0 && !p->export_only) {
        r = hpke_expand(c, p->hash, id, &secret, "key", context, out->key,
                        crypt_key_size(p->aead));
        if (r == 0)
            r = hpke_expand(c, p->hash, id, &secret, "base_nonce", context, out->nonce,
                            CRYPT_NONCE);
    }
    if (r == 0 && (want & HPKE_WANT_EXPORTER) != 0) {
        out->exporter.len = crypt_hash_size(p->hash);
        r = hpke_expand(c, p->hash, id, &secret, "exp", context, out->exporter.bytes,
                        out->exporter.len);
    }
    if (r != 0)
        hpke_agreed_wipe(out);
    return r;
}

int hpke_export(const struct mw_crypto *c, const struct hpke_parts *p,
                const struct secret *exporter, struct mw_span context, uint8_t *out, size_t len)
{
    return hpke_expand(c, p->hash, span_of(p->suite_id, sizeof p->suite_id), exporter, "sec",
                       context, out, len);
}

int hpke_agree_sender(const struct mw_crypto *c, const struct hpke_parts *p,
                      const struct hpke_inputs *in, struct mw_random random, struct mw_span point,
                      int want, uint8_t *enc, struct hpke_agreed *out)
{
    CLEANUP(secret_wipe) struct secret shared = { 0 };
    size_t size = crypt_point_size(p->group);
    uint8_t scalar[CRYPT_SCALAR_MAX];
    int r = hpke_pair_make(c, p->numbers.kem, random, scalar, enc);

    if (r == 0) {
        const struct hpke_pair ephemeral = { span_of(scalar, crypt_scalar_size(p->group)),
                                             span_of(enc, size) };

        r = hpke_encap(c, p, ephemeral, point, in->sender, &shared);
    }
    secret_clear(scalar, sizeof scalar);
    if (r == 0)
        r = hpke_schedule(c, p, in, &shared, want, out);
    if (r != 0)
        secret_clear(enc, size);
    return r;
}

int hpke_agree_recipient(const struct mw_crypto *c, const struct hpke_parts *p,
                         const struct hpke_inputs *in, struct hpke_pair own, struct mw_span enc,
                         int want, struct hpke_agreed *out)
{
    CLEANUP(secret_wipe) struct secret shared = { 0 };
    int r = hpke_decap(c, p, own, enc, in->sender.point, &shared);

    return r != 0 ? r : hpke_schedule(c, p, in, &shared, want, out);
}
