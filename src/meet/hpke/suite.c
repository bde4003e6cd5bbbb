#include "meet/hpke/schedule.h"

/* RFC 9180 7.1. */
static const struct {
    uint16_t id;
    enum crypt_group group;
    enum crypt_hash hash;
} kems[] = {
    { 0x0010, CRYPT_P256, CRYPT_SHA256 },   { 0x0011, CRYPT_P384, CRYPT_SHA384 },
    { 0x0012, CRYPT_P521, CRYPT_SHA512 },   { 0x0020, CRYPT_X25519, CRYPT_SHA256 },
    { 0x0021, CRYPT_X448, CRYPT_SHA512 },
};

static bool find_kem(uint16_t id, struct hpke_parts *out)
{
    for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
        if (kems[i].id != id)
            continue;
        out->group = kems[i].group;
        out->kem_hash = kems[i].hash;
        memcpy(out->kem_id, (uint8_t[]){ 'K', 'E', 'M', (uint8_t)(id >> 8), (uint8_t)id }, 5);
        return true;
    }
    return false;
}

/* 7.2: HKDF with SHA-256, SHA-384, SHA-512. */
static bool find_kdf(uint16_t id, struct hpke_parts *out)
{
    if (id < 1 || id > 3)
        return false;
    out->hash = id == 1 ? CRYPT_SHA256 : id == 2 ? CRYPT_SHA384 : CRYPT_SHA512;
    return true;
}

/* 7.3. */
static bool find_aead(uint16_t id, struct hpke_parts *out)
{
    out->export_only = id == HPKE_EXPORT_ONLY;
    out->aead = id == 2 ? CRYPT_AES_256_GCM : id == 3 ? CRYPT_CHACHA20_POLY1305
                                                      : CRYPT_AES_128_GCM;
    return out->export_only || (id >= 1 && id <= 3);
}

bool hpke_parts_of(struct hpke_suite s, struct hpke_parts *out)
{
    const uint8_t id[10] = { 'H', 'P', 'K', 'E', (uint8_t)(s.kem >> 8), (uint8_t)s.kem,
                             (uint8_t)(s.kdf >> 8), (uint8_t)s.kdf, (uint8_t)(s.aead >> 8),
                             (uint8_t)s.aead };

    out->numbers = s;
    memcpy(out->suite_id, id, sizeof id);
    return find_kem(s.kem, out) && find_kdf(s.kdf, out) && find_aead(s.aead, out);
}

bool hpke_group(uint16_t kem, enum crypt_group *out)
{
    struct hpke_parts p;

    if (!find_kem(kem, &p))
        return false;
    *out = p.group;
    return true;
}
