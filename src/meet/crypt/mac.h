/*
 * HMAC-SHA256 (RFC 2104) with a key that is set up once, for many short messages.
 * Life:    crypt_mac_new() -> _rekey() -> _sum()*, _rekey()... -> _free().  Only _new() allocates.
 * Memory:  each its own: one for each thread.
 */
#ifndef MEET_CRYPT_MAC_H
#define MEET_CRYPT_MAC_H

#include "base/span.h"

#define CRYPT_MAC_SIZE 32       /* bytes */

struct crypt_mac;

MW_MUST_CHECK int crypt_mac_new(struct crypt_mac **out);        /* 0, -ENOMEM */
void crypt_mac_free(struct crypt_mac *s);                       /* NULL ok; wipes */

/* key: 1 to 64 bytes, else -EINVAL. */
MW_MUST_CHECK int crypt_mac_rekey(struct crypt_mac *s, struct mw_span key);

/* Over the concatenation of n parts.  -EIO: zeros in out. */
MW_MUST_CHECK int crypt_mac_sum(struct crypt_mac *s, const struct mw_span *parts, size_t n,
                                uint8_t out[CRYPT_MAC_SIZE]);

#endif
