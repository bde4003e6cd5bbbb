/*
 * SFrame's sender keys (RFC 9605 section 5.1): every sender makes a base key, hands it to each
 * receiver over a channel that is sealed already, and may ratchet it forward.  For groups without
 * MLS; who has MLS wants midwatch/sframe.h.
 *
 * One object is one sender: at the sender's it seals, at each receiver's it opens, never both
 * (section 4.4.1).  The receiver knows from outside of SFrame whose frame it holds.
 *
 * Life:    mw_sframe_sender_new() -> _set_key() -> (_seal() | _open())* -> _free()
 * Memory, threads, errors: as midwatch/sframe.h says.
 */
#ifndef MIDWATCH_SFRAME_SENDER_H
#define MIDWATCH_SFRAME_SENDER_H

#include <midwatch/sframe.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mw_sframe_sender;

enum mw_sframe_use { MW_SFRAME_TO_SEAL = 1, MW_SFRAME_TO_OPEN };

#define MW_SFRAME_RATCHET_BITS_MAX 16   /* R */
#define MW_SFRAME_STEPS_MAX        64   /* ahead, and kept */

struct mw_sframe_sender_options {
    enum mw_sframe_suite suite;
    enum mw_sframe_use use;
    unsigned ratchet_bits;      /* R: of the step's number, that a KID shows; 0: never ratchets */
    unsigned steps_ahead;       /* a frame may be at most so many steps ahead of the latest that
                                 * was opened: the work that a forged one can cause.  0: all but
                                 * .steps_kept of the 2^R, at most MW_SFRAME_STEPS_MAX           */
    unsigned steps_kept;        /* older steps' keys kept for frames that come late.
                                 * steps_ahead + steps_kept < 2^R                               */
    bool short_tags;            /* as in struct mw_sframe_options */
};

MW_API MW_MUST_CHECK int mw_sframe_sender_new(struct mw_sframe_sender **out,
                                              const struct mw_crypto *c,
                                              const struct mw_sframe_sender_options *options);
MW_API void mw_sframe_sender_free(struct mw_sframe_sender *s);      /* NULL ok; wipes */

/* A new key, unrelated to the one before: also what shuts out a receiver that left.  The KID is
 * generation << R | low bits of step.  step: 0, or where the sender has arrived, for a receiver
 * that joins.  A receiver's older keys are kept as .steps_kept says.
 * MW_SFRAME_E_PAST: not a later generation than the one before. */
MW_API MW_MUST_CHECK int mw_sframe_sender_set_key(struct mw_sframe_sender *s, uint64_t generation,
                                                  uint64_t step, struct mw_span base_key);

/* One step forward: who receives the key from now on cannot open what was sent before.  Only
 * to seal: who opens follows by itself.  MW_SFRAME_E_NOT_SENDING: there is no key yet. */
MW_API MW_MUST_CHECK int mw_sframe_sender_ratchet(struct mw_sframe_sender *s);

/* What a new receiver must be given, after mw_sframe_sender_ratchet() or a new key: the base key of
 * the step, key[0..*len).  MW_SFRAME_E_NOT_SENDING: there is none. */
MW_API MW_MUST_CHECK int mw_sframe_sender_export(const struct mw_sframe_sender *s,
                                                 uint64_t *generation, uint64_t *step,
                                                 uint8_t key[MW_SFRAME_BASE_KEY_MAX], size_t *len);

/* Wipes what is kept of older steps and generations. */
MW_API void mw_sframe_sender_forget(struct mw_sframe_sender *s);

/* As mw_sframe_overhead(), mw_sframe_seal() and mw_sframe_open(); -EINVAL if the object is for
 * the other use.  In *opened, epoch is the key's generation; index and stream are 0. */
MW_API size_t mw_sframe_sender_overhead(const struct mw_sframe_sender *s);
MW_API MW_MUST_CHECK int mw_sframe_sender_seal(struct mw_sframe_sender *s, struct mw_span metadata,
                                               struct mw_span plain, uint8_t *out, size_t room,
                                               size_t *len);
MW_API MW_MUST_CHECK int mw_sframe_sender_open(struct mw_sframe_sender *s, struct mw_span metadata,
                                               struct mw_span frame, uint8_t *out, size_t room,
                                               struct mw_sframe_opened *opened);

#ifdef __cplusplus
}
#endif

#endif
