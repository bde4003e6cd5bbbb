#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/join.h"

/* ---------------------------------------------------------------- who was a member ---- */

static int by_bytes(const void *a, const void *b)
{
    const struct credential *x = a, *y = b;

    return x->type != y->type ? (x->type < y->type ? -1 : 1) : span_cmp(x->body, y->body);
}

/* Whom it names.  What the application names is compared by that alone, whatever its type. */
static int name_of(const struct mw_mls_app *app, struct credential *c)
{
    struct mw_mls_credential who = { c->type, c->body };
    int e;

    if (app->name == NULL)
        return 0;
    c->type = 0;
    e = app->name(app->context, &who, &c->body);
    return e > 0 ? MW_MLS_E_REINIT : e;
}

/* The members' names in order. */
static int names_of(const struct tree *t, const struct mw_mls_app *app, struct credential **out,
                    size_t *count)
{
    struct credential *all = calloc(tree_members(t) + (size_t)1, sizeof(*all));
    size_t n = 0;
    int e = all == NULL ? -ENOMEM : 0;

    for (uint32_t i = tree_next(t, 0); i != TREE_NONE && e == 0; i = tree_next(t, i + 1)) {
        struct leaf_node leaf;

        if (!tree_leaf(t, i, &leaf))
            continue;
        all[n] = leaf.credential;
        e = name_of(app, &all[n++]);
    }
    if (e != 0) {
        free(all);
        return e;
    }
    qsort(all, n, sizeof(*all), by_bytes);
    *out = all;
    *count = n;
    return 0;
}

/* 11.2: everybody is there again.  11.3: nobody is there who was not.  Somebody is whom their
 * credential names, as often as it stood in the old group. */
static int check_members(const struct mw_mls_app *app, const struct tree *before,
                         const struct tree *after, bool everybody)
{
    CLEANUP(own_free) struct credential *old = NULL;
    CLEANUP(own_free) struct credential *new = NULL;
    size_t old_count, new_count, i = 0;
    int e = names_of(before, app, &old, &old_count);

    if (e == 0)
        e = names_of(after, app, &new, &new_count);
    if (e != 0)
        return e;
    if (everybody && old_count != new_count)
        return MW_MLS_E_REINIT;
    for (size_t k = 0; k < new_count; k++, i++) {
        while (i < old_count && by_bytes(&old[i], &new[k]) < 0)
            i++;
        if (i == old_count || by_bytes(&old[i], &new[k]) != 0)
            return MW_MLS_E_REINIT;
    }
    return 0;
}

static bool reinit_of(const struct mw_mls_group *old, struct reinit *out)
{
    struct reader r = { .rest = owned_span(old->reinit) };
    struct proposal p;

    proposal_read(&p, &r);
    if (!read_done(&r) || p.type != PROPOSAL_REINIT)
        return false;
    *out = p.reinit;
    return true;
}

bool succeed_promised(const struct mw_mls_group *old, struct mw_span group_id)
{
    struct reinit promised;

    return old->state == GROUP_CLOSED && reinit_of(old, &promised) &&
           span_eq(promised.group_id, group_id);
}

int succeed_check(const struct mw_mls_group *old, const struct psk_id *psk,
                  const struct mw_mls_app *app, const struct group_context *context,
                  const struct tree *tree)
{
    struct reinit promised;

    if (context->epoch != 1)            /* 11.2, 11.3: it comes with the first commit */
        return MW_MLS_E_REINIT;
    if (psk->usage == PSK_USE_REINIT) {
        /* 11.2: the PSK is of the epoch after the commit that closed it. */
        if (old->state != GROUP_CLOSED || !reinit_of(old, &promised) ||
            psk->epoch != group_context_of(&old->now).epoch)
            return MW_MLS_E_REINIT;
        if (context->version != promised.version || context->suite != promised.suite ||
            !span_eq(context->group_id, promised.group_id) ||
            !span_eq(context->extensions, promised.extensions))
            return MW_MLS_E_REINIT;
        return check_members(app, old->tree, tree, true);
    }
    if (context->version != MLS_VERSION || context->suite != old->s.suite->number)
        return MW_MLS_E_REINIT;
    return check_members(app, old->tree, tree, false);
}

/* ------------------------------------------------------------------------ founding ---- */

static int adds_of(const struct mw_span *key_packages, size_t count, struct mw_mls_proposal **out)
{
    struct mw_mls_proposal *adds = calloc(count > 0 ? count : 1, sizeof(*adds));

    if (adds == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        adds[i].type = MW_MLS_ADD;
        adds[i].key_package = key_packages[i];
    }
    *out = adds;
    return 0;
}

/* Creates the group that old promised, or a branch of it, with ourselves in it. */
static int found(struct mw_mls_group **out, const struct mw_mls_group *old,
                 const struct mw_mls_identity *who, struct mw_span group_id, struct mw_wall now)
{
    struct reinit promised;

    if (old->state != GROUP_CLOSED) {
        if (who->suite != old->s.suite->number)
            return MW_MLS_E_SUITE;      /* 11.3 */
        return mw_mls_create(out, &old->app, who, group_id,
                             group_context_of(&old->now).extensions, now);
    }
    if (!reinit_of(old, &promised))
        return MW_MLS_E_REINIT;
    if (who->suite != promised.suite)
        return MW_MLS_E_SUITE;
    if (group_id.len > 0 && !span_eq(group_id, promised.group_id))
        return MW_MLS_E_REINIT;
    return mw_mls_create(out, &old->app, who, promised.group_id, promised.extensions, now);
}

int mw_mls_succeed(struct mw_mls_group **out, struct mw_mls_group *old,
                   const struct mw_mls_identity *who, struct mw_span group_id,
                   const struct mw_span *key_packages, size_t count, struct mw_wall now,
                   struct mw_mls_committed *welcome)
{
    CLEANUP(group_freep) struct mw_mls_group *g = NULL;
    CLEANUP(own_free) struct mw_mls_proposal *adds = NULL;
    CLEANUP(mw_mls_committed_free) struct mw_mls_committed made = { 0 };
    struct founding founding = { .old = old };
    struct mw_mls_commit_options options = { .count = count };
    struct psk_id psk;
    struct group_context context;
    int e;

    if (old->state == GROUP_REMOVED)
        return MW_MLS_E_REMOVED;
    if (count > MW_MLS_PENDING_MAX)
        return MW_MLS_E_FULL;
    founding.usage = old->state == GROUP_CLOSED ? PSK_USE_REINIT : PSK_USE_BRANCH;
    e = found(&g, old, who, group_id, now);
    if (e == 0)
        e = adds_of(key_packages, count, &adds);
    options.proposals = adds;
    if (e == 0)
        e = commit_make(g, &options, &founding, now, &made);
    if (e == 0)
        e = mw_mls_merge(g);
    if (e != 0)
        return e;
    context = group_context_of(&g->now);
    psk = (struct psk_id){
        .type = PSK_RESUMPTION, .usage = founding.usage,
        .epoch = group_context_of(&old->now).epoch,
    };
    e = succeed_check(old, &psk, &g->app, &context, g->tree);
    if (e != 0)
        return e;
    *welcome = made;
    made = (struct mw_mls_committed){ 0 };
    *out = own_steal(&g);
    return 0;
}
