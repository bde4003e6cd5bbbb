/*
 * The group's state, as the files of this folder share it, and what each of them does.
 *
 *     member.c    key packages, leaves of our own, identities        leaf.c      7.3, 10.1 checks
 *     proposals.c lists of proposals: gathered, checked (12.2)       apply.c     into tree, context
 *     commit.c    making a commit, merging or dropping it            follow.c    processing one
 *     receive.c   messages in, by kind and epoch                     send.c      messages out
 *     welcome.c   Welcomes made                                      join.c      and joined by
 *     external.c  external commits, senders, asking to join          succeed.c   reinit and branch
 *     psk.c       PSKs looked up and put together                    policy.c    the meeting's rules
 *     save.c      state sealed and loaded                            look.c      what is looked at
 *
 * How an epoch is made, by us or by them, without the group as it is being touched until the end:
 *
 *     tree_begin() -> proposals applied to the tree -> path -> struct next filled from the group
 *     -> confirmation tag made or compared -> tree_keep() and the group takes `next` over
 *     any failure: tree_undo(), next_free()
 *
 * A commit of our own waits for mw_mls_merge() as bytes and secrets (struct pending): the tree is
 * undone after making it, and merging follows our own commit as others do, with the secrets known.
 */
#ifndef MEET_GROUP_GROUP_H
#define MEET_GROUP_GROUP_H

#include <midwatch/mls_meeting.h>

#include "meet/frame/frame.h"
#include "meet/tree/kem.h"

#define GROUP_PAST_MAX        8         /* epochs whose messages are still read            */
#define GROUP_RESUMPTIONS     16        /* epochs whose resumption PSK is remembered       */
#define GROUP_CONTEXT_MAX     (1u << 20)/* bytes of group context extensions               */

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

/* A past epoch, only as much as reading its late messages takes. */
struct past {
    uint64_t epoch;
    struct owned context;
    struct secret *sender_data;                 /* secret_new */
    struct secret_tree *secrets;
    struct owned signature_keys;                /* vector<V> for each leaf; empty: blank */
};

struct resumption {
    uint64_t epoch;
    struct secret psk;
};

/* A proposal that was received, or made by us, and waits for its commit. */
struct waiting {
    struct waiting *next;
    struct sender sender;
    uint8_t reference[CRYPT_HASH_MAX];          /* nh bytes */
    struct owned bytes;                         /* the Proposal */
    struct secret *update_key;                  /* our own Update's new leaf private key, or NULL */
    struct owned update_signing_key;
};

/* What an epoch consists of; `next` while it is being made. */
struct epoch {
    struct owned context;                       /* GroupContext, encoded: parsed on demand */
    struct owned interim;                       /* interim transcript hash */
    struct owned confirmation_tag;
    struct epoch_keys *keys;
    struct tree_keys *tree_keys;
    struct secret_tree *secrets;
    struct mw_mls_change *changes;              /* with their bytes in change_bytes */
    size_t changes_count;
    struct owned change_bytes;
};

struct pending;                                 /* commit.c */

struct mw_mls_group {
    struct mw_mls_app app;
    struct suited s;
    struct tree *tree;
    struct epoch now;
    struct waiting *waiting;                    /* in order of arrival */
    size_t waiting_count;
    struct pending *pending;
    struct past *past[GROUP_PAST_MAX];          /* newest first */
    struct resumption *resumptions;             /* secret_new, GROUP_RESUMPTIONS, newest first */
    size_t resumptions_count;
    enum { GROUP_ACTIVE, GROUP_REMOVED, GROUP_CLOSED } state;
    struct owned reinit;                        /* the ReInit that closed it, as it travels */
};

/* The encoded context parsed; spans into it. */
struct group_context group_context_of(const struct epoch *e);
struct frame_keys group_frame_keys(struct mw_mls_group *g);
void epoch_free(struct epoch *e);

/* Errors of the layers below, as ours: 0 and -errno pass. */
int group_error_tree(int error);
int group_error_frame(int error);
int group_error_crypt(int error, enum mw_mls_error otherwise);

#endif
