/*
 * Our own commit taken over or dropped, once the order of commits is settled.
 */
#include <errno.h>

#include "meet/group/step.h"

static void merging_deinit(struct step *s)
{
    step_deinit(s);
}

/* What we made, applied again: it was checked when it was made, and nothing that it stands on can
 * have changed since. */
static int merge_tree(struct step *s, const struct commit *c)
{
    struct mw_mls_group *g = s->g;
    uint8_t hash[CRYPT_HASH_MAX];
    int error = step_member(s, group_own_leaf(g));

    if (error == 0)
        error = list_gather(&s->list, g, c->proposals);
    if (error == 0)
        error = changes_make(&s->next, g->tree, &s->list, s->committer,
                             c->has_path ? &c->path.leaf : NULL);
    if (error == 0)
        error = step_begin(s);
    if (error == 0 && c->has_path)
        error = group_error_tree(path_merge(g->tree, s->committer, &c->path));
    if (error == 0)
        error = group_error_tree(tree_hash(g->tree, tree_root(g->tree), hash));
    if (error == 0 && !span_eq(span_of(hash, g->s.suite->nh),
                               group_context_of(&g->pending->next).tree_hash))
        error = MW_MLS_E_TREE_HASH;
    return error;
}

/* The secrets that were kept take the place of what step_begin() copied of ours. */
static void merge_epoch(struct step *s)
{
    struct epoch *kept = &s->g->pending->next, made = s->next;

    kept->changes = made.changes;
    kept->changes_count = made.changes_count;
    kept->change_bytes = made.change_bytes;
    kept->replaced = made.replaced;
    kept->replaced_count = made.replaced_count;
    made.changes = NULL;
    made.change_bytes = (struct owned){ 0 };
    made.replaced = NULL;
    made.replaced_count = 0;
    s->next = *kept;
    *kept = (struct epoch){ 0 };
    epoch_free(&made);
}

int mw_mls_merge(struct mw_mls_group *g)
{
    CLEANUP(merging_deinit) struct step s = { .g = g, .committer = TREE_NONE };
    struct commit c;
    struct reader r;
    int error;

    if (g->pending == NULL)
        return MW_MLS_E_NOT_PENDING;
    r = (struct reader){ .rest = owned_span(g->pending->commit) };
    commit_read(&c, &r);
    if (!read_done(&r))
        return MW_MLS_E_MALFORMED;
    error = merge_tree(&s, &c);
    if (error == 0)
        error = step_ready(&s);
    if (error != 0)
        return error;
    changes_place(&s.next, &s.list, s.committer);
    merge_epoch(&s);
    step_take(&s);
    mw_mls_drop(g);
    return 0;
}

void mw_mls_drop(struct mw_mls_group *g)
{
    pending_free(g->pending);
    g->pending = NULL;
}
