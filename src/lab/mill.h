/*
 * The certificate mill: mints whatever a lab or a test needs, the correct and the broken.
 * Nothing it makes is fit for anything but tests.
 * Life:   mill_issue() -> mill_cert_*() -> mill_cert_free()
 * Memory: a certificate keeps its key and does not need its issuer any more once minted.
 * Errors: < 0 -errno; -EINVAL for a spec that cannot be expressed.
 */
#ifndef LAB_MILL_H
#define LAB_MILL_H

#include <midwatch/types.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/buf.h"

enum mill_key {
    MILL_P256, MILL_P384, MILL_P521, MILL_P192, MILL_P256_EXPLICIT, MILL_ED25519,
    MILL_RSA2048, MILL_RSA3072, MILL_RSA4096, MILL_RSA8192, MILL_RSA1024, MILL_RSA512,
    MILL_RSA2052, MILL_DSA2048,
};

enum mill_digest { MILL_SHA256, MILL_SHA384, MILL_SHA512, MILL_SHA1, MILL_MD5 };

/* An extension put in as it is, or instead of the one the mill would make. */
struct mill_extension {
    const char *oid;            /* dotted */
    bool critical;
    struct mw_span value;       /* DER of the extnValue's content */
};

/* All-zero fields mean what an ordinary certificate of that kind has. */
struct mill_spec {
    const char *subject;        /* RFC 4514 order: "CN=leaf.lab.test,O=Lab"; "" for none; a
                                 * backslash keeps the next character */
    const char *names;          /* SAN: "DNS:a.test,DNS:*.b.test,IP:192.0.2.1,email:x@y.test";
                                 * NULL: none */
    bool names_critical;
    struct mw_wall not_before, not_after;       /* required */
    bool ca;
    bool no_basic_constraints;
    bool no_key_ids;            /* neither SKI nor AKI */
    int path_len;               /* with ca: > 0 is pathLen path_len - 1; 0 none */
    const char *key_usage;      /* OpenSSL's words: "keyCertSign,cRLSign"; NULL default by kind,
                                 * "" none */
    const char *ext_key_usage;  /* "serverAuth"; NULL default by kind, "" none */
    const char *name_constraints;       /* "permitted;DNS:lab.test,excluded;IP:…"; NULL none */
    const char *aia_issuer_url, *ocsp_url, *crl_url;
    bool must_staple;           /* RFC 7633 */
    enum mill_digest digest;
    int version;                /* 0: v3; 1: v1 */
    struct mw_span serial;      /* big-endian; empty: 16 bytes derived from all the rest, so that
                                 * unlike certificates differ and a precertificate agrees */
    struct mw_span sct_list;    /* SignedCertificateTimestampList to embed (RFC 6962 3.3) */
    const struct mill_extension *extra;
    size_t n_extra;
    const char *drop;           /* dotted OID of one extension to leave out, NULL none */
    bool wrong_signature;       /* a bit of the signature is flipped */
};

struct mill_cert;

/* A fresh key of this kind; EVP_PKEY_free it.  Slow kinds (RSA) come from a process-wide pool
 * of at most a few keys each, so that minting hundreds of certificates is quick; fresh asks
 * for one that nobody else has. */
MW_MUST_CHECK int mill_key_new(EVP_PKEY **out, enum mill_key kind, bool fresh);

/* issuer NULL: self-signed.  The certificate takes a reference on `key`. */
MW_MUST_CHECK int mill_issue(struct mill_cert **out, const struct mill_spec *spec,
                             EVP_PKEY *key, const struct mill_cert *issuer);
void mill_cert_free(struct mill_cert *c);       /* NULL ok */

X509 *mill_cert_x509(const struct mill_cert *c);        /* borrowed, all three */
EVP_PKEY *mill_cert_key(const struct mill_cert *c);
struct mw_span mill_cert_der(const struct mill_cert *c);
void mill_cert_pem(const struct mill_cert *c, struct buf *out);

struct mill_revoked {
    const struct mill_cert *cert;
    struct mw_wall at;
    int reason;                 /* RFC 5280 5.3.1; -1 none */
};

/* A CRL signed by issuer (RFC 5280 section 5); next.s == 0 leaves nextUpdate out. */
MW_MUST_CHECK int mill_crl(struct buf *der, const struct mill_cert *issuer,
                           const struct mill_revoked *revoked, size_t n_revoked,
                           struct mw_wall this_update, struct mw_wall next_update);

enum mill_ocsp_status { MILL_OCSP_GOOD, MILL_OCSP_REVOKED, MILL_OCSP_UNKNOWN };

/* An OCSP response about cert, signed by `signer` (the issuer itself, or a delegate whose
 * certificate is then included) (RFC 6960). */
MW_MUST_CHECK int mill_ocsp(struct buf *der, const struct mill_cert *cert,
                            const struct mill_cert *issuer, const struct mill_cert *signer,
                            enum mill_ocsp_status status, struct mw_wall revoked_at,
                            struct mw_wall this_update, struct mw_wall next_update);

/* A Certificate Transparency log that signs what it is told to (RFC 6962). */
struct mill_log;
MW_MUST_CHECK int mill_log_new(struct mill_log **out, const char *name, const char *operator_);
void mill_log_free(struct mill_log *log);       /* NULL ok */

/* One SCT over the precertificate of `spec` (embedded) or over a finished certificate (for the
 * TLS extension), appended to a SignedCertificateTimestampList under construction: call
 * mill_sct_* for each log, then mill_sct_list_close(). */
MW_MUST_CHECK int mill_sct_precert(struct buf *scts, struct mill_log *log,
                                   const struct mill_spec *spec, EVP_PKEY *key,
                                   const struct mill_cert *issuer, struct mw_wall at);
MW_MUST_CHECK int mill_sct_cert(struct buf *scts, struct mill_log *log,
                                const struct mill_cert *cert, struct mw_wall at);
MW_MUST_CHECK int mill_sct_list_close(const struct buf *scts, struct buf *list);

/* The logs as log_list v3 JSON. */
MW_MUST_CHECK int mill_log_list(struct buf *json, struct mill_log *const *logs, size_t n_logs);

#endif
