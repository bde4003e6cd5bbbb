/*
 * A case as it is served: its certificates, minted when first asked for, and the TLS settings
 * that go with them.
 * Life:   zeroed -> site_ready() -> reads -> site_deinit()
 */
#ifndef LAB_SITE_H
#define LAB_SITE_H

#include <openssl/ssl.h>

#include "lab/pki.h"

enum { SITE_CERTS_MAX = 128 };

struct site {
    const struct lab_case *c;
    const char *http;           /* "http://127.0.0.1:PORT", borrowed */
    bool ready;
    const struct mill_cert *leaf, *issuer;      /* issuer: the one that signed the leaf */
    struct mill_cert *owned[SITE_CERTS_MAX];
    size_t n_owned;
    const struct mill_cert *sent[SITE_CERTS_MAX];
    size_t n_sent;
    struct buf staple, tls_scts;
    SSL_CTX *ctx;
};

/* Mints and sets up, once.  On failure the site stays unready. */
MW_MUST_CHECK int site_ready(struct site *s, struct pki *p);
void site_deinit(struct site *s);

/* Keeps a certificate until the site ends; takes it over even on failure. */
MW_MUST_CHECK int site_own(struct site *s, struct mill_cert *c);
MW_MUST_CHECK int site_send(struct site *s, const struct mill_cert *c);

/* A leaf for the case's host signed by issuer, as the recipe says, owned by the site, and
 * s->leaf, s->issuer. */
MW_MUST_CHECK int site_leaf(struct site *s, struct pki *p, const struct mill_cert *issuer);

/* What the addresses in its certificates answer: the CRL of the leaf's issuer, or of the root
 * (ca), or the OCSP response.  -ENOENT: nothing, on purpose. */
MW_MUST_CHECK int site_crl(struct site *s, struct pki *p, bool ca, struct buf *out);
MW_MUST_CHECK int site_ocsp(struct site *s, struct pki *p, struct buf *out);

/* site_tls.c: s->ctx. */
MW_MUST_CHECK int site_context(struct site *s);

/* site_status.c: s->staple. */
MW_MUST_CHECK int site_staple(struct site *s, struct pki *p);

#endif
