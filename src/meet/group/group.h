/*
 * The group's state, as the files of this folder share it, and what each of them does.
 *
 *     member.c    key packages, leaves of our own, identities        leaf.c      7.3, 10.1 checks
 *     proposals.c lists of proposals: gathered, checked (12.2)       apply.c     into tree, context
 *     commit.c    making a commit, merging or dropping it            follow.c    processing one
 *     receive.c   messages in, by kind and epoch                     send.c      messages out
 *     welcome.c   Welcomes made                                      join.c      and joined by
 *     external.c  external commits, senders, asking to join          succeed.c   reinit and branch
 *     psk.c       PSKs looked up and put together                    policy.c    a meeting's rules
 *     save.c      state sealed and loaded                            look.c      what is looked at
 *     group.c     made, freed; an epoch's secrets                    error.c     errors in words
 *
 * How an epoch is made, by us or by them, without the group as it is being touched until the end:
 *
 *     tree_begin() -> proposals applied to the tree -> path -> struct next filled from the group
 *     -> confirmation tag made or compared -> tree_keep() and the group takes `next` over
 *     any failure: tree_undo(), next_free()
 *
 * A commit of our own waits for mw_mls_merge() as bytes and secrets (struct pending): the tree is
 * undone after making it, and merging applies it again, with the next epoch's secrets known.
 */
#ifndef MEET_GROUP_GROUP_H
#define MEET_GROUP_GROUP_H

#include <midwatch/mls_meeting.h>

#include "meet/frame/frame.h"
#include "meet/tree/kem.h"

#define GROUP_PAST_MAX        8         /* epochs whose messages are still read            */
#define GROUP_RESUMPTIONS     16        /* epochs whose resumption PSK is remembered       */
#define GROUP_CONTEXT_MAX     (1u << 20)/* bytes of group context extensions               */
#define GROUP_REFUSED         64        /* proposals of an epoch known to have been refused */
#define GROUP_WAITING_MAX     (64u << 20)/* bytes of all proposals that wait               */

/* Owned bytes that never change once set; {NULL, 0} is none. */
struct owned {
    uint8_t *data;
    size_t len;
};

MW_MUST_CHECK int owned_set(struct owned *o, struct mw_span bytes);
void owned_free(struct owned *o);       /* wipes */
static inline struct mw_span owned_span(struct owned o)
{
    return (struct mw_span){ o.data, o.len };
}

/* The secrets of one epoch, in locked memory (secret_new). */
struct epoch_keys {
    struct epoch_secrets secrets;
    uint8_t signing_key[CRYPT_SCALAR_MAX];      /* ours, crypt_signing_key_size() of it */
};

/* A leaf's signature key before a commit changed it; empty: it was blank. */
struct replaced {
    uint32_t leaf;
    struct owned signature_key;
};

/* A past epoch, only as much as reading its late messages takes.  A leaf's key in it is what this
 * epoch's `replaced` says, else the next newer one's, and so on, else what the tree has now. */
struct past {
    uint64_t epoch;
    struct owned context;
    struct secret *sender_data;                 /* secret_new: begins a block, perhaps longer */
    struct secret_tree *secrets;
    struct replaced *replaced;                  /* by the commit that ended it */
    size_t replaced_count;
};

struct resumption {
    uint64_t epoch;
    struct secret psk;
};

/* A proposal that was received, or made by us, and waits for its commit.  It was checked by
 * itself (12.1). */
struct waiting {
    struct waiting *next;
    struct sender sender;
    uint8_t reference[CRYPT_HASH_MAX];          /* nh bytes */
    struct owned bytes;                         /* the Proposal */
    struct owned_keys *update_keys;             /* secret_new; our own Update's, or NULL */
};

/* The private keys of an Update that we proposed. */
struct owned_keys {
    uint8_t leaf[CRYPT_SCALAR_MAX];             /* nsk bytes */
    uint8_t signing_key[CRYPT_SCALAR_MAX];      /* crypt_signing_key_size() */
};

/* What an epoch consists of; `next` while it is being made. */
struct epoch {
    struct owned context;                       /* GroupContext, encoded: parsed on demand */
    struct owned interim;                       /* interim transcript hash */
    struct owned confirmation_tag;
    struct epoch_keys *keys;                    /* secret_new */
    struct tree_keys *tree_keys;
    struct secret_tree *secrets;
    struct mw_mls_change *changes;              /* with their bytes in change_bytes; not saved */
    size_t changes_count;
    struct owned change_bytes;
    struct replaced *replaced;                  /* what the epoch before had; taken by its past */
    size_t replaced_count;
};

/* A commit of ours that waits for mw_mls_merge(). */
struct pending {
    struct owned commit;                        /* the Commit, as its content has it */
    struct epoch next;                          /* whole but for changes and replaced: not saved */
};

struct mw_mls_group {
    struct mw_mls_app app;
    struct suited s;
    struct tree *tree;
    struct epoch now;
    struct waiting *waiting;                    /* in order of arrival */
    size_t waiting_count, waiting_bytes;
    uint8_t refused[GROUP_REFUSED][CRYPT_HASH_MAX];     /* the latest of this epoch; not saved */
    size_t refused_count;                       /* ever: goes round */
    struct pending *pending;                    /* NULL: none */
    struct past *past[GROUP_PAST_MAX];          /* newest first; NULL: none */
    struct resumption *resumptions;             /* secret_new, GROUP_RESUMPTIONS, newest first: */
    size_t resumptions_count;                   /* of epochs before the one we are in */
    enum group_state { GROUP_ACTIVE, GROUP_REMOVED, GROUP_CLOSED } state;
    struct owned reinit;                        /* the ReInit that closed it: Proposal's bytes */
    struct buf plain;                           /* of the last message; wiped; not saved */
    struct owned aad;
};

/* The encoded context parsed; spans into it. */
struct group_context group_context_of(const struct epoch *e);
struct frame_keys group_frame_keys(struct mw_mls_group *g);
/* TREE_NONE: we were removed. */
static inline uint32_t group_own_leaf(const struct mw_mls_group *g)
{
    return g->now.tree_keys != NULL ? tree_keys_leaf(g->now.tree_keys) : TREE_NONE;
}
void epoch_free(struct epoch *e);
void past_free(struct past *p);                 /* NULL ok */
void waiting_free(struct waiting *w);           /* one; NULL ok */
void pending_free(struct pending *p);           /* NULL ok */
void group_forget_waiting(struct mw_mls_group *g);
void group_forget_past(struct mw_mls_group *g);

/* What a buf holds is the caller's from now on: E_TOO_BIG when it was over its maximum. */
MW_MUST_CHECK int bytes_take(struct buf *b, struct mw_mls_bytes *out);

/* Errors of the layers below, as ours: 0 and -errno pass. */
int group_error_tree(int error);
int group_error_frame(int error);
int group_error_crypt(int error, enum mw_mls_error otherwise);

#endif
