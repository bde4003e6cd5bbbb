/*
 * Signed certificate timestamps: a log's promise to make a certificate public.
 * Life:   sct_list_read() over each list; sct_precert() once a certificate; sct_check() each.
 * Memory: an SCT borrows from its list.
 * Source: RFC 6962 sections 3.2 and 3.3.
 */
#ifndef TRUST_SCT_H
#define TRUST_SCT_H

#include "base/buf.h"
#include "trust/cert.h"
#include "trust/ct_logs.h"

enum sct_source { SCT_EMBEDDED, SCT_HANDSHAKE, SCT_STAPLED };

enum sct_state {
    SCT_UNCHECKED,              /* no list of logs, or the certificate's issuer is not known */
    SCT_VERIFIED,
    SCT_FROM_UNKNOWN_LOG,
    SCT_WRONG,                  /* the named log did not sign this certificate */
};

struct sct {
    enum sct_source source;
    enum sct_state state;
    uint8_t version;
    struct mw_span log_id;      /* SHA-256 of the log's key */
    uint64_t at_ms;             /* since 1970 */
    struct mw_span extensions;
    uint8_t hash, sign;         /* TLS 1.2 HashAlgorithm, SignatureAlgorithm */
    struct mw_span signature;
    const struct ct_log *log;   /* NULL: unknown */
};

struct mw_wall sct_time(const struct sct *s);

/* SignedCertificateTimestampList.  Up to `room` go to scts, *n counts them; false: malformed
 * (what was read before stays).  More than `room` are left out. */
bool sct_list_read(struct mw_span list, enum sct_source source, struct sct *scts, size_t room,
                   size_t *n);

/* The list embedded in a certificate; false: it has none. */
bool sct_embedded(const struct cert *c, struct mw_span *list);

/* The TBSCertificate that the log signed: without the SCT list, every other byte as it is.
 * MW_E_DER: there is no such extension.  -ENOMEM. */
MW_MUST_CHECK int sct_precert(const struct cert *c, struct buf *tbs);

/* What was signed: the finished certificate (SCT_HANDSHAKE, SCT_STAPLED), or the precertificate
 * with its issuer's key hash (SCT_EMBEDDED). */
struct sct_entry {
    struct mw_span cert;                /* DER */
    struct mw_span precert;             /* from sct_precert() */
    const uint8_t *issuer_key;          /* SHA-256 of the issuer's SPKI, NULL: unknown */
};

/* Sets s->log and s->state. 0 or -ENOMEM. */
MW_MUST_CHECK int sct_check(struct sct *s, const struct ct_logs *logs,
                            const struct sct_entry *entry);

#endif
