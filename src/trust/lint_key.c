/*
 * Keys and signatures that are too weak, or of a kind browsers do not use.
 * Source: CA/Browser Forum Baseline Requirements 6.1.5, 6.1.6 and 7.1.3; NIST SP 800-57.
 */
#include <openssl/evp.h>
#include <openssl/objects.h>

#include "trust/der.h"
#include "trust/lint.h"

enum { RSA_LEAST_BITS = 2048, RSA_MOST_BITS = 16384 };

/* SubjectPublicKeyInfo's curve spelt out in numbers instead of named: RFC 5480 2.1.1 forbids
 * it, since a crafted generator forges signatures (CVE-2020-0601). */
static bool curve_is_explicit(const struct cert *c)
{
    static const uint8_t ec_key[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
    bool ok;
    struct reader spki = { .rest = der_unwrap(c->spki, DER_SEQUENCE, &ok) };
    struct reader algorithm = { .rest = der_expect(&spki, DER_SEQUENCE) };
    struct mw_span oid = der_expect(&algorithm, DER_OID);

    return span_eq(oid, span_of(ec_key, sizeof ec_key)) && !der_peek(&algorithm, DER_OID);
}

static void lint_rsa(struct lint *l, size_t i, int bits)
{
    if (bits < RSA_LEAST_BITS)
        lint_error(l, MW_WEAK_KEY, i, "an RSA key of %d bits; %d is the least", bits,
                   RSA_LEAST_BITS);
    else if (bits > RSA_MOST_BITS)
        lint_error(l, MW_WEAK_KEY, i, "an RSA key of %d bits, which nothing can use", bits);
    else if (bits % 8 != 0)
        lint_form(l, MW_WEAK_KEY, i, "an RSA key of %d bits, which is no multiple of 8", bits);
}

static void lint_curve(struct lint *l, size_t i, EVP_PKEY *key)
{
    char name[64] = "unknown";
    int nid;

    EVP_PKEY_get_group_name(key, name, sizeof name, NULL);
    nid = OBJ_sn2nid(name);
    if (nid != NID_X9_62_prime256v1 && nid != NID_secp384r1 && nid != NID_secp521r1)
        lint_error(l, MW_WEAK_KEY, i, "a key on curve %s; browsers take P-256, P-384 and P-521",
                   name);
}

static void lint_public_key(struct lint *l, size_t i)
{
    const struct cert *c = l->path->certs[i];
    EVP_PKEY *key = X509_get0_pubkey(c->x509);

    if (curve_is_explicit(c)) {
        lint_error(l, MW_WEAK_KEY, i, "a key on a curve of its own making");
        return;
    }
    if (key == NULL) {
        lint_error(l, MW_WEAK_KEY, i, "a key of a kind that cannot be read");
        return;
    }
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        lint_rsa(l, i, EVP_PKEY_get_bits(key));
        break;
    case EVP_PKEY_EC:
        lint_curve(l, i, key);
        break;
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        lint_form(l, MW_WEAK_KEY, i, "an EdDSA key, which public authorities may not certify");
        break;
    default:
        lint_error(l, MW_WEAK_KEY, i, "a key of a kind that browsers do not take");
    }
}

static void lint_signature(struct lint *l, size_t i)
{
    int digest = NID_undef, key = NID_undef, bits = 0;

    if (X509_get_signature_info(l->path->certs[i]->x509, &digest, &key, &bits, NULL) == 0 &&
        digest == NID_undef && key == NID_undef) {
        lint_error(l, MW_WEAK_SIGNATURE, i, "signed in a way that cannot be read");
        return;
    }
    switch (digest) {
    case NID_sha256:
    case NID_sha384:
    case NID_sha512:
        return;
    case NID_undef:
        if (key == NID_ED25519 || key == NID_ED448)
            return;
        break;
    default:
        break;
    }
    lint_error(l, MW_WEAK_SIGNATURE, i, "signed with %s, which can be forged or is not accepted",
               digest == NID_undef ? "an unknown digest" : OBJ_nid2ln(digest));
}

void lint_key(struct lint *l, size_t i)
{
    bool self_signed_end = i + 1 == l->path->n && l->path->certs[i]->self_issued;

    lint_public_key(l, i);
    /* What an anchor's, or a self-signed end's, own signature is worth matters to nobody. */
    if (!lint_is_anchor(l, i) && !(self_signed_end && i > 0))
        lint_signature(l, i);
}
