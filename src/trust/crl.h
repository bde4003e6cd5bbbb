/*
 * A certificate revocation list, read where it lies, and what it says of one certificate.
 * Life:   crl_parse() -> crl_check()*
 * Memory: borrows the bytes; nothing to free.  A list of 100,000 entries costs no allocation.
 * Time:   none: status_age() judges an answer's age.
 * Source: RFC 5280 sections 5 and 6.3.3.
 */
#ifndef TRUST_CRL_H
#define TRUST_CRL_H

#include "trust/cert.h"
#include "trust/status.h"

/* What the issuingDistributionPoint limits a list to (RFC 5280 5.2.5). */
struct crl_scope {
    bool present, user_certs, ca_certs, attribute_certs, some_reasons, indirect;
    bool named_relative;        /* a form of name nobody uses */
    struct mw_span full_name;   /* GeneralNames' content; empty: not limited to a point */
};

struct crl {
    struct mw_span tbs, algorithm, signature;
    struct mw_span issuer;              /* DER Name */
    struct mw_span entries;             /* content of revokedCertificates */
    struct mw_wall this_update, next_update;
    struct mw_span aki;                 /* key identifier, empty: none */
    bool has_next, has_number, number_critical, is_delta, has_unknown_critical;
    struct crl_scope scope;
};

/* Why a list says nothing of a certificate. */
enum crl_fault {
    CRL_MALFORMED = 1,
    CRL_OTHER_ISSUER,           /* not this certificate's issuer: no fault at all */
    CRL_OTHER_KEY,              /* same name, another key's */
    CRL_OUT_OF_SCOPE,           /* covers other certificates of that issuer */
    CRL_BAD_SIGNATURE,
    CRL_WEAK_SIGNATURE,
    CRL_ISSUER_MAY_NOT_SIGN,    /* keyUsage without cRLSign (RFC 5280 6.3.3 (f)) */
    CRL_NO_NUMBER,              /* RFC 5280 5.2.3 */
    CRL_NUMBER_CRITICAL,
    CRL_NO_NEXT_UPDATE,         /* RFC 5280 5.1.2.5 */
    CRL_DELTA,
    CRL_INDIRECT,
    CRL_SOME_REASONS,
    CRL_UNKNOWN_CRITICAL,
    CRL_BAD_ENTRY,
};

/* 0 or CRL_MALFORMED. */
MW_MUST_CHECK int crl_parse(struct crl *out, struct mw_span der);

/* 0: *out is authentic, it may be old.  > 0: enum crl_fault.  -ENOMEM. */
MW_MUST_CHECK int crl_check(const struct crl *l, const struct cert *cert,
                            const struct cert *issuer, struct status_answer *out);

/* What its entries say, whoever signed them: the last step of crl_check(). */
MW_MUST_CHECK int crl_find(const struct crl *l, const struct cert *cert,
                           struct status_answer *out);

/* A clause: "its signature is not the authority's". */
const char *crl_fault_text(enum crl_fault fault);

/* Does the certificate name distribution points; and their http: URLs, at most `room`. */
bool crl_points_named(const struct cert *c);
size_t crl_urls(const struct cert *c, struct mw_span *urls, size_t room);

#endif
