/*
 * Processing somebody's commit (RFC 9420 12.4.2).  Nothing of the group changes until all of it
 * was found good.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/receive.h"
#include "meet/group/step.h"

struct following {
    struct step s;
    const struct authentic *a;
    struct commit c;
    struct mw_wall now;
    bool external;
    bool out;                   /* it removes us: its secrets are not for us to see */
};

static void following_deinit(struct following *f)
{
    step_deinit(&f->s);
}

static int follow_read(struct following *f)
{
    struct reader r = { .rest = f->a->content.content };

    commit_read(&f->c, &r);
    if (!read_done(&r))
        return MW_MLS_E_MALFORMED;
    if (!f->external)
        return step_member(&f->s, f->a->content.sender.index);
    /* 12.4.3.2: an external commit MUST have a path. */
    if (!f->c.has_path)
        return MW_MLS_E_PATH_MISSING;
    f->s.list.committer = f->a->content.sender;
    f->s.list.committer_key = f->c.path.leaf.signature_key;
    return 0;
}

/* 12.4.2: the list is valid, its PSKs are at hand, and there is a path where there must be one. */
static int follow_list(struct following *f)
{
    struct mw_mls_group *g = f->s.g;
    struct proposal_list *l = &f->s.list;
    int error = list_gather(l, g, f->c.proposals);

    if (error == 0)
        error = list_check(l, g, f->now);
    if (error == 0 && !f->c.has_path && list_needs_path(l))
        error = MW_MLS_E_PATH_MISSING;
    if (error == 0)
        error = changes_allowed(g, l, f->s.committer, f->c.has_path ? &f->c.path.leaf : NULL);
    if (error == 0)
        error = changes_make(&f->s.next, g->tree, l, f->s.committer,
                             f->c.has_path ? &f->c.path.leaf : NULL);
    return error;
}

static bool removes_us(const struct following *f)
{
    for (size_t i = 0; i < f->s.list.count; i++)
        if (f->s.list.all[i].p.type == PROPOSAL_REMOVE &&
            f->s.list.all[i].leaf == group_own_leaf(f->s.g))
            return true;
    return false;
}

/* We are out: every key goes.  What changed, and by whom, can still be looked at. */
static void follow_removed(struct following *f)
{
    struct mw_mls_group *g = f->s.g;
    struct epoch *e = &f->s.next;

    free(g->now.changes);
    owned_free(&g->now.change_bytes);
    g->now.changes = e->changes;
    g->now.changes_count = e->changes_count;
    g->now.change_bytes = e->change_bytes;
    e->changes = NULL;
    e->change_bytes = (struct owned){ 0 };
    secret_free(g->now.keys);
    g->now.keys = NULL;
    tree_keys_free(g->now.tree_keys);
    g->now.tree_keys = NULL;
    secret_tree_free(g->now.secrets);
    g->now.secrets = NULL;
    list_deinit(&f->s.list);
    group_forget_waiting(g);
    group_forget_past(g);
    secret_clear(g->resumptions, GROUP_RESUMPTIONS * sizeof(*g->resumptions));
    g->resumptions_count = 0;
    g->state = GROUP_REMOVED;
}

/* ---------------------------------------------------------------------------- the path ---- */

static int check_path_leaf(struct following *f, const struct leaf_node *before)
{
    struct mw_mls_group *g = f->s.g;
    struct leaf_place at = {
        .app = &g->app, .s = g->s, .group_id = mw_mls_group_id(g), .index = f->s.committer,
        .before = before, .now = f->now,
    };

    return leaf_check(&at, &f->c.path.leaf, LEAF_COMMIT);
}

/* The path's public part into the tree.  The leaf's place is part of what it signs: of who joins
 * it is known once it is there. */
static int merge_path(struct following *f, const struct leaf_node *former)
{
    struct tree *t = f->s.g->tree;
    int error;

    if (!f->external)
        return group_error_tree(path_merge(t, f->s.committer, &f->c.path));
    error = group_error_tree(path_merge_new(t, &f->c.path, &f->s.committer));
    return error != 0 ? error : check_path_leaf(f, former);
}

/* Leaves that this commit adds: nothing is encrypted to them (12.4.1). */
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

static int follow_path(struct following *f, const struct leaf_node *former)
{
    CLEANUP(buf_deinit) struct buf context = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(own_free) uint32_t *skip = NULL;
    struct mw_mls_group *g = f->s.g;
    size_t skips;
    int error = merge_path(f, former);

    if (error == 0)
        error = leaf_fits(g->tree, &f->c.path.leaf, f->s.extensions);
    if (f->out)
        return error;
    if (error == 0)
        error = step_context(&f->s, step_old_confirmed(&f->s), &context);
    if (error == 0)
        error = added(&f->s.list, &skip, &skips);
    if (error == 0)
        error = group_error_tree(path_open(f->s.next.tree_keys, g->tree, f->s.committer,
                                           &f->c.path, buf_span(&context), skip, skips,
                                           &f->s.commit));
    f->s.has_path = true;
    return error;
}

static int follow_tree(struct following *f)
{
    CLEANUP(owned_free) struct owned kept = { 0 };
    struct leaf_node former, old, *before = NULL;
    bool found = false;
    int error = 0;

    if (f->external) {
        error = step_former(&f->s, &kept, &former, &found);
        before = found ? &former : NULL;
    } else if (f->c.has_path && tree_leaf(f->s.g->tree, f->s.committer, &old)) {
        error = check_path_leaf(f, &old);
    }
    if (error == 0)
        error = step_begin(&f->s);
    if (error == 0)
        error = list_fits(&f->s.list, f->s.g->tree, f->s.g->s, f->s.extensions);
    if (error == 0 && f->c.has_path)
        error = follow_path(f, before);
    return error;
}

/* ---------------------------------------------------------------------------- the epoch ---- */

#define EXTERNAL_INIT_LABEL SPAN_LIT("MLS 1.0 external init secret")

/* 8.3: the init secret that an external commit brings. */
static int external_init(struct following *f, struct secret *out)
{
    const struct mw_mls_group *g = f->s.g;
    const struct listed *init = list_first(&f->s.list, PROPOSAL_EXTERNAL_INIT);
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
    int error = group_error_crypt(
        schedule_external(g->s, &g->now.keys->secrets.external, scalar, point), MW_MLS_E_KEY);

    out->len = g->s.suite->nh;
    if (error == 0)
        error = group_error_crypt(
            hpke_export_from(g->s.crypto, g->s.suite->hpke, span_of(scalar, g->s.suite->nsk),
                             span_of(point, g->s.suite->npk), init->p.kem_output,
                             (struct mw_span){ NULL, 0 }, EXTERNAL_INIT_LABEL, out->bytes,
                             out->len),
            MW_MLS_E_KEY);
    secret_clear(scalar, sizeof(scalar));
    return error;
}

static int follow_epoch(struct following *f)
{
    CLEANUP(secret_wipe) struct secret init = { 0 };
    struct step *s = &f->s;
    int error = list_psks(&s->list, s->g, NULL, &s->psks, &s->psks_count, &s->psk);

    if (error == 0 && f->external)
        error = external_init(f, &init);
    if (error == 0)
        error = step_secrets(s, f->a, f->external ? &init : NULL, NULL);
    if (error == 0)
        error = epoch_confirm(&s->next, s->g->s, f->a->auth.confirmation_tag);
    return error;
}

int follow_commit(struct mw_mls_group *g, const struct authentic *a, struct mw_wall now,
                  struct mw_mls_event *out)
{
    CLEANUP(following_deinit) struct following f = {
        .s = { .g = g, .committer = TREE_NONE },
        .a = a,
        .now = now,
        .external = a->content.sender.type == SENDER_NEW_COMMIT,
    };
    int error = 0;

    if (group_context_of(&g->now).epoch == UINT64_MAX)
        return MW_MLS_E_EXHAUSTED;
    error = follow_read(&f);
    if (error == 0)
        error = follow_list(&f);
    if (error != 0)
        return error;
    /* What throws us out is held to all that can be seen of it: the others will not follow a path
     * or a newcomer that is none, and we would be out alone. */
    f.out = removes_us(&f);
    error = follow_tree(&f);
    if (error == 0 && f.out) {
        changes_place(&f.s.next, &f.s.list, f.s.committer);
        out->sender_index = f.s.committer;
        follow_removed(&f);
        out->kind = MW_MLS_GOT_REMOVED;
        return 0;
    }
    if (error == 0)
        error = follow_epoch(&f);
    if (error == 0)
        error = step_ready(&f.s);
    if (error != 0)
        return error;
    changes_place(&f.s.next, &f.s.list, f.s.committer);
    tree_keys_prune(f.s.next.tree_keys, g->tree);
    out->sender_index = f.s.committer;
    step_take(&f.s);
    out->kind = g->state == GROUP_CLOSED ? MW_MLS_GOT_REINIT : MW_MLS_GOT_COMMIT;
    return 0;
}
