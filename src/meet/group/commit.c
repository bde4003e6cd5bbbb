/*
 * Making a commit (RFC 9420 12.4.1), merging or dropping it.
 *
 * What is made waits beside the epoch it was made in: the tree is put back, the next epoch's
 * secrets and the commit's bytes are kept.  Merging applies those bytes again, which costs hashes
 * and no public-key operation.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/commit.h"
#include "meet/group/receive.h"

#define REFUSALS_MAX 16         /* received proposals left out one by one, before many are */

void making_deinit(struct making *m)
{
    path_maker_free(m->path);
    m->path = NULL;
    step_deinit(&m->s);
    buf_deinit(&m->by_value);
    buf_deinit(&m->leaf);
    buf_deinit(&m->commit);
    buf_deinit(&m->welcome);
    secret_wipe(&m->joiner);
}

/* ------------------------------------------------------------------- what goes in ---- */

static int by_value(struct making *m, const struct mw_mls_commit_options *o,
                    const struct founding *founding)
{
    struct mw_mls_group *g = m->s.g;
    int error = 0;

    for (size_t i = 0; i < o->count && error == 0; i++)
        /* 12.2: a committer's own Update is its path. */
        error = o->proposals[i].type == MW_MLS_UPDATE
                    ? MW_MLS_E_PROPOSAL_COMMITTER
                    : proposal_make(&g->app, g->s, mw_mls_group_id(g), &o->proposals[i],
                                    &m->by_value);
    if (error == 0 && founding != NULL) {
        uint8_t nonce[CRYPT_HASH_MAX];
        struct group_context old = group_context_of(&founding->old->now);
        struct proposal p = {
            .type = PROPOSAL_PSK,
            .psk = {
                .type = PSK_RESUMPTION, .usage = founding->usage, .group_id = old.group_id,
                .epoch = old.epoch, .nonce = span_of(nonce, g->s.suite->nh),
            },
        };

        error = g->app.random.fill(g->app.random.context, nonce, g->s.suite->nh);
        proposal_write(&m->by_value, &p);
    }
    return error != 0 ? error : buf_error(&m->by_value);
}

/* Checked, and applied to the tree. */
static int attempt(struct making *m)
{
    struct step *s = &m->s;
    struct mw_mls_group *g = s->g;
    int error = list_check(&s->list, g, m->now);

    if (error == 0)
        error = changes_allowed(g, &s->list, s->committer, NULL);
    if (error == 0)
        error = step_begin(s);
    if (error == 0)
        error = list_fits(&s->list, g->tree, g->s, s->extensions);
    if (error == 0)
        return 0;
    if (s->begun)
        tree_undo(g->tree);
    s->begun = false;
    epoch_free(&s->next);
    return error;
}

/* By-value proposals must hold; of what waited, whatever makes the list invalid stays out. */
int making_list(struct making *m, bool waiting)
{
    struct step *s = &m->s;
    size_t refusals = 0;
    int error = list_collect(&s->list, s->g, buf_span(&m->by_value), waiting, &m->left_out);

    if (error == 0 && m->removes_only)
        list_keep_removes(&s->list, &m->left_out);
    while (error == 0) {
        error = attempt(m);
        if (error <= 0)
            return error;
        if (refusals++ < REFUSALS_MAX && list_drop_culprit(&s->list)) {
            m->left_out++;
            error = 0;
        } else if (list_give_way(&s->list, &m->left_out)) {
            error = 0;
        }
    }
    return error;
}

/* -------------------------------------------------------------------------- the path ---- */

static int make_leaf(struct making *m, const struct leaf_node *old, struct leaf_node *leaf)
{
    struct mw_mls_group *g = m->s.g;
    struct leaf_wish wish = {
        .old = old,
        .who = m->who,
        .source = LEAF_COMMIT,
        .encryption_key = path_maker_leaf_key(m->path),
        .parent_hash = path_maker_parent_hash(m->path),
        .group_id = mw_mls_group_id(g),
        .index = m->s.committer,
        .signing_key = m->who != NULL ? m->who->signing_key : epoch_signing_key(&g->now, g->s),
    };
    struct reader r;
    int error = leaf_make(g->s, &wish, &m->leaf);

    if (error != 0)
        return error;
    r = (struct reader){ .rest = buf_span(&m->leaf) };
    leaf_node_read(leaf, &r);
    return read_done(&r) ? 0 : MW_MLS_E_MALFORMED;
}

/* A leaf that says something new is held to what the others will hold it to. */
static int check_leaf(struct making *m, const struct leaf_node *before,
                      const struct leaf_node *leaf)
{
    struct mw_mls_group *g = m->s.g;
    struct leaf_place at = {
        .app = &g->app, .s = g->s, .group_id = mw_mls_group_id(g), .index = m->s.committer,
        .before = before, .now = m->now,
    };
    int error = m->who == NULL ? 0 : leaf_check(&at, leaf, LEAF_COMMIT);

    return error == 0 && m->who != NULL ? leaf_fits(g->tree, leaf, m->s.extensions) : error;
}

/* before: the leaf that ours takes the place of, as copied before the tree changed; NULL: none. */
int making_path(struct making *m, const struct leaf_node *before, struct update_path *path)
{
    struct mw_mls_group *g = m->s.g;
    struct leaf_node leaf;
    int error = group_error_tree(
        path_derive(&m->path, g->tree, m->s.next.tree_keys, g->app.random));

    if (error == 0)
        error = make_leaf(m, before, &leaf);
    if (error == 0)
        error = group_error_tree(tree_set_leaf(g->tree, m->s.committer, &leaf));
    if (error == 0)
        error = check_leaf(m, before, &leaf);
    if (error == 0 && m->who != NULL)
        error = epoch_set_signing_key(&m->s.next, g->s, m->who->signing_key);
    if (error != 0)
        return error;
    m->s.commit = *path_maker_commit_secret(m->path);
    m->s.has_path = true;
    path->leaf = leaf;
    return 0;
}

static int added(const struct proposal_list *l, uint32_t **out, size_t *count)
{
    uint32_t *all = calloc(l->count + 1, sizeof(*all));

    *count = 0;
    *out = all;
    if (all == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < l->count; i++)
        if (l->all[i].p.type == PROPOSAL_ADD)
            all[(*count)++] = l->all[i].leaf;
    return 0;
}

static int seal_path(struct making *m, struct buf *nodes)
{
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(own_free) uint32_t *skip = NULL;
    struct mw_mls_group *g = m->s.g;
    size_t skips;
    int error = step_context(&m->s, step_old_confirmed(&m->s), &context);

    if (error == 0)
        error = added(&m->s.list, &skip, &skips);
    if (error == 0)
        error = group_error_tree(path_seal(m->path, g->tree, g->app.random, buf_span(&context),
                                           skip, skips, nodes));
    return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
}

/* ---------------------------------------------------------------------- the content ---- */

static void write_proposals(const struct making *m, struct buf *out)
{
    for (size_t i = 0; i < m->s.list.count; i++) {
        const struct listed *one = &m->s.list.all[i];
        struct proposal_or_ref v = {
            .by_reference = one->waiting != NULL,
            .proposal = one->p,
        };

        if (v.by_reference)
            v.reference = span_of(one->waiting->reference, m->s.g->s.suite->nh);
        proposal_or_ref_write(out, &v);
    }
}

/* path: NULL for none; its leaf is there, its nodes are made. */
int making_write(struct making *m, struct update_path *path)
{
    CLEANUP(buf_deinit) struct buf proposals = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf nodes = BUF_INIT(MW_MLS_BYTES_MAX);
    struct commit c = { .has_path = path != NULL };
    int error = 0;

    write_proposals(m, &proposals);
    if (path != NULL) {
        error = seal_path(m, &nodes);
        path->nodes = buf_span(&nodes);
        c.path = *path;
    }
    if (error == 0)
        error = buf_error(&proposals) != 0 ? buf_error(&proposals) : buf_error(&nodes);
    if (error == 0) {
        c.proposals = buf_span(&proposals);
        commit_write(&m->commit, &c);
        error = buf_error(&m->commit);
    }
    return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
}

int making_secrets(struct making *m, const struct mw_mls_group *old, const struct secret *init)
{
    struct step *s = &m->s;
    int error = list_psks(&s->list, s->g, old, &s->psks, &s->psks_count, &s->psk);

    if (error == 0)
        error = step_secrets(s, &m->a, init, &m->joiner);
    if (error == 0)
        error = epoch_confirm_own(&s->next, s->g->s);
    if (error == 0)
        m->a.auth.confirmation_tag = owned_span(s->next.confirmation_tag);
    return error;
}

/* ------------------------------------------------------------------ a member's commit ---- */

static int make_welcome(struct making *m, const struct mw_mls_commit_options *o)
{
    struct welcome_wish wish = {
        .g = m->s.g, .list = &m->s.list, .tree = m->s.g->tree, .next = &m->s.next,
        .path = m->path, .signer = m->s.committer, .joiner = &m->joiner, .psk = &m->s.psk,
        .psks = m->s.psks, .psks_count = m->s.psks_count, .with_tree = !o->no_tree_in_welcome,
    };
    int error;

    if (list_first(&m->s.list, PROPOSAL_ADD) == NULL)
        return 0;
    error = welcome_make(&wish, &m->welcome);
    return error == -EMSGSIZE ? MW_MLS_E_TOO_BIG : error;
}

static int make_list(struct making *m, const struct mw_mls_commit_options *o,
                     const struct founding *founding, bool *path)
{
    int error = step_member(&m->s, group_own_leaf(m->s.g));

    if (error == 0)
        error = by_value(m, o, founding);
    m->s.list.founding = founding != NULL ? founding->usage : 0;
    if (error == 0)
        error = making_list(m, !o->leave_out_received);
    if (error != 0)
        return error;
    *path = !o->no_path || list_needs_path(&m->s.list);
    return o->no_path && m->s.list.count == 0 ? MW_MLS_E_NO_CHANGE : 0;
}

/* Our leaf as it is, copied: the tree that lends it is about to change. */
static int own_leaf(struct mw_mls_group *g, struct buf *kept, struct leaf_node *out)
{
    struct leaf_node v;
    struct reader r;

    if (!tree_leaf(g->tree, group_own_leaf(g), &v))
        return MW_MLS_E_SENDER;
    leaf_node_write(kept, &v);
    r = (struct reader){ .rest = buf_span(kept) };
    leaf_node_read(out, &r);
    return buf_error(kept);
}

static int make(struct making *m, const struct mw_mls_commit_options *o,
                const struct founding *founding)
{
    CLEANUP(buf_deinit) struct buf kept = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_mls_group *g = m->s.g;
    struct update_path path = { 0 };
    struct leaf_node before;
    bool with_path = false;
    int error = make_list(m, o, founding, &with_path);

    if (error == 0 && with_path) {
        error = own_leaf(g, &kept, &before);
        if (error == 0)
            error = making_path(m, &before, &path);
    }
    if (error == 0)
        error = making_write(m, with_path ? &path : NULL);
    if (error == 0)
        error = send_sign(g, &m->a, CONTENT_COMMIT, buf_span(&m->commit), o->aad, m->signature);
    if (error == 0)
        error = making_secrets(m, founding != NULL ? founding->old : NULL, NULL);
    return error != 0 ? error : make_welcome(m, o);
}

/* What waits may be good, and together too long for a commit or a Welcome.  Nobody could commit
 * then: it waits for all. */
static int make_shorter(struct making *m, const struct mw_mls_commit_options *o,
                        const struct founding *founding)
{
    struct making again = MAKING_INIT(m->s.g, m->who, m->now);

    making_deinit(m);
    *m = again;
    m->removes_only = true;
    return make(m, o, founding);
}

/* What was made, beside the epoch it was made in. */
static int keep_pending(struct making *m)
{
    struct pending *p = calloc(1, sizeof(*p));
    int error;

    if (p == NULL)
        return -ENOMEM;
    error = owned_set(&p->commit, buf_span(&m->commit));
    if (error != 0) {
        pending_free(p);
        return error;
    }
    tree_keys_prune(m->s.next.tree_keys, m->s.g->tree);
    p->next = m->s.next;
    m->s.next = (struct epoch){ 0 };
    m->s.g->pending = p;
    return 0;
}

int commit_make(struct mw_mls_group *g, const struct mw_mls_commit_options *options,
                const struct founding *founding, struct mw_wall now, struct mw_mls_committed *out)
{
    CLEANUP(making_deinit) struct making m = MAKING_INIT(g, options->who, now);
    struct mw_mls_committed made = { 0 };
    int error = group_check_active(g);

    if (error == 0 && g->pending != NULL)
        error = MW_MLS_E_PENDING;
    if (error == 0 && group_context_of(&g->now).epoch == UINT64_MAX)
        error = MW_MLS_E_EXHAUSTED;
    if (error == 0 && options->aad.len > MW_MLS_BYTES_MAX)
        error = MW_MLS_E_TOO_BIG;
    if (error == 0)
        error = make(&m, options, founding);
    if (error == MW_MLS_E_TOO_BIG && !options->leave_out_received && g->waiting != NULL)
        error = make_shorter(&m, options, founding);
    if (error == 0)
        error = bytes_take(&m.welcome, &made.welcome);
    if (error == 0)
        error = send_frame(g, &m.a, &made.commit);
    if (error == 0)
        error = keep_pending(&m);
    if (error != 0) {
        mw_mls_committed_free(&made);
        return error;
    }
    *out = made;
    out->left_out = m.left_out;
    return 0;
}

int mw_mls_commit(struct mw_mls_group *g, const struct mw_mls_commit_options *options,
                  struct mw_wall now, struct mw_mls_committed *out)
{
    return commit_make(g, options, NULL, now, out);
}
