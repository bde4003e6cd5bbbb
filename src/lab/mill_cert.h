/*
 * What the mill's files share: the certificate itself, and a TBSCertificate before it is
 * signed.
 * Memory: struct mill_cert owns all it points to.
 */
#ifndef LAB_MILL_CERT_H
#define LAB_MILL_CERT_H

#include "lab/mill.h"

struct mill_cert {
    X509 *x509;                 /* parsed from der, so it is what a client would see */
    EVP_PKEY *key;
    uint8_t *der;
    size_t der_len;
};

/* The certificate of `spec`, finished but for its SCTs and its signature.  0, -ENOMEM or
 * -EINVAL; X509_free it. */
MW_MUST_CHECK int mill_unsigned(X509 **out, const struct mill_spec *spec, EVP_PKEY *key,
                                const struct mill_cert *issuer);

/* The digest to sign with under this key; NULL for keys that bring their own (Ed25519). */
const EVP_MD *mill_digest_for(const EVP_PKEY *key, enum mill_digest digest);

/* An ASN1_TIME from seconds, UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 says.  NULL when
 * out of memory or out of range. */
ASN1_TIME *mill_time(struct mw_wall t);

void mill_x509_own(X509 **x);           /* for CLEANUP */

#endif
