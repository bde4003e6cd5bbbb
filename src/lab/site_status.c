#include <errno.h>

#include "base/own.h"
#include "lab/site.h"

/* A signature by somebody who has no say about this certificate. */
static const struct mill_cert *stranger(const struct pki *p)
{
    return p->unknown_root;
}

int site_crl(struct site *s, struct pki *p, bool ca, struct buf *out)
{
    enum case_status how = ca ? s->c->cert.ca_crl : s->c->cert.crl;
    const struct mill_cert *about = ca ? s->issuer : s->leaf;
    const struct mill_cert *issuer = ca ? p->root : s->issuer;
    struct mill_revoked listed = { about, pki_day(p, -2), 1 };
    size_t n = how == STATUS_REVOKED ? 1 : 0;
    int from = how == STATUS_STALE ? -20 : -1, to = how == STATUS_STALE ? -10 : 6;

    switch (how) {
    case STATUS_NOT_NAMED:
    case STATUS_MISSING:
        return -ENOENT;
    case STATUS_GARBAGE:
        buf_str(out, "this is no revocation list\n");
        return buf_error(out);
    case STATUS_WRONG_KEY:
        return mill_crl(out, stranger(p), NULL, 0, pki_day(p, from), pki_day(p, to));
    case STATUS_GOOD:
    case STATUS_REVOKED:
    case STATUS_STALE:
        break;
    }
    return mill_crl(out, issuer, &listed, n, pki_day(p, from), pki_day(p, to));
}

int site_ocsp(struct site *s, struct pki *p, struct buf *out)
{
    enum case_status how = s->c->cert.ocsp;
    const struct mill_cert *signer = how == STATUS_WRONG_KEY ? stranger(p) : s->issuer;
    int from = how == STATUS_STALE ? -20 : -1, to = how == STATUS_STALE ? -10 : 6;

    if (how == STATUS_NOT_NAMED || how == STATUS_MISSING)
        return -ENOENT;
    if (how == STATUS_GARBAGE) {
        buf_str(out, "this is no OCSP response\n");
        return buf_error(out);
    }
    return mill_ocsp(out, s->leaf, s->issuer, signer,
                     how == STATUS_REVOKED ? MILL_OCSP_REVOKED : MILL_OCSP_GOOD, pki_day(p, -2),
                     pki_day(p, from), pki_day(p, to));
}

/* A responder that the issuer appointed (RFC 6960 4.2.2.2). */
static int delegate(struct site *s, struct pki *p, const struct mill_cert **out)
{
    const struct mill_extension no_check = { "1.3.6.1.5.5.7.48.1.5", false,
                                             { (const uint8_t *)"\x05\x00", 2 } };
    const struct mill_spec spec = {
        .subject = "CN=Midwatch Lab OCSP Responder,O=Midwatch Lab,C=XX",
        .ext_key_usage = "OCSPSigning",
        .not_before = pki_day(p, -10),
        .not_after = pki_day(p, 80),
        .extra = &no_check,
        .n_extra = 1,
    };
    struct mill_cert *c = NULL;
    EVP_PKEY *key = NULL;
    int e = mill_key_new(&key, MILL_P256, false);

    if (e == 0)
        e = mill_issue(&c, &spec, key, s->issuer);
    EVP_PKEY_free(key);
    if (e < 0)
        return e;
    *out = c;
    return site_own(s, c);
}

int site_staple(struct site *s, struct pki *p)
{
    enum case_staple how = s->c->cert.staple;
    const struct mill_cert *about = s->leaf, *signer = s->issuer;
    enum mill_ocsp_status status = MILL_OCSP_GOOD;
    int from = -1, to = 6, e = 0;

    switch (how) {
    case STAPLE_NONE:
        return 0;
    case STAPLE_GARBAGE:
        buf_str(&s->staple, "this is no OCSP response");
        return buf_error(&s->staple);
    case STAPLE_REVOKED:
        status = MILL_OCSP_REVOKED;
        break;
    case STAPLE_UNKNOWN:
        status = MILL_OCSP_UNKNOWN;
        break;
    case STAPLE_STALE:
        from = -20;
        to = -10;
        break;
    case STAPLE_WRONG_KEY:
        signer = stranger(p);
        break;
    case STAPLE_OTHER_CERT:
        about = s->issuer;
        break;
    case STAPLE_DELEGATED:
        e = delegate(s, p, &signer);
        break;
    case STAPLE_GOOD:
        break;
    }
    return e < 0 ? e
                 : mill_ocsp(&s->staple, about, s->issuer, signer, status, pki_day(p, -2),
                             pki_day(p, from), pki_day(p, to));
}
