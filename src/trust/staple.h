/*
 * An OCSP response, stapled to the handshake or fetched, read where it lies, and what it says
 * of one certificate.
 * Life:   staple_parse() -> staple_check()*
 * Memory: borrows the bytes; nothing to free.
 * Time:   none: status_age() judges an answer's age.
 * Source: RFC 6960, RFC 6066 section 8, RFC 7633.
 */
#ifndef TRUST_STAPLE_H
#define TRUST_STAPLE_H

#include "trust/cert.h"
#include "trust/status.h"

struct staple {
    int response_status;                /* RFC 6960 4.2.1; 0 successful, else the rest is empty */
    struct mw_span tbs, algorithm, signature;
    struct mw_span responder_name;      /* DER Name, or … */
    struct mw_span responder_key;       /* … SHA-1 of the key: one of the two */
    struct mw_wall produced_at;
    struct mw_span responses;           /* content of SEQUENCE OF SingleResponse */
    struct mw_span certs;               /* content of SEQUENCE OF Certificate */
    bool has_unknown_critical;
};

enum staple_fault {
    STAPLE_MALFORMED = 1,
    STAPLE_UNSUCCESSFUL,        /* the responder answered with an error */
    STAPLE_OTHER_CERT,
    STAPLE_UNKNOWN_CRITICAL,
    STAPLE_SIGNER_UNKNOWN,      /* neither the issuer nor a certificate that came along */
    STAPLE_WEAK_SIGNATURE,
    STAPLE_BAD_SIGNATURE,
    STAPLE_BAD_DELEGATE,        /* not the issuer's, or without id-kp-OCSPSigning */
    STAPLE_DELEGATE_EXPIRED,    /* when it signed */
};

/* 0 or STAPLE_MALFORMED. */
MW_MUST_CHECK int staple_parse(struct staple *out, struct mw_span der);

/* 0: *out is authentic, it may be old; *scts (may be NULL) is the SCT list inside, if any.
 * > 0: enum staple_fault.  -ENOMEM. */
MW_MUST_CHECK int staple_check(const struct staple *s, const struct cert *cert,
                               const struct cert *issuer, struct status_answer *out,
                               struct mw_span *scts);

/* The newest answer about the certificate, whoever signed it; one that says "revoked" wins over
 * all.  The first step of staple_check(); *scts is the extension's value as it stands. */
MW_MUST_CHECK int staple_find(const struct staple *s, const struct cert *cert,
                              const struct cert *issuer, struct status_answer *out,
                              struct mw_span *scts);

/* A clause: "it is about another certificate". */
const char *staple_fault_text(enum staple_fault fault);

/* Does the certificate name an OCSP responder; does it demand a staple (RFC 7633)? */
bool staple_responder_named(const struct cert *c);
bool staple_required(const struct cert *c);

#endif
