/*
 * The secret tree of an epoch: message keys for every leaf, derived when first needed and deleted
 * when used, so that what was read cannot be read again by who steals the memory later.
 * Life:    secret_tree_new() at the start of an epoch -> _next()/_key() -> _free()
 * Memory:  grows with the leaves that sent, not with the group; locked and wiped where secret.
 *          Bounded: at most SECRET_TREE_AHEAD generations are skipped at once, at most
 *          SECRET_TREE_KEPT skipped keys are kept for a leaf and kind, the oldest go first, and
 *          at most SECRET_TREE_KEPT_ALL in the tree, where those go first that keep the most.
 * Thread:  one at a time; a key looked up is remembered until it is used or another is.
 * Errors:  0, -ENOMEM, -EIO, > 0 enum secret_tree_error.
 * Source:  RFC 9420 section 9.
 */
#ifndef MEET_KEYS_SECRET_TREE_H
#define MEET_KEYS_SECRET_TREE_H

#include "base/buf.h"
#include "base/reader.h"
#include "meet/label/label.h"

#define SECRET_TREE_AHEAD    1024
#define SECRET_TREE_KEPT     1024
#define SECRET_TREE_KEPT_ALL 16384

enum secret_tree_error {
    SECRET_TREE_E_LEAF = 1,     /* no such leaf                                             */
    SECRET_TREE_E_USED,         /* this generation's key was used, or let go                */
    SECRET_TREE_E_TOO_FAR,      /* over SECRET_TREE_AHEAD generations ahead                 */
    SECRET_TREE_E_EXHAUSTED,    /* 2^32 - 1 generations are used up                         */
    SECRET_TREE_E_MALFORMED,    /* a saved state, or a secret, that is none of this suite's */
};

enum ratchet_kind { RATCHET_HANDSHAKE, RATCHET_APPLICATION };

struct message_key {
    uint8_t key[CRYPT_KEY_MAX];         /* nk bytes of it */
    uint8_t nonce[CRYPT_NONCE];
};

struct secret_tree;

/* leaves: a power of two, else SECRET_TREE_E_LEAF.  Derives nothing: an epoch of 10,000 begins
 * as fast as one of two. */
MW_MUST_CHECK int secret_tree_new(struct secret_tree **out, struct suited s, uint32_t leaves,
                                  const struct secret *encryption_secret);
void secret_tree_free(struct secret_tree *t);           /* NULL ok */
void secret_tree_freep(struct secret_tree **at);
uint32_t secret_tree_leaves(const struct secret_tree *t);

/* Our own next key for sending. */
MW_MUST_CHECK int secret_tree_next(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind,
                                   uint32_t *generation, struct message_key *out);
/* A received message's key.  It stays until secret_tree_used(), which the caller calls once the
 * message opened and its signature was good: a forged message must not burn a key nor move the
 * ratchet for good. */
MW_MUST_CHECK int secret_tree_key(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind,
                                  uint32_t generation, struct message_key *out);
/* Deletes the key, and moves the ratchet past it (9.2).  It never fails: should memory run out
 * in here, then the generations below that had not come yet are let go, never used twice. */
void secret_tree_used(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind,
                      uint32_t generation);
void message_key_wipe(struct message_key *k);

/* Sender data key and nonce for a ciphertext (6.3.2). */
MW_MUST_CHECK int sender_data_key(struct suited s, const struct secret *sender_data_secret,
                                  struct mw_span ciphertext, struct message_key *out);

/* Save and load; secret bytes: reserve `out` before, so that it does not grow, and wipe it after.
 * Reading stops behind the tree.  SECRET_TREE_E_MALFORMED, and r has failed: cut off, altered or
 * of another suite; a tree never takes more memory than a few times what was read. */
size_t secret_tree_size(const struct secret_tree *t);   /* bytes that _write() appends */
void secret_tree_write(const struct secret_tree *t, struct buf *out);
MW_MUST_CHECK int secret_tree_read(struct secret_tree **out, struct suited s, struct reader *r);

#endif
