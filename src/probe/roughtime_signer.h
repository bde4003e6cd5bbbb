/*
 * A Roughtime server's half, for tests: signs an answer to a request, with faults on demand.
 * Source: RFC 10049 section 5.2.
 */
#ifndef PROBE_ROUGHTIME_SIGNER_H
#define PROBE_ROUGHTIME_SIGNER_H

#include "base/buf.h"
#include "probe/roughtime.h"

enum roughtime_fault {
    ROUGHTIME_FAULT_NONE,
    ROUGHTIME_FAULT_SIGNATURE,          /* one bit of the response's signature */
    ROUGHTIME_FAULT_DELEGATION,         /* one bit of the delegation's */
    ROUGHTIME_FAULT_NONCE,
    ROUGHTIME_FAULT_ROOT,               /* a Merkle root that is not over the request */
    ROUGHTIME_FAULT_TYPE,
    ROUGHTIME_FAULT_RADIUS,             /* zero */
    ROUGHTIME_FAULT_VERSION,            /* one that was not offered */
    ROUGHTIME_FAULT_VERSIONS,           /* VERS without the version used */
    ROUGHTIME_FAULT_CONTEXT,            /* the drafts' context strings with version 1 */
};

struct roughtime_signer {
    uint8_t seed[32], online_seed[32];  /* Ed25519 private keys */
    uint64_t midpoint_s, from_s, until_s;
    uint32_t radius_s;
    uint32_t version;                   /* 0: 1 */
    unsigned depth, index;              /* of our leaf in the Merkle tree */
    bool strange_tag;                   /* an undefined tag, which clients ignore */
    enum roughtime_fault fault;
};

/* The long-term public key. */
void roughtime_signer_key(const struct roughtime_signer *s, uint8_t key[ROUGHTIME_KEY_BYTES]);

/* The response packet to a request packet. */
void roughtime_signer_answer(const struct roughtime_signer *s, struct mw_span request,
                             struct buf *out);

#endif
