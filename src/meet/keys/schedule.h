/*
 * The key schedule: from one epoch's init secret and a commit's secret to all secrets of the next.
 * Pure functions over secrets.
 * Errors:  0, -ENOMEM, -EIO, > 0 enum crypt_error.
 * Source:  RFC 9420 section 8.
 */
#ifndef MEET_KEYS_SCHEDULE_H
#define MEET_KEYS_SCHEDULE_H

#include "meet/label/label.h"
#include "meet/wire/codec.h"

/* Everything an epoch derives (8, table 4).  Kept in locked memory by whoever holds it. */
struct epoch_secrets {
    struct secret sender_data, encryption, exporter, external, confirmation_key, membership_key,
        resumption_psk, authenticator, init;
};

void epoch_secrets_wipe(struct epoch_secrets *e);

/* joiner_secret of (init, commit): n zero bytes when a commit has no path.  context: of the new
 * epoch, encoded. */
MW_MUST_CHECK int schedule_joiner(struct suited s, const struct secret *init,
                                  const struct secret *commit, struct mw_span context,
                                  struct secret *joiner);
/* psk: all zero bytes of nh when there is none: schedule_no_psk(). */
MW_MUST_CHECK int schedule_epoch(struct suited s, const struct secret *joiner,
                                 const struct secret *psk, struct mw_span context,
                                 struct epoch_secrets *out);
MW_MUST_CHECK int schedule_welcome(struct suited s, const struct secret *joiner,
                                   const struct secret *psk, struct secret *out);
/* The AEAD key and nonce for the encrypted GroupInfo (12.4.3.1). */
MW_MUST_CHECK int schedule_welcome_key(struct suited s, const struct secret *welcome, uint8_t *key,
                                       uint8_t nonce[CRYPT_NONCE]);
void schedule_no_psk(struct suited s, struct secret *out);

/* psk_secret of a list (8.4): `id` encoded as PreSharedKeyID.  None: all zeros.  Over 65,535:
 * CRYPT_E_LENGTH. */
struct psk_input {
    struct mw_span id;
    struct mw_span psk;
};
MW_MUST_CHECK int schedule_psk(struct suited s, const struct psk_input *psks, size_t n,
                               struct secret *out);

/* MLS-Exporter (8.5).  len: at most 65,535 and 255 hashes. */
MW_MUST_CHECK int schedule_export(struct suited s, const struct secret *exporter,
                                  const char *label, struct mw_span context, uint8_t *out,
                                  size_t len);
/* The external key pair of an epoch (8.3): scalar nsk, point npk bytes. */
MW_MUST_CHECK int schedule_external(struct suited s, const struct secret *external,
                                    uint8_t *scalar, uint8_t *point);
/* The init secret of an external commit (8.3).  Who joins, with the group's external public key,
 * makes kem_output (npk bytes); the members find the same secret from it.  CRYPT_E_KEY: point or
 * kem_output is no public key. */
MW_MUST_CHECK int schedule_init_send(struct suited s, struct mw_random random,
                                     struct mw_span point, uint8_t *kem_output,
                                     struct secret *init);
MW_MUST_CHECK int schedule_init_receive(struct suited s, const struct secret *external,
                                        struct mw_span kem_output, struct secret *init);

/* --------------------------------------------------------------- transcript (8.2) ---- */

/* confirmed' = H(interim || wire_format || content || signature).  out: nh bytes.  Hashed in
 * parts: a large commit is not copied. */
MW_MUST_CHECK int transcript_confirm(struct suited s, struct mw_span interim, uint16_t wire_format,
                                     const struct framed_content *content,
                                     struct mw_span signature, uint8_t *out);
MW_MUST_CHECK int transcript_interim(struct suited s, struct mw_span confirmed,
                                     struct mw_span confirmation_tag, uint8_t *out);
/* confirmation_tag = MAC(confirmation_key, confirmed).  out: nh bytes. */
MW_MUST_CHECK int confirmation_tag(struct suited s, const struct secret *key,
                                   struct mw_span confirmed, uint8_t *out);
/* Is `tag` that?  CRYPT_E_FORGED: no.  In constant time. */
MW_MUST_CHECK int confirmation_check(struct suited s, const struct secret *key,
                                     struct mw_span confirmed, struct mw_span tag);

#endif
