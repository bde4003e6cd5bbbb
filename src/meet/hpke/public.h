/*
 * What the .c files behind midwatch/hpke.h share: checking what the caller gave, and turning
 * meet/crypt's errors into that header's.
 */
#ifndef MEET_HPKE_PUBLIC_H
#define MEET_HPKE_PUBLIC_H

#include <midwatch/hpke.h>

#include "meet/hpke/schedule.h"

/* What setting up either side leaves.  Wiped by hpke_ready_wipe(). */
struct hpke_ready {
    struct hpke_parts parts;
    struct hpke_agreed agreed;
};

void hpke_ready_wipe(struct hpke_ready *r);

/* Errors of midwatch/hpke.h.  On failure enc, where there is one, is zeros. */
MW_MUST_CHECK int hpke_ready_sender(struct hpke_ready *out, const struct mw_crypto *c,
                                    const struct mw_hpke_setup *setup, struct mw_span public_key,
                                    struct mw_random random, int want, uint8_t *enc);
MW_MUST_CHECK int hpke_ready_recipient(struct hpke_ready *out, const struct mw_crypto *c,
                                       const struct mw_hpke_setup *setup,
                                       struct mw_span private_key, struct mw_span public_key,
                                       struct mw_span enc, int want);

/* The lengths that an AEAD and a KDF take (RFC 5116 5, RFC 8439 2.8, RFC 9180 7.2.1): 0 or
 * MW_HPKE_E_LENGTH; MW_HPKE_E_EXPORT_ONLY for a message in a suite without an AEAD. */
MW_MUST_CHECK int hpke_message_fits(const struct hpke_parts *p, struct mw_span aad,
                                    size_t plain_len);
MW_MUST_CHECK int hpke_export_fits(const struct hpke_parts *p, struct mw_span context, size_t len);

/* A result of crypt.h or schedule.h with what its CRYPT_E_KEY means here. */
int hpke_result(int r, enum mw_hpke_error key_error);

#endif
