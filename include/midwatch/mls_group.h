/*
 * The group itself: made, joined, changed, used, saved.  Read midwatch/mls.h first.
 */
#ifndef MIDWATCH_MLS_GROUP_H
#define MIDWATCH_MLS_GROUP_H

#include <midwatch/mls.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mw_mls_group;

/* A group with one member (11).  extensions: of the group context, as they travel; none is fine. */
MW_API MW_MUST_CHECK int mw_mls_create(struct mw_mls_group **out, const struct mw_mls_app *app,
                                       const struct mw_mls_identity *who, struct mw_span group_id,
                                       struct mw_span extensions, struct mw_wall now);
MW_API void mw_mls_free(struct mw_mls_group *g);        /* NULL ok; wipes */

/* Joins by a Welcome (12.4.3.1).  tree: ratchet_tree as the extension has it, when the Welcome
 * does not carry it.  old: groups whose resumption PSKs it may name (reinit, branch), or none.
 * That its mw_mls_group_id() is not that of another group we are in (12.4.3.1) is yours to see.
 * Well: free kp, and forget what was saved of it, so that who steals it later cannot join (10). */
MW_API MW_MUST_CHECK int mw_mls_join(struct mw_mls_group **out, const struct mw_mls_app *app,
                                     const struct mw_mls_key_package *kp, struct mw_span welcome,
                                     struct mw_span tree, struct mw_mls_group *const *old,
                                     size_t old_count, struct mw_wall now);

/* Joins by an external commit (12.4.3.2), which is in *commit and is to be sent: the group is the
 * new epoch's already.  resync: take out the leaf that has our signature key.  psks: ids of
 * external PSKs to put in. */
MW_API MW_MUST_CHECK int mw_mls_join_external(struct mw_mls_group **out,
                                              const struct mw_mls_app *app,
                                              const struct mw_mls_identity *who,
                                              struct mw_span group_info, struct mw_span tree,
                                              bool resync, const struct mw_span *psks,
                                              size_t psks_count, struct mw_wall now,
                                              struct mw_mls_bytes *commit);

/* ------------------------------------------------------------------------ looking ---- */

MW_API struct mw_span mw_mls_group_id(const struct mw_mls_group *g);
MW_API uint64_t mw_mls_epoch(const struct mw_mls_group *g);
MW_API uint16_t mw_mls_suite(const struct mw_mls_group *g);
MW_API uint32_t mw_mls_own_leaf(const struct mw_mls_group *g);
MW_API uint32_t mw_mls_member_count(const struct mw_mls_group *g);
MW_API bool mw_mls_active(const struct mw_mls_group *g);        /* not removed, not reinited */
/* The member at the first leaf >= from; false: no more. */
MW_API bool mw_mls_member_next(const struct mw_mls_group *g, uint32_t from,
                               struct mw_mls_member *out);
/* What the last epoch changed, in order of application; spans live as long as the epoch.  Not
 * saved: none after mw_mls_load(). */
MW_API const struct mw_mls_change *mw_mls_changes(const struct mw_mls_group *g, size_t *count);
/* Equal for all members of an epoch, and for them only (8.7).  nh bytes, the group's. */
MW_API struct mw_span mw_mls_epoch_authenticator(const struct mw_mls_group *g);
MW_API struct mw_span mw_mls_context_extensions(const struct mw_mls_group *g);
/* MLS-Exporter (8.5): len at most 8,160. */
MW_API MW_MUST_CHECK int mw_mls_export(const struct mw_mls_group *g, const char *label,
                                       struct mw_span context, uint8_t *out, size_t len);
/* For external joins: an MLSMessage with the GroupInfo, with the tree in it or not. */
MW_API MW_MUST_CHECK int mw_mls_group_info(struct mw_mls_group *g, bool with_tree,
                                           struct mw_mls_bytes *out);
MW_API MW_MUST_CHECK int mw_mls_tree(const struct mw_mls_group *g, struct mw_mls_bytes *out);

/* ----------------------------------------------------------------------- changing ---- */

enum mw_mls_proposal_type {     /* 17.4 */
    MW_MLS_ADD = 1, MW_MLS_UPDATE, MW_MLS_REMOVE, MW_MLS_PRE_SHARED_KEY, MW_MLS_RE_INIT,
    MW_MLS_EXTERNAL_INIT, MW_MLS_CONTEXT_EXTENSIONS,
};

struct mw_mls_proposal {
    enum mw_mls_proposal_type type;
    struct mw_span key_package;         /* add: an MLSMessage or a KeyPackage                     */
    uint32_t leaf;                      /* remove                                                 */
    struct mw_span psk_id;              /* pre-shared key: external,                              */
    bool resumption;                    /* or the group's own resumption PSK of psk_epoch         */
    uint64_t psk_epoch;
    struct mw_span extensions;          /* context extensions, reinit: the list as it travels     */
    struct mw_span group_id;            /* reinit: the new group's                                */
    uint16_t suite;                     /* reinit                                                 */
    const struct mw_mls_identity *who;  /* update: NULL keeps signature key and credential        */
};

/* Proposes to the others: *message is to be sent.  We remember it as received. */
MW_API MW_MUST_CHECK int mw_mls_propose(struct mw_mls_group *g, const struct mw_mls_proposal *p,
                                        struct mw_wall now, struct mw_mls_bytes *message);

struct mw_mls_commit_options {
    const struct mw_mls_proposal *proposals;    /* by value, besides */
    size_t count;
    bool leave_out_received;    /* not what was received and is valid */
    bool no_path;               /* where 12.4 allows it: adds, PSKs and reinit alone */
    bool no_tree_in_welcome;    /* the application serves mw_mls_tree() itself */
    const struct mw_mls_identity *who;  /* NULL keeps signature key and credential */
    struct mw_span aad;         /* authenticated, readable by the relay */
};

struct mw_mls_committed {
    struct mw_mls_bytes commit;
    struct mw_mls_bytes welcome;        /* for everybody added; empty when nobody was */
    size_t left_out;                    /* received proposals that were not valid together */
};

/* Makes a commit and keeps the next epoch beside this one until mw_mls_merge() or mw_mls_drop():
 * only one commit of an epoch can be everybody's.  MW_MLS_E_TOO_BIG: of more proposals than
 * MW_MLS_COMMIT_MAX. */
MW_API MW_MUST_CHECK int mw_mls_commit(struct mw_mls_group *g,
                                       const struct mw_mls_commit_options *options,
                                       struct mw_wall now, struct mw_mls_committed *out);
MW_API MW_MUST_CHECK int mw_mls_merge(struct mw_mls_group *g);
MW_API void mw_mls_drop(struct mw_mls_group *g);
MW_API void mw_mls_committed_free(struct mw_mls_committed *c);

/* A new group out of this one with the same members (reinit, 11.2) or some (branch, 11.3): their
 * fresh key packages are added under this group's resumption PSK.  suite: of who.  A member is
 * the same when mw_mls_app.name() says so; MW_MLS_E_REINIT: not the members it must be. */
MW_API MW_MUST_CHECK int mw_mls_succeed(struct mw_mls_group **out, struct mw_mls_group *old,
                                        const struct mw_mls_identity *who, struct mw_span group_id,
                                        const struct mw_span *key_packages, size_t count,
                                        struct mw_wall now, struct mw_mls_committed *welcome);

/* -------------------------------------------------------------------------- using ---- */

/* Encrypts for the group.  aad: authenticated, readable by the relay. */
MW_API MW_MUST_CHECK int mw_mls_protect(struct mw_mls_group *g, struct mw_span data,
                                        struct mw_span aad, struct mw_mls_bytes *message);

enum mw_mls_event_kind {
    MW_MLS_GOT_DATA = 1, MW_MLS_GOT_PROPOSAL, MW_MLS_GOT_COMMIT,
    MW_MLS_GOT_REMOVED,         /* a commit that took us out: the group can only be freed */
    MW_MLS_GOT_REINIT,          /* a commit that closed the group: mw_mls_succeed() or join */
};

struct mw_mls_event {
    enum mw_mls_event_kind kind;
    enum mw_mls_sender sender;
    uint32_t sender_index;      /* a member's leaf, who joined by a commit included; an external
                                 * sender's number; 0 of who asks to join */
    uint64_t epoch;             /* that it was sent in */
    struct mw_span data, aad;   /* GOT_DATA; until the next call */
};

/* Takes a PublicMessage or PrivateMessage.  MW_MLS_E_PENDING: a commit, while one of ours waits.
 *
 * What was refused can be given again, when the application thinks otherwise or has what lacked.
 * A proposal that only we refuse (judge, allow, the clock) others may commit all the same:
 * MW_MLS_E_PROPOSAL_REFUSED by reference, MW_MLS_E_REFUSED and the like by value.  We are in the
 * old epoch then, and the others are not.  Either let it pass after all: change the answer, give
 * the proposal again if it was refused, then the commit.  Or free the group, and come back by
 * mw_mls_join_external() with resync, or not at all.  (After mw_mls_load() it is
 * MW_MLS_E_PROPOSAL_UNKNOWN: what was refused is not saved.)
 *
 * A commit of more proposals than MW_MLS_COMMIT_MAX, or from outside than two and
 * MW_MLS_PENDING_MAX, is MW_MLS_E_TOO_BIG.
 *
 * Of one sender's messages at most 1,024 are skipped at once (MW_MLS_E_TOO_FAR); keys of 1,024
 * that are late are kept for each sender, of 16,384 in an epoch.  None is derived for who is no
 * member. */
MW_API MW_MUST_CHECK int mw_mls_receive(struct mw_mls_group *g, struct mw_span message,
                                        struct mw_wall now, struct mw_mls_event *out);

/* Everything, sealed with a 32-byte key.  What is loaded must not be older than the last state
 * that sent something, or message keys are used twice: save before sending.  A pending commit is
 * saved too. */
MW_API MW_MUST_CHECK int mw_mls_save(const struct mw_mls_group *g, const uint8_t key[32],
                                     struct mw_mls_bytes *out);
MW_API MW_MUST_CHECK int mw_mls_load(struct mw_mls_group **out, const struct mw_mls_app *app,
                                     const uint8_t key[32], struct mw_span saved);

#ifdef __cplusplus
}
#endif

#endif
