/*
 * Keys and signatures that are too weak, or of a kind browsers do not use.
 * Source: CA/Browser Forum Baseline Requirements 6.1.5, 6.1.6 and 7.1.3; NIST SP 800-57.
 */
#include <openssl/objects.h>

#include "trust/key.h"
#include "trust/lint.h"

enum { RSA_LEAST_BITS = 2048, RSA_MOST_BITS = 16384, RSA_MOST_EXPONENT_BYTES = 8 };

static void lint_rsa(struct lint *l, size_t i, const struct key_facts *k)
{
    if (k->bits < RSA_LEAST_BITS)
        lint_error(l, MW_WEAK_KEY, i, "an RSA key of %d bits; %d is the least", k->bits,
                   RSA_LEAST_BITS);
    else if (k->bits > RSA_MOST_BITS || k->exponent.len > RSA_MOST_EXPONENT_BYTES)
        lint_error(l, MW_WEAK_KEY, i, "an RSA key of %d bits and an exponent of %zu bytes, which "
                   "nothing can use", k->bits, k->exponent.len);
    else if (k->exponent.len == 1 && k->exponent.data[0] == 1)
        lint_error(l, MW_WEAK_KEY, i, "an RSA key with exponent 1, which anybody can sign with");
    else if (k->bits % 8 != 0)
        lint_form(l, MW_WEAK_KEY, i, "an RSA key of %d bits, which is no multiple of 8",
                  k->bits);
}

static void lint_public_key(struct lint *l, size_t i)
{
    struct key_facts k = key_facts_read(l->path->certs[i]->spki);

    switch (k.kind) {
    case KEY_RSA:
        lint_rsa(l, i, &k);
        return;
    case KEY_EC:
        if (k.bits == 0)
            lint_error(l, MW_WEAK_KEY, i,
                       "a key on curve %s; browsers take P-256, P-384 and P-521",
                       OBJ_nid2sn(k.nid));
        return;
    case KEY_ED25519:
    case KEY_ED448:
        lint_form(l, MW_WEAK_KEY, i, "an EdDSA key, which public authorities may not certify");
        return;
    case KEY_EC_EXPLICIT:
        /* RFC 5480 2.1.1; a crafted generator forges signatures, CVE-2020-0601. */
        lint_error(l, MW_WEAK_KEY, i, "a key on a curve of its own making");
        return;
    case KEY_UNREADABLE:
        lint_error(l, MW_WEAK_KEY, i, "a key that cannot be read");
        return;
    case KEY_OTHER:
        lint_error(l, MW_WEAK_KEY, i, "a key of a kind that browsers do not take");
        return;
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
