/* Keys, sizes and words of midwatch/hpke.h. */
#include <errno.h>

#include "meet/hpke/public.h"

static const char *const texts[] = {
    [0] = "no error",
    [MW_HPKE_E_SUITE] = "a KEM, KDF, AEAD or mode that is not of RFC 9180",
    [MW_HPKE_E_PUBLIC_KEY] = "the recipient's public key is none of this KEM",
    [MW_HPKE_E_PRIVATE_KEY] = "the private key is none of this KEM",
    [MW_HPKE_E_ENC] = "the encapsulated key is no public key of this KEM",
    [MW_HPKE_E_SENDER_KEY] = "the sender's key is none of this KEM",
    [MW_HPKE_E_INPUTS] = "a PSK or a sender's key is missing, or given to a mode without",
    [MW_HPKE_E_PSK] = "the PSK is shorter than 32 bytes",
    [MW_HPKE_E_LENGTH] = "longer than RFC 9180 or the AEAD allows",
    [MW_HPKE_E_OPEN] = ("does not open: altered, or sealed with other keys, info, PSK, "
                        "additional data or order"),
    [MW_HPKE_E_SHORT] = "too short to be a sealed message",
    [MW_HPKE_E_MESSAGE_LIMIT] = "no more messages in this context",
    [MW_HPKE_E_EXPORT_ONLY] = "this suite only exports",
    [MW_HPKE_E_DERIVE] = "no key comes of this keying material",
};

const char *mw_hpke_error_text(int error)
{
    if (error < 0)
        return error == -ENOMEM ? "out of memory"
                                : "the cryptographic library or the random source failed";
    return (size_t)error < ARRAY_LEN(texts) ? texts[error] : "no error of HPKE";
}

int mw_hpke_sizes(struct mw_hpke_suite suite, struct mw_hpke_sizes *out)
{
    struct hpke_parts p;

    if (!hpke_parts_of((struct hpke_suite){ suite.kem, suite.kdf, suite.aead }, &p))
        return MW_HPKE_E_SUITE;
    out->public_key = crypt_point_size(p.group);
    out->private_key = crypt_scalar_size(p.group);
    out->tag = p.export_only ? 0 : CRYPT_TAG;
    out->export_max = 255 * crypt_hash_size(p.hash);
    return 0;
}

int mw_hpke_key_make(const struct mw_crypto *c, uint16_t kem, struct mw_random random,
                     uint8_t *private_key, uint8_t *public_key)
{
    return hpke_result(hpke_pair_make(c, kem, random, private_key, public_key),
                       MW_HPKE_E_DERIVE);
}

int mw_hpke_key_derive(const struct mw_crypto *c, uint16_t kem, struct mw_span ikm,
                       uint8_t *private_key, uint8_t *public_key)
{
    /* RFC 9180 7.2.1, of the KEMs that hash with SHA-256; the others take more than there is. */
    if (ikm.len > ((uint64_t)1 << 61) - 84)
        return MW_HPKE_E_LENGTH;
    return hpke_result(hpke_pair_derive(c, kem, ikm, private_key, public_key), MW_HPKE_E_DERIVE);
}

int mw_hpke_key_public(const struct mw_crypto *c, uint16_t kem, struct mw_span private_key,
                       uint8_t *public_key)
{
    enum crypt_group g;

    if (!hpke_group(kem, &g))
        return MW_HPKE_E_SUITE;
    return hpke_result(crypt_public(c, g, private_key, public_key), MW_HPKE_E_PRIVATE_KEY);
}

int mw_hpke_key_check(const struct mw_crypto *c, uint16_t kem, struct mw_span public_key)
{
    enum crypt_group g;

    if (!hpke_group(kem, &g))
        return MW_HPKE_E_SUITE;
    return hpke_result(crypt_point_check(c, g, public_key), MW_HPKE_E_PUBLIC_KEY);
}
