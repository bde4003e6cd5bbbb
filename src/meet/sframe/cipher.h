/*
 * One KID's key, expanded: what a frame is sealed and opened with (RFC 9605 4.4.3, 4.4.4).  The
 * caller watches over counters and replay.
 * Life:    sframe_cipher_init() -> _key() -> _seal() | _open()*, _key()... -> _deinit()
 * Memory:  allocates in _init() and, inside OpenSSL, in _key(); never in _seal() and _open().
 */
#ifndef MEET_SFRAME_CIPHER_H
#define MEET_SFRAME_CIPHER_H

#include "meet/sframe/aead.h"

struct sframe_cipher {
    struct sframe_aead aead;
    uint64_t kid;
    uint8_t salt[SFRAME_SALT];
};

/* On failure there is nothing to deinit. */
MW_MUST_CHECK int sframe_cipher_init(struct sframe_cipher *s, const struct mw_crypto *c,
                                     const struct sframe_suite *suite);
void sframe_cipher_deinit(struct sframe_cipher *s);     /* all-zero ok; wipes */

/* From now on it is this KID's.  After a failure it is nobody's: not to be used. */
MW_MUST_CHECK int sframe_cipher_key(struct sframe_cipher *s, const struct mw_crypto *c,
                                    const struct secret *secret, uint64_t kid);

/* The old key is gone.  Nothing can be done with it until _key(). */
void sframe_cipher_forget(struct sframe_cipher *s);

/* Limits on what is to be sealed: -EMSGSIZE. */
MW_MUST_CHECK int sframe_seal_check(const struct sframe_cipher *s, uint64_t counter,
                                    struct mw_span metadata, struct mw_span plain, size_t room);

/* As mw_sframe_seal(), of what sframe_seal_check() let pass: header, content, tag to out. */
MW_MUST_CHECK int sframe_cipher_seal(struct sframe_cipher *s, uint64_t counter,
                                     struct mw_span metadata, struct mw_span plain, uint8_t *out,
                                     size_t *len);

/* Limits on a frame, before any key is looked for: -EMSGSIZE, -EINVAL, MW_SFRAME_E_HEADER. */
MW_MUST_CHECK int sframe_open_check(const struct sframe_suite *suite,
                                    const struct mw_sframe_header *h, struct mw_span metadata,
                                    struct mw_span frame, const uint8_t *out, size_t room);

/* As mw_sframe_open(), of a frame that sframe_open_check() let pass; *plain is where the content
 * is. */
MW_MUST_CHECK int sframe_cipher_open(struct sframe_cipher *s, const struct mw_sframe_header *h,
                                     struct mw_span metadata, struct mw_span frame, uint8_t *out,
                                     struct mw_span *plain);

#endif
