/*
 * One certificate, parsed once.
 * Life:   cert_parse() -> reads -> cert_free()
 * Memory: owns an OpenSSL X509 and copies; outlives the bytes it came from.
 *         Shared read-only between judgements when it is an anchor.
 */
#ifndef TRUST_CERT_H
#define TRUST_CERT_H

#include <midwatch/trust.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/reader.h"

enum san_kind { SAN_DNS, SAN_IP, SAN_EMAIL, SAN_URI, SAN_DIRECTORY, SAN_OTHER };

struct san {
    enum san_kind kind;
    struct mw_span value;       /* raw bytes: IA5 text, address octets, DER for the others */
};

/* A GeneralName.  The IMPLICIT kinds come without their header; for SAN_OTHER the value is the
 * whole element, so that its first byte tells otherName, x400Address, ediPartyName and
 * registeredID apart. */
struct reader;
bool general_name_read(struct reader *r, struct san *out);

/* One extension, as it stands in the certificate. */
struct cert_extension {
    struct mw_span oid;         /* the OID's content octets */
    struct mw_span value;       /* what the extnValue OCTET STRING holds */
    bool critical;
    bool critical_odd;          /* "critical FALSE" spelt out, which DER forbids */
};

enum { CERT_MAX_EXTENSIONS = 64 };

struct x509_memo;       /* trust/x509_memo.h */

/* What OpenSSL takes long to make, and is made when first asked for. */
struct cert_lazy {
    _Atomic(X509 *) whole;
    _Atomic(EVP_PKEY *) key;
};

struct cert {
    X509 *x509;                         /* for its names and extensions; see cert_whole() */
    struct cert_lazy *lazy;
    bool bare;                          /* x509 came without its key */
    struct mw_span der;                 /* owned copy */
    struct mw_span subject, issuer;     /* DER Names, borrowed from der */
    struct mw_span tbs;                 /* DER TBSCertificate, borrowed from der */
    struct mw_span spki;                /* DER SubjectPublicKeyInfo, borrowed from der */
    struct mw_span ski, aki;            /* key identifiers' bytes; empty: absent */
    uint8_t sha256[32], sha1[20], spki_sha256[32];
    struct mw_wall not_before, not_after;
    int version;                        /* 1, 2 or 3 */
    struct mw_span serial;              /* INTEGER's content, signed big-endian */
    struct mw_span algorithm;           /* DER AlgorithmIdentifier inside the TBS */
    struct mw_span algorithm_outer;     /* and the one beside the signature */
    struct cert_extension *extensions;
    size_t n_extensions;                /* at most CERT_MAX_EXTENSIONS */
    bool self_issued;                   /* subject equals issuer */
    bool is_ca;                         /* basicConstraints cA */
    int path_len;                       /* -1: none */
    struct san *sans;
    size_t n_sans;                      /* at most MW_MAX_NAMES */
    bool san_present, san_malformed, san_critical;
};

/* The next Extension of an Extensions list, of a certificate, CRL or OCSP response alike
 * (RFC 5280 4.1); the spans borrow from the list. */
void cert_extension_read(struct reader *list, struct cert_extension *e);

/* The extension with this OID (content octets), NULL: absent. */
const struct cert_extension *cert_extension(const struct cert *c, struct mw_span oid);

/* 0, -ENOMEM, MW_E_DER (not a certificate, or trailing bytes) or MW_E_TOO_MANY (over
 * MW_MAX_CERT_BYTES, MW_MAX_NAMES or CERT_MAX_EXTENSIONS). */
MW_MUST_CHECK int cert_parse(struct cert **out, struct mw_span der);

/* The same, with OpenSSL's part taken from the memo if it is there, and left there if not. */
MW_MUST_CHECK int cert_parse_memo(struct cert **out, struct mw_span der,
                                  struct x509_memo *memo);

/* The same with OpenSSL's share of the work done in `bare`, a library context without
 * algorithms: x509 then lacks its key, whose decoding costs ten times all the rest.  The
 * context must outlive x509; cert_drop_x509() ends that early. */
MW_MUST_CHECK int cert_parse_bare(struct cert **out, struct mw_span der, OSSL_LIB_CTX *bare);
void cert_drop_x509(struct cert *c);

/* The fields alone, read by us: x509 is NULL, and nobody's signature on it is good. */
MW_MUST_CHECK int cert_parse_fields(struct cert **out, struct mw_span der);

/* The certificate as OpenSSL verifies it, key included; and the key to check signatures with.
 * Borrowed; NULL: OpenSSL cannot read it.  Made by the first call; threads may ask at once. */
X509 *cert_whole(const struct cert *c);
EVP_PKEY *cert_key(const struct cert *c);
void cert_free(struct cert *c);         /* NULL ok */

bool cert_same(const struct cert *a, const struct cert *b);     /* by fingerprint */
bool cert_same_key(const struct cert *a, const struct cert *b);

/* Did `issuer`'s key sign `c`?  1 yes, 0 no, -ENOMEM.  Remembered per pair by the chain
 * builder, not here: this does the public-key operation each time. */
MW_MUST_CHECK int cert_signed_by(const struct cert *c, const struct cert *issuer);

/* "sha256/BASE64=" of the SPKI (RFC 7469 section 2.4). */
void cert_spki_pin(const struct cert *c, struct buf *out);

/* The attribute's value as UTF-8 in a DER Name: the last one of this NID, as people read the
 * most specific.  Empty: absent.  Borrowed from nothing: written to `out`. */
void name_attribute(struct buf *out, struct mw_span der_name, int nid);

/* A DER Name in RFC 4514 form, and its short form (CN, else O, else OU, else the whole). */
void name_format(struct buf *out, struct mw_span der_name);
void name_format_short(struct buf *out, struct mw_span der_name);

/* Is `name` in the subtree of `base`: does it start with all of base's RDNs?  Values compare
 * without case and with spaces folded, whatever string type they are in (RFC 5280 7.1). */
bool name_within(struct mw_span name, struct mw_span base);

/* The nth emailAddress (PKCS #9) in the Name, borrowed; empty: there is none. */
struct mw_span name_email(struct mw_span der_name, size_t nth);

/* Well formed, and of no more attributes than we look at (64). */
bool name_is_readable(struct mw_span der_name);

/* A Name without any RDN. */
bool name_is_empty(struct mw_span der_name);

#endif
