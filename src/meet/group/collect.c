/*
 * What a commit of ours takes.  Of proposals that contradict each other one is left: what is given
 * by value first, a Remove before an Update, the latest Update, the first of all else (RFC 9420
 * 12.2 asks for the first two and the fourth; the others are free).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/group/list.h"
#include "meet/group/twice.h"

enum { RANK_VALUE, RANK_REMOVE, RANK_OTHER };

/* What is thought of each entry while the list is put together. */
struct collecting {
    struct proposal_list *l;
    struct keyed *keys;
    bool *out;
};

static bool by_value(const struct collecting *c, size_t i)
{
    return c->l->all[i].waiting == NULL;
}

/* Later ones first among what waits. */
static uint32_t rank_latest(const struct collecting *c, size_t i)
{
    return by_value(c, i) ? RANK_VALUE : RANK_OTHER + (uint32_t)(c->l->count - i);
}

static uint32_t rank_first(const struct collecting *c, size_t i)
{
    return by_value(c, i) ? RANK_VALUE : RANK_OTHER;
}

static void add_key(struct collecting *c, size_t *n, struct mw_span key, uint32_t rank, size_t at)
{
    c->keys[(*n)++] = (struct keyed){ .key = key, .rank = rank, .at = at };
}

/* By value is never left out: contradictions among those are the caller's to hear of. */
static void mark(struct collecting *c, size_t n)
{
    keyed_mark(c->keys, n, c->out);
    for (size_t i = 0; i < c->l->count; i++)
        if (by_value(c, i))
            c->out[i] = false;
}

static void mark_leaves(struct collecting *c)
{
    uint32_t committer = c->l->committer.index;
    size_t n = 0;

    for (size_t i = 0; i < c->l->count; i++) {
        const struct listed *one = &c->l->all[i];
        uint16_t type = one->p.type;

        if (type != PROPOSAL_UPDATE && type != PROPOSAL_REMOVE)
            continue;
        /* Our own Update is the path's, and we do not remove ourselves. */
        if (one->leaf == committer && !by_value(c, i))
            c->out[i] = true;
        else
            add_key(c, &n, span_of(&one->leaf, sizeof(one->leaf)),
                    type == PROPOSAL_REMOVE && !by_value(c, i) ? RANK_REMOVE : rank_latest(c, i),
                    i);
    }
    mark(c, n);
}

static void mark_psks(struct collecting *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->l->count; i++)
        if (c->l->all[i].p.type == PROPOSAL_PSK)
            add_key(c, &n, c->l->all[i].p.wire, rank_first(c, i), i);
    mark(c, n);
}

static void mark_extensions(struct collecting *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->l->count; i++)
        if (c->l->all[i].p.type == PROPOSAL_EXTENSIONS)
            add_key(c, &n, SPAN_LIT("one"), rank_latest(c, i), i);
    mark(c, n);
}

static void mark_adds(struct collecting *c, bool encryption)
{
    size_t n = 0;

    for (size_t i = 0; i < c->l->count; i++) {
        const struct leaf_node *leaf = &c->l->all[i].p.add.leaf;

        if (c->l->all[i].p.type == PROPOSAL_ADD && !c->out[i])
            add_key(c, &n, encryption ? leaf->encryption_key : leaf->signature_key,
                    rank_first(c, i), i);
    }
    mark(c, n);
}

static int by_leaf(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Adds of somebody who is in already, and stays (12.2). */
static int mark_members(struct collecting *c, const struct tree *t)
{
    CLEANUP(own_free) uint32_t *leaving = calloc(c->l->count + 1, sizeof(*leaving));
    size_t n = 0;

    if (leaving == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < c->l->count; i++)
        if (!c->out[i] && c->l->all[i].leaf != TREE_NONE)
            leaving[n++] = c->l->all[i].leaf;
    qsort(leaving, n, sizeof(*leaving), by_leaf);
    for (size_t i = 0; i < c->l->count; i++) {
        const struct listed *one = &c->l->all[i];
        uint32_t leaf;

        if (one->p.type != PROPOSAL_ADD || by_value(c, i))
            continue;
        leaf = tree_find_signature_key(t, one->p.add.leaf.signature_key);
        if (leaf != TREE_NONE && bsearch(&leaf, leaving, n, sizeof(leaf), by_leaf) == NULL)
            c->out[i] = true;
    }
    return 0;
}

/* 12.2: other proposals SHOULD be preferred to a ReInit, which stands alone. */
static void mark_reinits(struct collecting *c)
{
    size_t others = 0, first = SIZE_MAX;

    for (size_t i = 0; i < c->l->count; i++) {
        bool reinit = c->l->all[i].p.type == PROPOSAL_REINIT;

        others += (!reinit || by_value(c, i)) && !c->out[i];
        if (reinit && first == SIZE_MAX && !by_value(c, i))
            first = i;
    }
    for (size_t i = 0; i < c->l->count; i++)
        if (c->l->all[i].p.type == PROPOSAL_REINIT && !by_value(c, i))
            c->out[i] = others > 0 || i != first;
    if (list_count(c->l, PROPOSAL_REINIT) == 0)
        return;
    for (size_t i = 0; i < c->l->count; i++) {
        if (c->l->all[i].p.type != PROPOSAL_REINIT || !by_value(c, i))
            continue;
        for (size_t k = 0; k < c->l->count; k++)
            c->out[k] = c->out[k] || !by_value(c, k);
        return;
    }
}

/* By itself: PSKs that we lack, what policy and application refuse us to commit. */
static int mark_refused(struct collecting *c, const struct mw_mls_group *g)
{
    for (size_t i = 0; i < c->l->count; i++) {
        struct proposal_list alone = *c->l;
        struct listed one = c->l->all[i];
        CLEANUP(secret_wipe) struct secret psk = { 0 };
        CLEANUP(own_free) struct psk_id *ids = NULL;
        size_t count;
        int error;

        if (by_value(c, i) || c->out[i])
            continue;
        alone.all = &one;
        alone.count = 1;
        error = policy_check_one(g, &one, &c->l->committer, c->l->committer_key);
        if (error == 0)
            error = changes_allowed(g, &alone, c->l->committer.index, NULL);
        if (error == 0)
            error = list_psks(&alone, g, NULL, &ids, &count, &psk);
        if (error < 0)
            return error;
        c->out[i] = error > 0 || (g->app.allow == NULL && policy_asks(g, &one));
    }
    return 0;
}

static void squeeze(struct collecting *c, size_t *left_out)
{
    size_t n = 0;

    for (size_t i = 0; i < c->l->count; i++) {
        if (!c->out[i])
            c->l->all[n++] = c->l->all[i];
        else
            ++*left_out;
    }
    c->l->count = n;
}

static int choose(struct proposal_list *l, const struct mw_mls_group *g, size_t *left_out)
{
    CLEANUP(own_free) struct keyed *keys = calloc(l->count + 1, sizeof(*keys));
    CLEANUP(own_free) bool *out = calloc(l->count + 1, sizeof(*out));
    struct collecting c = { .l = l, .keys = keys, .out = out };
    int error;

    if (keys == NULL || out == NULL)
        return -ENOMEM;
    error = mark_refused(&c, g);
    if (error != 0)
        return error;
    squeeze(&c, left_out);
    memset(out, 0, l->count * sizeof(*out));
    mark_leaves(&c);
    mark_psks(&c);
    mark_extensions(&c);
    mark_adds(&c, false);
    mark_adds(&c, true);
    error = mark_members(&c, g->tree);
    mark_reinits(&c);
    squeeze(&c, left_out);
    return error;
}

int list_collect(struct proposal_list *l, const struct mw_mls_group *g, struct mw_span by_value,
                 bool waiting, size_t *left_out)
{
    struct reader r = { .rest = by_value };
    struct proposal p;
    size_t n = waiting ? g->waiting_count : 0;

    while (read_more(&r)) {
        proposal_read(&p, &r);
        n++;
    }
    if (r.failed)
        return MW_MLS_E_MALFORMED;
    l->all = calloc(n + 1, sizeof(*l->all));
    if (l->all == NULL)
        return -ENOMEM;
    l->count = 0;
    for (const struct waiting *w = waiting ? g->waiting : NULL; w != NULL; w = w->next) {
        r = (struct reader){ .rest = owned_span(w->bytes) };
        proposal_read(&p, &r);
        l->all[l->count++] = listed_of(&p, w->sender, w);
    }
    r = (struct reader){ .rest = by_value };
    while (read_more(&r)) {
        proposal_read(&p, &r);
        l->all[l->count++] = listed_of(&p, l->committer, NULL);
    }
    return waiting ? choose(l, g, left_out) : 0;
}

/* Of what waited Removes stay, or nothing. */
static bool keep(struct proposal_list *l, bool removes, size_t *left_out)
{
    size_t n = 0, had = l->count;

    for (size_t i = 0; i < had; i++)
        if (l->all[i].waiting == NULL || (removes && l->all[i].p.type == PROPOSAL_REMOVE))
            l->all[n++] = l->all[i];
    *left_out += had - n;
    l->count = n;
    return n < had;
}

void list_keep_removes(struct proposal_list *l, size_t *left_out)
{
    (void)keep(l, true, left_out);
}

bool list_give_way(struct proposal_list *l, size_t *left_out)
{
    return keep(l, true, left_out) || keep(l, false, left_out);
}

bool list_drop_culprit(struct proposal_list *l)
{
    size_t at = l->culprit;

    if (at >= l->count || l->all[at].waiting == NULL)
        return false;
    memmove(&l->all[at], &l->all[at + 1], (l->count - at - 1) * sizeof(*l->all));
    l->count--;
    return true;
}
