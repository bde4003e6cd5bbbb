/*
 * An X.509 certificate, from a plan to signed DER.  We write it ourselves, so that what is copied
 * from an origin stays byte for byte what it was.
 * Source: RFC 5280 section 4.
 */
#ifndef GATE_FORGE_CERTIFICATE_H
#define GATE_FORGE_CERTIFICATE_H

#include "gate/forge/signer.h"

enum { CERTIFICATE_MAX = 144 * 1024 };

/* All borrowed. */
struct certificate_plan {
    struct mw_span subject, issuer;     /* Names, DER */
    struct mw_span spki;                /* DER */
    struct mw_wall not_before, not_after;
    struct mw_span authority_key_id;    /* the issuer's subject key identifier; empty: none */
    bool ca;
    int path_len;                       /* with ca; -1: no limit */
    bool key_encipherment;              /* not for a CA */
    struct mw_span purposes;            /* extKeyUsage's content, DER; empty: none */
    struct mw_span names;               /* subjectAltName's content, DER; empty: none */
    bool names_critical;
};

/* "serverAuth" alone, as extKeyUsage's content. */
struct mw_span certificate_server_auth(void);

/* The identifier of a key: the first 160 bits of the SHA-256 of its BIT STRING's bits (RFC 7093
 * section 2, method 1).  -EINVAL: no SubjectPublicKeyInfo. */
MW_MUST_CHECK int certificate_key_id(uint8_t id[20], struct mw_span spki);

/* Appends to *der.  The serial number is random, 126 bits (CA/Browser Baseline Requirements
 * 7.1: at least 64). */
MW_MUST_CHECK int certificate_make(struct buf *der, const struct certificate_plan *plan,
                                   const struct signer *signer);

#endif
