/*
 * What a selftest found, as a file that an auditor can keep: JSON, with the SHA-256 of what it
 * says and a signature by a key of this installation.
 *
 *     {"report":R,"sha256":"hex of R's bytes","signature":"base64 of 64 bytes"}\n
 *
 * R is signed as it stands there, after a word that says what is signed; nothing else may stand
 * in the file, so that every byte of it is vouched for.
 * Source: RFC 8032 (Ed25519).
 */
#ifndef GATE_SELFTEST_REPORT_H
#define GATE_SELFTEST_REPORT_H

#include "gate/selftest/points.h"

struct report {
    const struct gate_config *config;
    int64_t at_ms;
    size_t n, counts[3];        /* by enum point_result */
    struct {
        const struct point *point;
        enum point_result result;
        char evidence[POINT_EVIDENCE];
    } rows[POINTS];
};

/* STATE/report.key, made if there is none, with its public half in STATE/report.pub; or the key
 * in `file`.  0, or -errno with `error`. */
MW_MUST_CHECK int report_key(EVP_PKEY **out, const char *state, const char *file,
                             struct buf *error);

/* Appends the whole file. */
MW_MUST_CHECK int report_write(struct buf *out, const struct report *r, EVP_PKEY *key);

/* text: a file.  public_pem: keys that may have signed it; empty: the one it names.  0, or
 * -EBADMSG with `error`; what it says goes to *said. */
MW_MUST_CHECK int report_verify(struct mw_span text, struct mw_span public_pem, struct buf *said,
                                struct buf *error);

#endif
