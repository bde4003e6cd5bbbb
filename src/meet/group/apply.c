/*
 * A checked list of proposals applied to the tree and the group context (RFC 9420 12.3).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/list.h"

static int apply_one(struct listed *one, struct tree *t)
{
    switch (one->p.type) {
    case PROPOSAL_UPDATE:
        return tree_update(t, one->leaf, &one->p.update);
    case PROPOSAL_REMOVE:
        return tree_remove(t, one->leaf);
    default:
        return tree_add(t, &one->p.add.leaf, &one->leaf);
    }
}

int list_apply(struct proposal_list *l, struct tree *t, struct mw_span *extensions)
{
    /* 12.3: context extensions, then updates, removes and adds, each in the list's order. */
    static const uint16_t order[] = { PROPOSAL_UPDATE, PROPOSAL_REMOVE, PROPOSAL_ADD };
    const struct listed *changed = list_first(l, PROPOSAL_EXTENSIONS);
    int error = 0;

    if (changed != NULL)
        *extensions = changed->p.extensions;
    for (size_t k = 0; k < ARRAY_LEN(order) && error == 0; k++) {
        for (size_t i = 0; i < l->count && error == 0; i++) {
            if (l->all[i].p.type != order[k])
                continue;
            l->culprit = i;
            error = group_error_tree(apply_one(&l->all[i], t));
        }
    }
    return error;
}

int list_fits(struct proposal_list *l, const struct tree *t, struct suited s,
              struct mw_span extensions)
{
    struct mw_span asked = extensions;
    int error = 0;

    /* The context may ask for as much as fits in it: of each leaf only when not of all at once. */
    if (extensions_fit(t, s, extensions) == 0)
        asked = (struct mw_span){ NULL, 0 };
    for (size_t i = 0; i < l->count && error == 0; i++) {
        const struct proposal *p = &l->all[i].p;

        l->culprit = i;
        if (p->type == PROPOSAL_ADD)
            error = leaf_fits(t, &p->add.leaf, asked);
        else if (p->type == PROPOSAL_UPDATE)
            error = leaf_fits(t, &p->update, asked);
        else if (p->type == PROPOSAL_EXTENSIONS)        /* 12.1.7 */
            error = extensions_fit(t, s, extensions);
    }
    return error;
}

int list_psks(const struct proposal_list *l, const struct mw_mls_group *g,
              const struct mw_mls_group *old, struct psk_id **ids, size_t *count,
              struct secret *psk)
{
    const struct mw_mls_group *groups[2] = { g, old };
    struct psk_place at = {
        .app = &g->app, .s = g->s, .groups = groups, .groups_count = old != NULL ? 2 : 1,
    };
    CLEANUP(own_free) struct psk_id *made = calloc(l->count + 1, sizeof(*made));
    int error;

    *count = 0;
    if (made == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < l->count; i++)
        if (l->all[i].p.type == PROPOSAL_PSK)
            made[(*count)++] = l->all[i].p.psk;
    error = psk_gather(&at, made, *count, psk);
    if (error == 0)
        *ids = own_steal(&made);
    return error;
}
