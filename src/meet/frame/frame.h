/*
 * Messages framed: signed, and then either authenticated in public or encrypted.
 *
 *     sending     frame_sign() -> frame_public() or frame_private() -> bytes
 *     receiving   mls_message_read() -> frame_public_open() or frame_private_open()
 *                 -> frame_verify() once the sender's key is known
 *
 * Memory:  spans that come out are borrowed from the message, or from the buffer given.  Large
 *          contents are hashed in place; they are copied once to be signed, and once into the
 *          message.
 * Errors:  0, -ENOMEM, -EIO, -EMSGSIZE (a field of 2^30 bytes, or more than the buffer may hold),
 *          > 0 enum frame_error.  After a failure all is as before: what was appended is taken
 *          back and wiped, no key is used up, but for one of our own when memory ran out.
 * Source:  RFC 9420 section 6.
 */
#ifndef MEET_FRAME_FRAME_H
#define MEET_FRAME_FRAME_H

#include "meet/keys/schedule.h"
#include "meet/keys/secret_tree.h"

enum frame_error {
    FRAME_E_MALFORMED = 1,      /* the content inside does not parse, or padding is not zero   */
    FRAME_E_MEMBERSHIP_TAG,     /* a member's message whose membership tag is wrong            */
    FRAME_E_SIGNATURE,
    FRAME_E_SENDER_DATA,        /* the encrypted sender data does not open or does not parse   */
    FRAME_E_SEALED,             /* the ciphertext does not open                                */
    FRAME_E_LEAF,               /* the sender is no leaf of this epoch                         */
    FRAME_E_GENERATION,         /* a generation that was used, or let go                       */
    FRAME_E_TOO_FAR,            /* a generation too far ahead                                  */
    FRAME_E_EXHAUSTED,          /* our own generations are used up                             */
    FRAME_E_PUBLIC_APPLICATION, /* application data MUST be private (6)                        */
    FRAME_E_SENDER,             /* who sends may not send this, or not in this way (6.1)       */
    FRAME_E_FORMAT,             /* it was signed for the other wire format                     */
    FRAME_E_KEY,                /* the key to sign with is none of this suite's                */
};

/* A message whose content is to be, or was, signed (AuthenticatedContent, 6.1). */
struct authentic {
    uint16_t wire_format;
    struct framed_content content;
    struct content_auth auth;
};

/* The keys of an epoch that framing needs. */
struct frame_keys {
    struct suited s;
    struct mw_span context;             /* GroupContext, encoded */
    const struct secret *membership_key;
    const struct secret *sender_data_secret;
    struct secret_tree *secrets;
    /* 6.3.2: is there anybody at this leaf?  Asked before a private message's keys are derived.
     * NULL: it is not asked, and the caller's to see. */
    bool (*member)(const void *context, uint32_t leaf);
    const void *member_context;
};

/* Signs a->content as a->wire_format carries it (6.1).
 * context: encoded GroupContext; left out for the senders that do not sign it.
 * signature: CRYPT_SIGNATURE_MAX bytes, which a->auth.signature then points into.
 * Here and below content is taken from its fields, not from content.wire. */
MW_MUST_CHECK int frame_sign(struct suited s, struct authentic *a, struct mw_span context,
                             struct mw_span key, uint8_t *signature);
/* FRAME_E_SIGNATURE: it does not match, or the key is none.  key: the sender's signature public
 * key (6.1): a member's leaf, an external sender's entry, the leaf of the commit's path, or of
 * the key package. */
MW_MUST_CHECK int frame_verify(struct suited s, const struct authentic *a, struct mw_span context,
                               struct mw_span key);

/* Appends an MLSMessage with a PublicMessage; the membership tag is made for a member's (6.2).
 * k->secrets is not needed. */
MW_MUST_CHECK int frame_public(const struct frame_keys *k, const struct authentic *a,
                               struct buf *out);
/* Checks who may send what, and the membership tag of a member's.  a borrows from m.  The leaf is
 * checked against k->secrets, where given; whether it is blank is the caller's to see. */
MW_MUST_CHECK int frame_public_open(const struct frame_keys *k, const struct public_message *m,
                                    struct authentic *a);

/* Appends an MLSMessage with a PrivateMessage (6.3), encrypted in place.  padding: zero bytes to
 * add at the end.  random: for the reuse guard; its failure is passed on. */
MW_MUST_CHECK int frame_private(const struct frame_keys *k, const struct authentic *a,
                                size_t padding, struct mw_random random, struct buf *out);

/* What frame_private_open() found besides, for frame_private_used(); also with FRAME_E_GENERATION,
 * so that a message of our own can be told. */
struct opened {
    uint32_t leaf, generation;
    enum ratchet_kind kind;
};

/* Opens it; a borrows from m and from plain, whose old content goes and which the caller wipes
 * (buf_wipe).  The key is kept: when the signature is found good, frame_private_used() deletes it
 * (9.2). */
MW_MUST_CHECK int frame_private_open(const struct frame_keys *k, const struct private_message *m,
                                     struct buf *plain, struct authentic *a, struct opened *o);
void frame_private_used(const struct frame_keys *k, const struct opened *o);

/* The reference of a proposal: RefHash over AuthenticatedContent (12.1).  out: nh bytes. */
MW_MUST_CHECK int frame_proposal_ref(struct suited s, const struct authentic *a, uint8_t *out);

#endif
