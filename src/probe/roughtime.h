/*
 * Roughtime: the time, signed, in answer to our own nonce.  The codec only; time.h asks.
 * Source: RFC 10049.  Version 1, and 0x8000000c that servers of the last drafts still speak:
 *         the two differ in the signatures' context strings alone (docs/decisions).
 * Memory: nothing is allocated that outlives a call.
 * Bounds: a response of at most ROUGHTIME_MAX_RESPONSE, 32 tags a message, 32 path steps.
 */
#ifndef PROBE_ROUGHTIME_H
#define PROBE_ROUGHTIME_H

#include "base/span.h"

enum {
    ROUGHTIME_PORT = 5319,              /* RFC 10049 section 12.1 */
    ROUGHTIME_KEY_BYTES = 32,
    ROUGHTIME_NONCE_BYTES = 32,
    ROUGHTIME_REQUEST_BYTES = 1036,     /* a message of 1024 (5.1) behind 12 of framing */
    ROUGHTIME_MAX_REQUEST = 1472,
    ROUGHTIME_MAX_RESPONSE = 4096,
};

enum roughtime_error {
    ROUGHTIME_E_MALFORMED = 1,          /* no Roughtime response, or against its rules */
    ROUGHTIME_E_VERSION,                /* a version we did not offer */
    ROUGHTIME_E_NONCE,                  /* not an answer to our request */
    ROUGHTIME_E_SIGNATURE,              /* not signed by the server's key, or outside of what
                                         * that key delegated */
};

struct roughtime_answer {
    struct mw_wall midpoint;
    uint32_t radius_s;                  /* true time within midpoint ± radius, says the server */
    uint32_t version;
};

/* A request for the server with this long-term key. */
void roughtime_request_write(uint8_t out[ROUGHTIME_REQUEST_BYTES],
                             const uint8_t key[ROUGHTIME_KEY_BYTES],
                             const uint8_t nonce[ROUGHTIME_NONCE_BYTES]);

/* 0: *out is what the server with this key signed in answer to `request`, which carries `nonce`.
 * -ENOMEM, or > 0 enum roughtime_error.  A server may send a broken answer on purpose, to keep
 * clients honest (section 7), so ask again before blaming anybody. */
MW_MUST_CHECK int roughtime_response_read(struct roughtime_answer *out, struct mw_span response,
                                          struct mw_span request,
                                          const uint8_t nonce[ROUGHTIME_NONCE_BYTES],
                                          const uint8_t key[ROUGHTIME_KEY_BYTES]);

#endif
