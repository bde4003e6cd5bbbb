/*
 * The answering side of Roughtime, for one request at a time: a Merkle tree of one leaf.
 * Source: RFC 10049 sections 4 and 5.
 */
#ifndef LAB_ROUGHTIME_SERVER_H
#define LAB_ROUGHTIME_SERVER_H

#include <openssl/evp.h>

#include "base/buf.h"

/* The response packet to `request`, signed with an Ed25519 key; its length, 0 for what is no
 * request. */
MW_MUST_CHECK size_t roughtime_answer_write(uint8_t *out, size_t room, struct mw_span request,
                                            EVP_PKEY *key, struct mw_wall now);

#endif
