/*
 * What the files of this folder do for one another.  Each part names the file it is in.
 *
 * Errors:  0, -ENOMEM, -EIO, > 0 enum mw_mls_error.  A call that fails frees what it made.
 * Spans:   what a struct below lends is the caller's to keep until the call that takes it returns.
 */
#ifndef MEET_GROUP_STEPS_H
#define MEET_GROUP_STEPS_H

#include "meet/group/group.h"

/* ------------------------------------------------- group.c: a group put together of parts ---- */

/* Empty but for app, suite and an empty tree: mw_mls_free() frees whatever was put in.  A group is
 * whole with `tree`, `now.context`, `.interim`, `.confirmation_tag`, `.keys`, `.tree_keys` and
 * `.secrets`. */
MW_MUST_CHECK int group_new(struct mw_mls_group **out, const struct mw_mls_app *app,
                            uint16_t suite);
void group_freep(struct mw_mls_group **at);             /* for CLEANUP */

/* Fills keys->secrets and `secrets` of e for the context given, which e keeps a copy of; what is
 * only good once (encryption secret) is wiped.  leaves: tree_size().  e->keys is made when NULL.
 * psk: psk_gather()'s.  By a Welcome: the joiner secret is known. */
MW_MUST_CHECK int epoch_enter(struct epoch *e, struct suited s, struct mw_span context,
                              const struct secret *joiner, const struct secret *psk,
                              uint32_t leaves);
/* The same from the epoch before: init is its init secret, or the external init secret; commit is
 * the path's secret, or NULL for a commit without a path.  joiner: for Welcomes, or NULL. */
MW_MUST_CHECK int epoch_next(struct epoch *e, struct suited s, struct mw_span context,
                             const struct secret *init, const struct secret *commit,
                             const struct secret *psk, uint32_t leaves, struct secret *joiner);
/* After either: compares the confirmation tag (E_CONFIRMATION_TAG), or makes it.  Sets
 * confirmation_tag and interim. */
MW_MUST_CHECK int epoch_confirm(struct epoch *e, struct suited s, struct mw_span tag);
MW_MUST_CHECK int epoch_confirm_own(struct epoch *e, struct suited s);
/* Our signature private key of this epoch.  e->keys is there. */
MW_MUST_CHECK int epoch_set_signing_key(struct epoch *e, struct suited s, struct mw_span key);
struct mw_span epoch_signing_key(const struct epoch *e, struct suited s);

/* A GroupInfo (no MLSMessage around it) for epoch e and its tree, appended to out; signed by our
 * leaf with signing_key.  external_pub is always in it, ratchet_tree when with_tree. */
MW_MUST_CHECK int group_info_make(struct suited s, struct tree *tree, const struct epoch *e,
                                  uint32_t signer, struct mw_span signing_key, bool with_tree,
                                  struct buf *out);                             /* look.c */

/* -------------------------------------------------------- proposals.c: lists of proposals ---- */

struct listed {
    struct proposal p;                  /* borrowed: the commit's bytes, or the waiting one's */
    struct sender sender;               /* who proposed it: by value, the committer */
    const struct waiting *waiting;      /* where it waited; NULL: by value */
    uint32_t leaf;                      /* whom: update, remove; add: once it is applied */
};

struct proposal_list {                  /* in the commit's order */
    struct listed *all;
    size_t count;
    struct sender committer;            /* SENDER_MEMBER or SENDER_NEW_COMMIT */
    struct mw_span committer_key;       /* its signature key before the commit; new: its path's */
    uint8_t founding;                   /* PSK_USE_REINIT or _BRANCH: first commit of a successor */
    size_t culprit;                     /* entry that a check failed at; count: no single one */
};

/* A Proposal of p, appended to out, by anybody: all but Update.  The PSK's nonce is fresh. */
MW_MUST_CHECK int proposal_make(const struct mw_mls_app *app, struct suited s,
                                struct mw_span group_id, const struct mw_mls_proposal *p,
                                struct buf *out);

/* --------------------------------------------------------------- commit.c: making a commit ---- */

/* The first commit of a group that succeeds `old` holds old's resumption PSK (11.2, 11.3). */
struct founding {
    uint8_t usage;                      /* PSK_USE_REINIT or PSK_USE_BRANCH */
    const struct mw_mls_group *old;
};

/* mw_mls_commit(), with founding or NULL. */
MW_MUST_CHECK int commit_make(struct mw_mls_group *g, const struct mw_mls_commit_options *options,
                              const struct founding *founding, struct mw_wall now,
                              struct mw_mls_committed *out);
/* An external commit (12.4.3.2).  g: group_new() with tree and now.context, .interim (of the
 * GroupInfo); proposals: Proposals by value, one after another, ExternalInit among them; init: the
 * external init secret.  Well: g is whole and in the new epoch, *out is the PublicMessage. */
MW_MUST_CHECK int commit_external(struct mw_mls_group *g, const struct mw_mls_identity *who,
                                  struct mw_span proposals, const struct secret *init,
                                  struct mw_wall now, struct mw_mls_bytes *out);

/* --------------------------------------------------- leaf.c: is this leaf good (7.3, 10.1) ---- */

/* Where a leaf is to stand.  before: the leaf it takes the place of, or NULL. */
struct leaf_place {
    const struct mw_mls_app *app;
    struct suited s;
    struct mw_span group_id;
    uint32_t index;                     /* signed by update and commit leaves */
    const struct leaf_node *before;
    struct mw_wall now;
};

/* What can be said of a leaf alone: source, signature, its own capabilities and extensions, keys,
 * lifetime, the application's judge; E_KEY_SAME against `before`. */
MW_MUST_CHECK int leaf_check(const struct leaf_place *at, const struct leaf_node *leaf,
                             enum leaf_source source);
/* A key package (10.1): its version, suite, keys, signature, and its leaf with leaf_check(). */
MW_MUST_CHECK int key_package_check(const struct leaf_place *at, const struct key_package *kp);
/* What can be said once every proposal and path is applied: t has this leaf.  Required
 * capabilities, extensions of the context, credential types both ways.  extensions: of the new
 * GroupContext.  Looks at no other leaf one by one. */
MW_MUST_CHECK int leaf_fits(const struct tree *t, const struct leaf_node *leaf,
                            struct mw_span extensions);
/* The context's extensions are well formed (external_senders, required_capabilities, policy), and
 * every member of t supports them: E_EXTENSIONS. */
MW_MUST_CHECK int extensions_fit(const struct tree *t, struct suited s, struct mw_span extensions);

/* 5.3.1: external senders that come with the context `after`, unless they are those of `before`:
 * E_CREDENTIAL when the application's judge refuses one, E_EXTENSIONS when they do not parse. */
MW_MUST_CHECK int external_senders_judge(const struct leaf_place *at, struct mw_span before,
                                         struct mw_span after);

/* ------------------------------------------------------------- member.c: leaves of our own ---- */

struct leaf_wish {
    const struct leaf_node *old;        /* for what `who` leaves open: credential, capabilities, */
    const struct mw_mls_identity *who;  /* extensions; one of the two may be NULL              */
    enum leaf_source source;
    struct mw_span encryption_key;
    struct mw_wall not_before, not_after;       /* LEAF_KEY_PACKAGE */
    struct mw_span parent_hash;                 /* LEAF_COMMIT */
    struct mw_span group_id;                    /* LEAF_UPDATE, LEAF_COMMIT, */
    uint32_t index;                             /* with the leaf's index */
    struct mw_span signing_key;                 /* who's when there is a who */
};

/* The LeafNode, signed, appended to out.  E_KEY: signing_key is not signature_key's, E_SUITE: who
 * is of another. */
MW_MUST_CHECK int leaf_make(struct suited s, const struct leaf_wish *w, struct buf *out);

/* -------------------------------------------------------------------------- psk.c: PSKs ---- */

struct psk_place {
    const struct mw_mls_app *app;
    struct suited s;
    const struct mw_mls_group *const *groups;   /* whose resumption PSKs may be named */
    size_t groups_count;
};

/* psk_secret of PreSharedKeyIDs in their order (8.4); none: schedule_no_psk().  E_PSK_UNKNOWN.
 * Form, nonce and usage were checked before. */
MW_MUST_CHECK int psk_gather(const struct psk_place *at, const struct psk_id *ids, size_t n,
                             struct secret *out);

/* ------------------------------------------------------------- policy.c: a meeting's rules ---- */

/* One proposal, by the policy of g's context: what it may be, by whom, and who commits it
 * (committer_key none: not committed yet; what a host may still commit is fine). */
MW_MUST_CHECK int policy_check_one(const struct mw_mls_group *g, const struct listed *one,
                                   const struct sender *committer, struct mw_span committer_key);
/* An Add that no host proposed: it counts when a host commits it, so that whoever commits must
 * have been asked. */
bool policy_asks(const struct mw_mls_group *g, const struct listed *one);
/* All of them with policy_check_one(), and what the list must hold (the link's PSK). */
MW_MUST_CHECK int policy_check(const struct mw_mls_group *g, struct proposal_list *l);

/* ------------------------------------------------------------------ welcome.c: a Welcome ---- */

struct welcome_wish {
    const struct mw_mls_group *g;       /* of the epoch before */
    const struct proposal_list *list;   /* applied: adds have their leaf */
    struct tree *tree;                  /* of the new epoch */
    const struct epoch *next;           /* confirmed; its keys hold the new signing key */
    const struct path_maker *path;      /* NULL: no path */
    uint32_t signer;
    const struct secret *joiner, *psk;
    const struct psk_id *psks;          /* in order */
    size_t psks_count;
    bool with_tree;
};

/* An MLSMessage with the Welcome for every Add of the list, appended to out (12.4.3.1). */
MW_MUST_CHECK int welcome_make(const struct welcome_wish *w, struct buf *out);

#endif
