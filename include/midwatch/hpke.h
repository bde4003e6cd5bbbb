/*
 * HPKE, hybrid public key encryption (RFC 9180): whoever has a public key seals to it, and only
 * the private key opens.  All four modes, KEMs, KDFs and AEADs of the RFC.
 *
 *     struct mw_hpke_setup setup = { .suite = { MW_HPKE_X25519, MW_HPKE_HKDF_SHA256,
 *                                               MW_HPKE_AES_128_GCM }, .info = info };
 *     uint8_t enc[MW_HPKE_PUBLIC_MAX];
 *     struct mw_hpke_sender *s;
 *     r = mw_hpke_sender_new(&s, crypto, &setup, public_key, mw_random_system(), enc);
 *     r = mw_hpke_sender_seal(s, aad, plain, sealed);     as often as needed, in order
 *     mw_hpke_sender_free(s);
 *
 *     r = mw_hpke_recipient_new(&t, crypto, &setup, private_key, public_key, enc);
 *     r = mw_hpke_recipient_open(t, aad, sealed, plain);  in the sender's order
 *
 * Memory:  spans are borrowed for the call alone and may be {NULL, 0} where the section allows
 *          an empty string; outputs go where the caller says, of the sizes below.  An output may
 *          be the very bytes of the input it comes from (plain and sealed), nothing else.
 * Errors:  0 well.  > 0 enum mw_hpke_error, the input's fault.  < 0 ours: -ENOMEM, -EIO, or what
 *          the random source said.  A failed call leaves zeros in its outputs; or,
 *          with LENGTH and SHORT, has not touched them; with SUITE one or the other.
 * Threads: a struct mw_crypto may be shared, a sender or recipient is one thread's at a time.
 * Not here: a sender of the base and PSK modes is anybody who has the public key (and the PSK);
 *          who has the recipient's private key can pose as any sender of the auth modes to that
 *          recipient (RFC 9180 9.1.1); what was sealed long ago opens with a key stolen today
 *          (9.7.4).
 * Link:    pkg-config --cflags --libs libmidwatch-sealed
 */
#ifndef MIDWATCH_HPKE_H
#define MIDWATCH_HPKE_H

#include <midwatch/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

enum mw_hpke_error {
    MW_HPKE_E_SUITE = 1,        /* a KEM, KDF, AEAD or mode that is none of those below         */
    MW_HPKE_E_PUBLIC_KEY,       /* the recipient's: wrong size, off its curve, of small order   */
    MW_HPKE_E_PRIVATE_KEY,      /* wrong size, zero, or not below the curve's order             */
    MW_HPKE_E_ENC,              /* an encapsulated key that is no public key of the KEM         */
    MW_HPKE_E_SENDER_KEY,       /* as PUBLIC_KEY or PRIVATE_KEY, the sender's in the auth modes */
    MW_HPKE_E_INPUTS,           /* a PSK or a sender's key that the mode lacks or does not have */
    MW_HPKE_E_PSK,              /* a PSK under 32 bytes (RFC 9180 5.1.2)                        */
    MW_HPKE_E_LENGTH,           /* longer than RFC 9180 7.2.1 or the AEAD allows                */
    MW_HPKE_E_OPEN,             /* altered, or sealed with other keys, info, PSK, aad or order */
    MW_HPKE_E_SHORT,            /* shorter than a tag: nothing was ever sealed to this          */
    MW_HPKE_E_MESSAGE_LIMIT,    /* as many messages as one context may have (5.2)               */
    MW_HPKE_E_EXPORT_ONLY,      /* sealing or opening with MW_HPKE_EXPORT_ONLY                  */
    MW_HPKE_E_DERIVE,           /* no key comes of this ikm (7.1.3); of chance: never           */
};

/* One line without a full stop; for any number. */
MW_API const char *mw_hpke_error_text(int error);

/* IANA's numbers (RFC 9180 7.1 to 7.3). */
enum mw_hpke_kem {
    MW_HPKE_P256 = 0x0010, MW_HPKE_P384 = 0x0011, MW_HPKE_P521 = 0x0012,
    MW_HPKE_X25519 = 0x0020, MW_HPKE_X448 = 0x0021,
};
enum mw_hpke_kdf { MW_HPKE_HKDF_SHA256 = 1, MW_HPKE_HKDF_SHA384, MW_HPKE_HKDF_SHA512 };
enum mw_hpke_aead {
    MW_HPKE_AES_128_GCM = 1, MW_HPKE_AES_256_GCM, MW_HPKE_CHACHA20_POLY1305,
    MW_HPKE_EXPORT_ONLY = 0xffff,
};
struct mw_hpke_suite {
    uint16_t kem, kdf, aead;
};

/* Bytes: the most of any suite, and of one. */
#define MW_HPKE_PUBLIC_MAX  133
#define MW_HPKE_PRIVATE_MAX 66
#define MW_HPKE_TAG         16      /* what sealing adds */
struct mw_hpke_sizes {
    size_t public_key, private_key; /* an encapsulated key has the size of a public key */
    size_t tag;                     /* 0 of MW_HPKE_EXPORT_ONLY */
    size_t export_max;              /* the longest export, 255 times the KDF's hash */
};
MW_API MW_MUST_CHECK int mw_hpke_sizes(struct mw_hpke_suite suite, struct mw_hpke_sizes *out);

/* --------------------------------------------------------------- keys (RFC 9180 4, 7.1) ---- */

/* NIST public keys are uncompressed points, private keys big-endian numbers of the field's size;
 * X25519 and X448 as in RFC 7748.  Outputs have the KEM's sizes. */

/* A fresh pair. */
MW_API MW_MUST_CHECK int mw_hpke_key_make(const struct mw_crypto *c, uint16_t kem,
                                          struct mw_random random, uint8_t *private_key,
                                          uint8_t *public_key);

/* DeriveKeyPair (7.1.3): always the same pair of the same ikm, which SHOULD be secret and random
 * and as long as a private key. */
MW_API MW_MUST_CHECK int mw_hpke_key_derive(const struct mw_crypto *c, uint16_t kem,
                                            struct mw_span ikm, uint8_t *private_key,
                                            uint8_t *public_key);

/* The public half of a private key; refuses what DeserializePrivateKey (4) must. */
MW_API MW_MUST_CHECK int mw_hpke_key_public(const struct mw_crypto *c, uint16_t kem,
                                            struct mw_span private_key, uint8_t *public_key);

/* Is this a public key?  (7.1.4)  Setting up asks by itself; for whoever stores keys. */
MW_API MW_MUST_CHECK int mw_hpke_key_check(const struct mw_crypto *c, uint16_t kem,
                                           struct mw_span public_key);

/* ------------------------------------------------------------ setting up (RFC 9180 5.1) ---- */

enum mw_hpke_mode { MW_HPKE_MODE_BASE, MW_HPKE_MODE_PSK, MW_HPKE_MODE_AUTH,
                    MW_HPKE_MODE_AUTH_PSK };

/* What sender and recipient must agree on.  All-zero but the suite: base mode without info. */
struct mw_hpke_setup {
    struct mw_hpke_suite suite;
    enum mw_hpke_mode mode;
    struct mw_span info;        /* what this is for; bound to every message */
    struct mw_span psk, psk_id; /* the PSK modes: both, psk at least 32 unguessable bytes */
    struct mw_span sender_private;      /* the auth modes, at the sender: its own */
    struct mw_span sender_public;       /* the auth modes, at the recipient; the sender need not */
};

struct mw_hpke_sender;
struct mw_hpke_recipient;

/* SetupS.  enc: the encapsulated key, size of a public key, for the recipient.  *out is the
 * caller's, untouched on failure. */
MW_API MW_MUST_CHECK int mw_hpke_sender_new(struct mw_hpke_sender **out,
                                            const struct mw_crypto *c,
                                            const struct mw_hpke_setup *setup,
                                            struct mw_span public_key, struct mw_random random,
                                            uint8_t *enc);
/* SetupR.  public_key: that of private_key, or none: then it is computed, which costs about as
 * much as the rest. */
MW_API MW_MUST_CHECK int mw_hpke_recipient_new(struct mw_hpke_recipient **out,
                                               const struct mw_crypto *c,
                                               const struct mw_hpke_setup *setup,
                                               struct mw_span private_key,
                                               struct mw_span public_key, struct mw_span enc);
MW_API void mw_hpke_sender_free(struct mw_hpke_sender *s);          /* NULL ok; wipes */
MW_API void mw_hpke_recipient_free(struct mw_hpke_recipient *r);    /* NULL ok; wipes */

/* --------------------------------------------------------- messages (RFC 9180 5.2, 5.3) ---- */

/* out: plain.len + MW_HPKE_TAG bytes.  Counts one message on, unless it fails. */
MW_API MW_MUST_CHECK int mw_hpke_sender_seal(struct mw_hpke_sender *s, struct mw_span aad,
                                             struct mw_span plain, uint8_t *out);
/* out: sealed.len - MW_HPKE_TAG bytes.  What does not open is not counted: the next may. */
MW_API MW_MUST_CHECK int mw_hpke_recipient_open(struct mw_hpke_recipient *r, struct mw_span aad,
                                                struct mw_span sealed, uint8_t *out);

/* len bytes that only the two sides know, different for each context string; at any time. */
MW_API MW_MUST_CHECK int mw_hpke_sender_export(const struct mw_hpke_sender *s,
                                               struct mw_span context, uint8_t *out, size_t len);
MW_API MW_MUST_CHECK int mw_hpke_recipient_export(const struct mw_hpke_recipient *r,
                                                  struct mw_span context, uint8_t *out,
                                                  size_t len);

/* ------------------------------------------------------ one message only (RFC 9180 6) ---- */

/* The same, set up and taken down in one call.  enc and out as above. */

MW_API MW_MUST_CHECK int mw_hpke_seal(const struct mw_crypto *c, const struct mw_hpke_setup *setup,
                                      struct mw_span public_key, struct mw_random random,
                                      struct mw_span aad, struct mw_span plain, uint8_t *enc,
                                      uint8_t *out);
MW_API MW_MUST_CHECK int mw_hpke_open(const struct mw_crypto *c, const struct mw_hpke_setup *setup,
                                      struct mw_span private_key, struct mw_span public_key,
                                      struct mw_span enc, struct mw_span aad,
                                      struct mw_span sealed, uint8_t *out);

/* SendExport and ReceiveExport: a shared secret of len bytes and no message. */
MW_API MW_MUST_CHECK int mw_hpke_send_export(const struct mw_crypto *c,
                                             const struct mw_hpke_setup *setup,
                                             struct mw_span public_key, struct mw_random random,
                                             struct mw_span context, uint8_t *enc, uint8_t *out,
                                             size_t len);
MW_API MW_MUST_CHECK int mw_hpke_receive_export(const struct mw_crypto *c,
                                                const struct mw_hpke_setup *setup,
                                                struct mw_span private_key,
                                                struct mw_span public_key, struct mw_span enc,
                                                struct mw_span context, uint8_t *out, size_t len);

#ifdef __cplusplus
}
#endif

#endif
