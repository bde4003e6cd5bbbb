/*
 * The parts that HPKE is made of: suites, the KEM and the key schedule.  What the one-shot calls
 * (hpke.h), the contexts (midwatch/hpke.h) and the vectors' runner share.
 * Errors:  as meet/crypt/crypt.h.
 * Source:  RFC 9180 4, 5.1, 7.
 */
#ifndef MEET_HPKE_SCHEDULE_H
#define MEET_HPKE_SCHEDULE_H

#include "meet/hpke/hpke.h"

enum { HPKE_EXPORT_ONLY = 0xffff };     /* the AEAD number of a context that only exports */

/* A suite looked up. */
struct hpke_parts {
    struct hpke_suite numbers;
    enum crypt_group group;
    enum crypt_hash kem_hash, hash;
    enum crypt_aead aead;
    bool export_only;               /* aead means nothing then */
    uint8_t kem_id[5], suite_id[10];    /* suite_id of 4.1 and of 5.1 */
};

/* false: a number that we do not have. */
bool hpke_parts_of(struct hpke_suite suite, struct hpke_parts *out);

/* A private key with the public one that belongs to it.  Borrowed. */
struct hpke_pair {
    struct mw_span scalar, point;
};

/* Encap (4.1) with an ephemeral pair that the caller made; AuthEncap when sender.scalar is given.
 * The encapsulated key is the pair's point.  Both pairs are complete. */
MW_MUST_CHECK int hpke_encap(const struct mw_crypto *c, const struct hpke_parts *p,
                             struct hpke_pair ephemeral, struct mw_span point,
                             struct hpke_pair sender, struct secret *shared);

/* Decap; AuthDecap when the sender's point is given.  own.point none: computed here. */
MW_MUST_CHECK int hpke_decap(const struct mw_crypto *c, const struct hpke_parts *p,
                             struct hpke_pair own, struct mw_span enc, struct mw_span sender,
                             struct secret *shared);

/* What sender and recipient agree on (5.1). */
struct hpke_agreed {
    uint8_t key[CRYPT_KEY_MAX], nonce[CRYPT_NONCE];
    struct secret exporter;
};

void hpke_agreed_wipe(struct hpke_agreed *a);

enum hpke_mode { HPKE_BASE, HPKE_PSK, HPKE_AUTH, HPKE_AUTH_PSK };

/* What both sides must have in common, as the mode says.  sender: whole at the sender, only its
 * point at the recipient. */
struct hpke_inputs {
    enum hpke_mode mode;
    struct mw_span info, psk, psk_id;
    struct hpke_pair sender;
    const struct hpke_common *common;   /* NULL: made from the mode, info and psk_id */
};

/* Which of the results are needed: each costs a derivation. */
enum { HPKE_WANT_AEAD = 1, HPKE_WANT_EXPORTER = 2 };

MW_MUST_CHECK int hpke_common_of(const struct mw_crypto *c, const struct hpke_parts *p,
                                 const struct hpke_inputs *in, struct hpke_common *out);

/* KeySchedule (5.1). */
MW_MUST_CHECK int hpke_schedule(const struct mw_crypto *c, const struct hpke_parts *p,
                                const struct hpke_inputs *in, const struct secret *shared,
                                int want, struct hpke_agreed *out);

/* SetupS and SetupR of every mode (5.1).  enc: crypt_point_size() bytes. */
MW_MUST_CHECK int hpke_agree_sender(const struct mw_crypto *c, const struct hpke_parts *p,
                                    const struct hpke_inputs *in, struct mw_random random,
                                    struct mw_span point, int want, uint8_t *enc,
                                    struct hpke_agreed *out);
MW_MUST_CHECK int hpke_agree_recipient(const struct mw_crypto *c, const struct hpke_parts *p,
                                       const struct hpke_inputs *in, struct hpke_pair own,
                                       struct mw_span enc, int want, struct hpke_agreed *out);

/* Context.Export (5.3). */
MW_MUST_CHECK int hpke_export(const struct mw_crypto *c, const struct hpke_parts *p,
                              const struct secret *exporter, struct mw_span context, uint8_t *out,
                              size_t len);

/* LabeledExtract and LabeledExpand (4). id: suite_id. */
MW_MUST_CHECK int hpke_extract(const struct mw_crypto *c, enum crypt_hash h, struct mw_span id,
                               struct mw_span salt, const char *label, struct mw_span ikm,
                               struct secret *prk);
MW_MUST_CHECK int hpke_expand(const struct mw_crypto *c, enum crypt_hash h, struct mw_span id,
                              const struct secret *prk, const char *label, struct mw_span info,
                              uint8_t *out, size_t len);

#endif
