#include "trust/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "trust/der.h"

static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 };
static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1 };
static const uint8_t oid_ed25519[] = { 0x2b, 0x65, 0x70 };
static const uint8_t oid_ed448[] = { 0x2b, 0x65, 0x71 };

#define IS(oid, bytes) span_eq(oid, span_of(bytes, sizeof(bytes)))

static const struct {
    uint8_t oid[8], len;
    int nid, bits;
} curves[] = {
    { { 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 }, 8, NID_X9_62_prime256v1, 256 },
    { { 0x2b, 0x81, 4, 0, 34 }, 5, NID_secp384r1, 384 },
    { { 0x2b, 0x81, 4, 0, 35 }, 5, NID_secp521r1, 521 },
};

/* OpenSSL's number for an OID given by its content octets. */
static int oid_nid(struct mw_span oid)
{
    uint8_t der[64];
    const unsigned char *at = der;
    ASN1_OBJECT *object;
    int nid;

    if (oid.len == 0 || oid.len > sizeof der - 2)
        return NID_undef;
    der[0] = DER_OID;
    der[1] = (uint8_t)oid.len;
    memcpy(der + 2, oid.data, oid.len);
    object = d2i_ASN1_OBJECT(NULL, &at, (long)oid.len + 2);
    nid = object != NULL ? OBJ_obj2nid(object) : NID_undef;
    ASN1_OBJECT_free(object);
    return nid;
}

static struct mw_span without_zeros(struct mw_span s)
{
    while (s.len > 0 && s.data[0] == 0)
        s = span_cut(s, 1, s.len);
    return s;
}

/* RSAPublicKey ::= SEQUENCE { modulus, publicExponent } (RFC 3279 2.3.1) */
static void rsa_read(struct key_facts *k, struct mw_span key)
{
    bool ok;
    struct reader r = { .rest = der_unwrap(key, DER_SEQUENCE, &ok) };
    struct mw_span modulus = der_expect(&r, DER_INTEGER);
    struct mw_span exponent = der_expect(&r, DER_INTEGER);

    if (!ok || !read_done(&r) || modulus.len == 0 || (modulus.data[0] & 0x80) != 0 ||
        exponent.len == 0 || (exponent.data[0] & 0x80) != 0)
        return;
    k->modulus = without_zeros(modulus);
    k->exponent = without_zeros(exponent);
    if (k->modulus.len == 0)
        return;
    k->kind = KEY_RSA;
    k->bits = (int)k->modulus.len * 8;
    for (uint8_t top = k->modulus.data[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
        k->bits--;
}

static void ec_read(struct key_facts *k, struct reader *parameters, struct mw_span key)
{
    struct mw_span curve;

    k->kind = KEY_EC_EXPLICIT;
    if (!der_peek(parameters, DER_OID))
        return;
    k->kind = KEY_EC;
    k->point = key;
    curve = der_expect(parameters, DER_OID);
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        if (span_eq(curve, span_of(curves[i].oid, curves[i].len))) {
            k->nid = curves[i].nid;
            k->bits = curves[i].bits;
            return;
        }
    k->nid = oid_nid(curve);
}

struct key_facts key_facts_read(struct mw_span spki)
{
    struct key_facts k = { .kind = KEY_UNREADABLE };
    bool ok;
    struct reader r = { .rest = der_unwrap(spki, DER_SEQUENCE, &ok) };
    struct reader algorithm = { .rest = der_expect(&r, DER_SEQUENCE) };
    struct mw_span oid = der_expect(&algorithm, DER_OID);
    struct mw_span key = der_expect(&r, DER_BIT_STRING);

    if (!ok || !read_done(&r) || algorithm.failed || key.len < 2 || key.data[0] != 0)
        return k;
    key = span_cut(key, 1, key.len);
    if (IS(oid, oid_rsa)) {
        rsa_read(&k, key);
    } else if (IS(oid, oid_ec)) {
        ec_read(&k, &algorithm, key);
    } else if (IS(oid, oid_ed25519) || IS(oid, oid_ed448)) {
        k.kind = IS(oid, oid_ed25519) ? KEY_ED25519 : KEY_ED448;
        k.point = key;
    } else {
        k.kind = KEY_OTHER;
        k.nid = oid_nid(oid);
    }
    return k;
}

void key_facts_format(struct buf *out, const struct key_facts *k)
{
    const char *name;

    switch (k->kind) {
    case KEY_UNREADABLE:
        buf_str(out, "unreadable");
        return;
    case KEY_RSA:
        buf_printf(out, "RSA %d", k->bits);
        return;
    case KEY_EC:
        name = EC_curve_nid2nist(k->nid);
        buf_printf(out, "EC %s", name != NULL ? name : OBJ_nid2sn(k->nid));
        return;
    case KEY_EC_EXPLICIT:
        buf_str(out, "EC with its own curve");
        return;
    case KEY_ED25519:
        buf_str(out, "Ed25519");
        return;
    case KEY_ED448:
        buf_str(out, "Ed448");
        return;
    case KEY_OTHER:
        buf_str(out, k->nid != NID_undef ? OBJ_nid2sn(k->nid) : "of an unknown kind");
        return;
    }
}

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM *parameters)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (ctx != NULL && parameters != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *rsa_open(const struct key_facts *k)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(k->modulus.data, (int)k->modulus.len, NULL);
    BIGNUM *e = BN_bin2bn(k->exponent.data, (int)k->exponent.len, NULL);
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *key;

    if (builder != NULL && n != NULL && e != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        parameters = OSSL_PARAM_BLD_to_param(builder);
    key = from_parameters("RSA", parameters);
    OSSL_PARAM_free(parameters);
    BN_free(e);
    BN_free(n);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static EVP_PKEY *ec_open(const struct key_facts *k)
{
    char group[32];
    OSSL_PARAM parameters[3];

    snprintf(group, sizeof group, "%s", OBJ_nid2sn(k->nid));
    parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    parameters[1] = OSSL_PARAM_construct_octet_string(
        OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)k->point.data, k->point.len);
    parameters[2] = OSSL_PARAM_construct_end();
    return from_parameters("EC", parameters);
}

/* Anything out of the ordinary takes the slow way. */
static EVP_PKEY *other_open(struct mw_span spki)
{
    const unsigned char *at = spki.data;

    return d2i_PUBKEY(NULL, &at, (long)spki.len);
}

EVP_PKEY *key_open(struct mw_span spki)
{
    struct key_facts k = key_facts_read(spki);
    EVP_PKEY *key = NULL;

    ERR_set_mark();
    switch (k.kind) {
    case KEY_RSA:
        key = rsa_open(&k);
        break;
    case KEY_EC:
        key = k.bits > 0 ? ec_open(&k) : other_open(spki);
        break;
    case KEY_ED25519:
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k.point.data, k.point.len);
        break;
    case KEY_ED448:
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED448, NULL, k.point.data, k.point.len);
        break;
    case KEY_OTHER:
    case KEY_EC_EXPLICIT:
        key = other_open(spki);
        break;
    case KEY_UNREADABLE:
        break;
    }
    ERR_pop_to_mark();
    return key;
}
