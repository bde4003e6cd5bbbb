#include "meet/hpke/schedule.h"

/* DeriveKeyPair of the NIST curves (7.1.3): candidates until one is below the order.  The RFC's
 * bound of 256 is never met: of P-256 one candidate in 2^32 fails, of the others fewer. */
static int derive_candidates(const struct mw_crypto *c, const struct hpke_parts *p,
                             const struct secret *prk, uint8_t *scalar)
{
    struct mw_span id = span_of(p->kem_id, sizeof p->kem_id);
    size_t size = crypt_scalar_size(p->group);

    for (unsigned counter = 0; counter < 256; counter++) {
        uint8_t byte = (uint8_t)counter;
        int r = hpke_expand(c, p->kem_hash, id, prk, "candidate", span_of(&byte, 1), scalar, size);

        if (r != 0)
            return r;
        if (p->group == CRYPT_P521)
            scalar[0] &= 0x01;
        if (crypt_scalar_fits(p->group, scalar))
            return 0;
    }
    return CRYPT_E_KEY;
}

int hpke_pair_derive(const struct mw_crypto *c, uint16_t kem, struct mw_span ikm, uint8_t *scalar,
                     uint8_t *point)
{
    struct mw_span none = { NULL, 0 }, id;
    CLEANUP(secret_wipe) struct secret prk = { 0 };
    struct hpke_parts p;
    size_t size;
    int r;

    if (!hpke_parts_of((struct hpke_suite){ kem, 1, 1 }, &p))
        return CRYPT_E_UNSUPPORTED;
    id = span_of(p.kem_id, sizeof p.kem_id);
    size = crypt_scalar_size(p.group);
    r = hpke_extract(c, p.kem_hash, id, none, "dkp_prk", ikm, &prk);
    if (r == 0)
        r = p.group == CRYPT_X25519 || p.group == CRYPT_X448
                ? hpke_expand(c, p.kem_hash, id, &prk, "sk", none, scalar, size)
                : derive_candidates(c, &p, &prk, scalar);
    if (r == 0)
        r = crypt_public(c, p.group, span_of(scalar, size), point);
    if (r != 0) {
        secret_clear(scalar, size);
        secret_clear(point, crypt_point_size(p.group));
    }
    return r;
}

int hpke_pair_make(const struct mw_crypto *c, uint16_t kem, struct mw_random random,
                   uint8_t *scalar, uint8_t *point)
{
    uint8_t ikm[CRYPT_SCALAR_MAX];
    enum crypt_group g;
    int r;

    if (!hpke_group(kem, &g))
        return CRYPT_E_UNSUPPORTED;
    r = random.fill(random.context, ikm, crypt_scalar_size(g));
    if (r == 0) {
        r = hpke_pair_derive(c, kem, span_of(ikm, crypt_scalar_size(g)), scalar, point);
    } else {
        secret_clear(scalar, crypt_scalar_size(g));
        secret_clear(point, crypt_point_size(g));
    }
    secret_clear(ikm, sizeof ikm);
    return r;
}

/* ExtractAndExpand (4.1) over one or two results of Diffie-Hellman. */
static int shared_secret(const struct mw_crypto *c, const struct hpke_parts *p, struct mw_span dh,
                         struct mw_span enc, struct mw_span point, struct mw_span sender,
                         struct secret *shared)
{
    struct mw_span id = span_of(p->kem_id, sizeof p->kem_id), none = { NULL, 0 };
    CLEANUP(secret_wipe) struct secret prk = { 0 };
    uint8_t context[3 * CRYPT_POINT_MAX];
    size_t size = crypt_point_size(p->group), len = 2 * size;
    int r = hpke_extract(c, p->kem_hash, id, none, "eae_prk", dh, &prk);

    if (r != 0)
        return r;
    memcpy(context, enc.data, size);
    memcpy(context + size, point.data, size);
    if (sender.len > 0) {
        memcpy(context + len, sender.data, size);
        len += size;
    }
    shared->len = crypt_hash_size(p->kem_hash);     /* Nsecret is the hash's size in all of 7.1 */
    r = hpke_expand(c, p->kem_hash, id, &prk, "shared_secret", span_of(context, len),
                    shared->bytes, shared->len);
    if (r != 0)
        secret_wipe(shared);
    return r;
}

int hpke_encap(const struct mw_crypto *c, const struct hpke_parts *p, struct hpke_pair ephemeral,
               struct mw_span point, struct hpke_pair sender, struct secret *shared)
{
    size_t n = crypt_shared_size(p->group), len = n;
    uint8_t dh[2 * CRYPT_SHARED_MAX];
    int r = crypt_shared(c, p->group, ephemeral.scalar, point, dh);

    if (r == 0 && sender.scalar.len > 0) {
        r = crypt_shared(c, p->group, sender.scalar, point, dh + n);
        len += n;
    }
    if (r == 0)
        r = shared_secret(c, p, span_of(dh, len), ephemeral.point, point, sender.point, shared);
    secret_clear(dh, sizeof dh);
    return r;
}

int hpke_decap(const struct mw_crypto *c, const struct hpke_parts *p, struct hpke_pair own,
               struct mw_span enc, struct mw_span sender, struct secret *shared)
{
    size_t n = crypt_shared_size(p->group), len = n;
    uint8_t dh[2 * CRYPT_SHARED_MAX], computed[CRYPT_POINT_MAX];
    int r = crypt_shared(c, p->group, own.scalar, enc, dh);

    if (r == 0 && sender.len > 0) {
        r = crypt_shared(c, p->group, own.scalar, sender, dh + n);
        len += n;
    }
    if (r == 0 && own.point.len == 0) {
        r = crypt_public(c, p->group, own.scalar, computed);
        own.point = span_of(computed, crypt_point_size(p->group));
    }
    if (r == 0 && own.point.len != crypt_point_size(p->group))
        r = CRYPT_E_KEY;
    if (r == 0)
        r = shared_secret(c, p, span_of(dh, len), enc, own.point, sender, shared);
    secret_clear(dh, sizeof dh);
    return r;
}
