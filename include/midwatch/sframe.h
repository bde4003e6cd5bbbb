/*
 * SFrame (RFC 9605): media frames sealed end to end, in the form that a relay forwards.
 *
 * Two ways to come by keys, each with an object of its own:
 *     struct mw_sframe            an MLS group (section 5.2): one secret for each epoch
 *     struct mw_sframe_sender     sender keys (section 5.1): midwatch/sframe_sender.h
 *
 * Life:    mw_sframe_new() -> mw_sframe_add_epoch() -> mw_sframe_send_as() -> _seal()* _open()*
 *          -> mw_sframe_free().  At every new epoch again from mw_sframe_add_epoch() on.
 * Memory:  all of it is taken by _new() and _add_epoch().  Sealing and opening allocate nothing;
 *          only a sender's first frame in an epoch does, in OpenSSL, while its key is derived.
 *          Spans are borrowed for the call.  Keys are wiped when their epoch goes.
 * Threads: one at a time for each object; objects are independent.
 * Errors:  0 well.  > 0 an enum mw_sframe_error: the frame, or the moment, is wrong; nothing was
 *          changed.  < 0 ours: -ENOMEM, -EINVAL (an argument outside what is said here),
 *          -EMSGSIZE (no room in out, or over a limit), -EPERM (short tags not asked for), -EIO.
 * Not:     it does not prove which member sent a frame (every member holds every key: section
 *          7.2), hides neither KID nor CTR nor length (7.1), and is no transport.
 * Link:    pkg-config --cflags --libs libmidwatch-sealed
 */
#ifndef MIDWATCH_SFRAME_H
#define MIDWATCH_SFRAME_H

#include <stdbool.h>

#include <midwatch/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Section 4.5; the numbers are IANA's.  Take AES_128_GCM unless there is a reason. */
enum mw_sframe_suite {
    MW_SFRAME_AES_128_CTR_HMAC_SHA256_80 = 1,
    MW_SFRAME_AES_128_CTR_HMAC_SHA256_64,
    MW_SFRAME_AES_128_CTR_HMAC_SHA256_32,       /* only with .short_tags: see section 7.5 */
    MW_SFRAME_AES_128_GCM_SHA256_128,
    MW_SFRAME_AES_256_GCM_SHA512_128,
};

enum mw_sframe_error {
    MW_SFRAME_E_HEADER = 1,     /* too short, or a number that is longer than it need be (4.3)  */
    MW_SFRAME_E_KEY,            /* no such epoch, sender or stream: may be kept and tried again
                                 * when the next epoch is there (4.4.4)                         */
    MW_SFRAME_E_FORGED,         /* the tag does not match: another key, other metadata, changed */
    MW_SFRAME_E_REPLAYED,       /* was opened before                                            */
    MW_SFRAME_E_OLD,            /* so far behind that nobody remembers whether it was opened    */
    MW_SFRAME_E_OWN,            /* bears our own KID: sent back to us, or another member forged */
    MW_SFRAME_E_EXHAUSTED,      /* every counter is used up: a new epoch is needed              */
    MW_SFRAME_E_PAST,           /* an epoch or key not later than one before it                 */
    MW_SFRAME_E_NOT_SENDING,    /* no epoch to send in: mw_sframe_send_as() comes first         */
};

/* One line in English for either kind of error. */
MW_API const char *mw_sframe_error_text(int error);

#define MW_SFRAME_LABEL        "SFrame 1.0 Base Key"    /* of MLS's exporter, context ""         */
#define MW_SFRAME_HEADER_MAX   17       /* bytes                                                 */
#define MW_SFRAME_OVERHEAD_MAX 33       /* bytes of header and tag, any suite                    */
#define MW_SFRAME_METADATA_MAX 2048     /* bytes                                                 */
#define MW_SFRAME_FRAME_MAX    (1 << 24)        /* bytes of a frame's content                   */
#define MW_SFRAME_BASE_KEY_MIN 16       /* bytes of a base key                                   */
#define MW_SFRAME_BASE_KEY_MAX 64
#define MW_SFRAME_WINDOW       128      /* counters behind the latest that may still come        */
#define MW_SFRAME_INDEX_BITS_MAX 24     /* S */
#define MW_SFRAME_EPOCH_BITS_MAX 16     /* E */
#define MW_SFRAME_EPOCHS_MAX   64       /* in flight */
#define MW_SFRAME_STREAMS_MAX  256
#define MW_SFRAME_KEYS_MAX     65536
#define MW_SFRAME_SENDERS_MAX  (1 << 20)/* members * streams of one epoch                        */

/* Bytes of the base key to export from MLS (Nk), 16 to 48; 0: no such suite. */
MW_API size_t mw_sframe_key_size(enum mw_sframe_suite suite);

/* ------------------------------------------------------------------- a group's frames ---- */

struct mw_sframe;

/* What all members of a group must agree on (suite, index_bits, epoch_bits), and what each
 * chooses for itself. */
struct mw_sframe_options {
    enum mw_sframe_suite suite;
    unsigned index_bits;        /* S: members' leaf indices are below 2^S; fix it for the group's
                                 * life, since a KID is read by it                              */
    unsigned epoch_bits;        /* E: of the epoch's number, that a KID shows                   */
    unsigned epochs;            /* whose frames can be opened at once, at most 2^E; 0: 2        */
    unsigned streams;           /* of a sender, numbered from 0; 0: 1                           */
    unsigned keys;              /* ready for use at once, 1.3 kB each; another sender's
                                 * frame derives its key anew.  0: 64                           */
    bool short_tags;            /* yes, 32-bit tags: one forgery in 2^32 tries will be believed */
};

/* *out is the caller's; it reads c until it is freed.  Otherwise *out is untouched. */
MW_API MW_MUST_CHECK int mw_sframe_new(struct mw_sframe **out, const struct mw_crypto *c,
                                       const struct mw_sframe_options *options);
MW_API void mw_sframe_free(struct mw_sframe *f);    /* NULL ok; wipes */

/* Frames of this epoch can be opened from now on; sending goes on as before.  base_key: what the
 * MLS exporter gives for MW_SFRAME_LABEL, "" and mw_sframe_key_size().  members: leaf indices
 * are below it, at most 2^S.  32 bytes are kept for each member and stream.
 * An older epoch goes if its low E bits are the same (section 5.2: MUST), or if there would be
 * more than .epochs: then the oldest.  If that is the one we send in, sending waits for _send_as().
 * MW_SFRAME_E_PAST: not later than an epoch added before, dropped or not.  Counters begin at 0
 * with every epoch, and must never do so twice. */
MW_API MW_MUST_CHECK int mw_sframe_add_epoch(struct mw_sframe *f, uint64_t epoch,
                                             struct mw_span base_key, uint32_t members);

/* Its keys are wiped.  Drop an old epoch a few seconds after its successor: what is on its way
 * has arrived, and who left can no longer be heard.  No such epoch: nothing happens. */
MW_API void mw_sframe_drop_epoch(struct mw_sframe *f, uint64_t epoch);

/* From now on frames are sealed in this epoch, as the member with this leaf index; that epoch's
 * frames that bear our index are refused.  May come later than _add_epoch(), so that the others
 * have time to get there (section 4.4.1); send a keyframe next.
 * MW_SFRAME_E_KEY: not added, or dropped; MW_SFRAME_E_PAST: we sent in a later one already. */
MW_API MW_MUST_CHECK int mw_sframe_send_as(struct mw_sframe *f, uint64_t epoch, uint32_t index);

/* What the next frame of this stream will need beyond its content: header and tag; and of these
 * the header, after which content can stand ready to be sealed where it is. */
MW_API size_t mw_sframe_overhead(const struct mw_sframe *f, unsigned stream);
MW_API size_t mw_sframe_headroom(const struct mw_sframe *f, unsigned stream);

/* Writes a frame to out: *len = mw_sframe_overhead() + plain.len bytes, room at least as many.
 * plain may lie anywhere in out; at out + mw_sframe_headroom() it need not be moved.  metadata is
 * not sent, but the receiver needs the same to open the frame (section 4.4.3).
 * After an error nothing of plain was written to out, and no counter is used twice. */
MW_API MW_MUST_CHECK int mw_sframe_seal(struct mw_sframe *f, unsigned stream,
                                        struct mw_span metadata, struct mw_span plain,
                                        uint8_t *out, size_t room, size_t *len);

struct mw_sframe_opened {
    struct mw_span plain;       /* at out; when opened in place, behind the header there        */
    uint64_t kid, counter;      /* as the header has them                                       */
    uint64_t epoch;             /* all of it, not only what the KID shows                       */
    uint32_t index;             /* the sender's leaf; any member could have written it          */
    unsigned stream;
};

/* Opens a frame to out: room for the content, frame.len bytes always suffice.  out is frame.data
 * (in place) or does not touch the frame.  A frame is opened once: its counter counts as seen
 * only after its tag was found right.  After MW_SFRAME_E_FORGED out holds zeros; of other errors
 * it shows nothing.  *opened is only written on success. */
MW_API MW_MUST_CHECK int mw_sframe_open(struct mw_sframe *f, struct mw_span metadata,
                                        struct mw_span frame, uint8_t *out, size_t room,
                                        struct mw_sframe_opened *opened);

/* The counter that the next frame of a stream will have, and: it shall be at least this.  For a
 * program that is restarted within an epoch (section 9.1): write down a counter well ahead before
 * it is reached, and go on from there.  Never goes back.  MW_SFRAME_E_NOT_SENDING. */
MW_API uint64_t mw_sframe_counter(const struct mw_sframe *f, unsigned stream);
MW_API MW_MUST_CHECK int mw_sframe_raise_counter(struct mw_sframe *f, unsigned stream,
                                                 uint64_t at_least);

/* ----------------------------------------------------------- what anybody can read ---- */

struct mw_sframe_header {
    uint64_t kid, counter;
    size_t len;                 /* of the header itself: 1 to 17 bytes */
};

/* The header that a frame begins with (section 4.3).  Nothing of it is proven. */
MW_API MW_MUST_CHECK int mw_sframe_read_header(struct mw_span frame, struct mw_sframe_header *out);

#ifdef __cplusplus
}
#endif

#endif
