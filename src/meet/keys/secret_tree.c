#include "meet/keys/secret_tree.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "meet/keys/ratchet.h"

void message_key_wipe(struct message_key *k)
{
    secret_clear(k, sizeof *k);
}

int sender_data_key(struct suited s, const struct secret *sender_data_secret,
                    struct mw_span ciphertext, struct message_key *out)
{
    struct mw_span sample = span_cut(ciphertext, 0, s.suite->nh);
    struct mw_span from = secret_span(sender_data_secret);
    int r = label_expand(s, from, "key", sample, out->key, s.suite->nk);

    if (r == 0)
        r = label_expand(s, from, "nonce", sample, out->nonce, CRYPT_NONCE);
    if (r != 0)
        message_key_wipe(out);
    return r;
}

/* ----------------------------------------------------------------------------- life ---- */

void secret_tree_free(struct secret_tree *t)
{
    if (t == NULL)
        return;
    cells_deinit(&t->cells);
    free(t);
}

void secret_tree_freep(struct secret_tree **at)
{
    secret_tree_free(*at);
}

uint32_t secret_tree_leaves(const struct secret_tree *t)
{
    return t->leaves;
}

int secret_tree_bare(struct secret_tree **out, struct suited s, uint32_t leaves)
{
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;

    if (leaves == 0 || (leaves & (leaves - 1)) != 0)
        return SECRET_TREE_E_LEAF;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return -ENOMEM;
    t->s = s;
    t->leaves = leaves;
    t->cells = (struct cells)CELLS_INIT(s.crypto, RATCHET_CELL(s.suite->nh));
    t->root = cells_take(&t->cells);
    t->ahead.run = cells_take(&t->cells);
    if (t->root == NULL || t->ahead.run == NULL)
        return -ENOMEM;
    *out = own_steal(&t);
    return 0;
}

int secret_tree_new(struct secret_tree **out, struct suited s, uint32_t leaves,
                    const struct secret *encryption_secret)
{
    struct secret_tree *t;
    int r;

    if (encryption_secret->len != s.suite->nh)
        return SECRET_TREE_E_MALFORMED;
    r = secret_tree_bare(&t, s, leaves);
    if (r != 0)
        return r;
    memcpy(t->root->secret, encryption_secret->bytes, s.suite->nh);
    *out = t;
    return 0;
}

/* ---------------------------------------------------------------------- from root to leaf ---- */

/* The two children's secrets from n's (9), whose own is then deleted (9.2). */
static int node_split(struct secret_tree *t, struct node *n)
{
    static const char *const sides[] = { "left", "right" };
    struct node *child[2] = { cells_take(&t->cells), cells_take(&t->cells) };
    size_t nh = t->s.suite->nh;
    int r = child[0] == NULL || child[1] == NULL ? -ENOMEM : 0;

    for (int i = 0; i < 2 && r == 0; i++)
        r = label_expand(t->s, span_of(n->secret, nh), "tree", span_str(sides[i]),
                         child[i]->secret, nh);
    if (r != 0) {
        cells_give(&t->cells, child[0]);
        cells_give(&t->cells, child[1]);
        return r;
    }
    n->child[0] = child[0];
    n->child[1] = child[1];
    secret_clear(n->secret, nh);
    return 0;
}

/* A leaf's secret becomes its two ratchets. */
static int leaf_start(struct secret_tree *t, struct node *n)
{
    static const char *const kinds[] = { [RATCHET_HANDSHAKE] = "handshake",
                                         [RATCHET_APPLICATION] = "application" };
    struct ratchet *ratchet[2] = { cells_take(&t->cells), cells_take(&t->cells) };
    size_t nh = t->s.suite->nh;
    int r = ratchet[0] == NULL || ratchet[1] == NULL ? -ENOMEM : 0;

    for (int i = 0; i < 2 && r == 0; i++)
        r = label_expand(t->s, span_of(n->secret, nh), kinds[i], (struct mw_span){ NULL, 0 },
                         ratchet[i]->secret, nh);
    if (r != 0) {
        cells_give(&t->cells, ratchet[0]);
        cells_give(&t->cells, ratchet[1]);
        return r;
    }
    n->ratchet[0] = ratchet[0];
    n->ratchet[1] = ratchet[1];
    secret_clear(n->secret, nh);
    return 0;
}

static int leaf_reach(struct secret_tree *t, uint32_t leaf, struct node **out)
{
    struct node *n = t->root;
    int r = 0;

    if (leaf >= t->leaves)
        return SECRET_TREE_E_LEAF;
    for (uint32_t half = t->leaves / 2; half > 0; half /= 2) {
        if (n->child[0] == NULL)
            r = node_split(t, n);
        if (r != 0)
            return r;
        n = n->child[(leaf & half) != 0];
    }
    if (n->ratchet[0] == NULL)
        r = leaf_start(t, n);
    *out = n;
    return r;
}

/* The ratchet if there is one already. */
static struct ratchet *ratchet_look(const struct secret_tree *t, uint32_t leaf,
                                    enum ratchet_kind kind)
{
    const struct node *n = t->root;

    if (leaf >= t->leaves)
        return NULL;
    for (uint32_t half = t->leaves / 2; half > 0 && n != NULL; half /= 2)
        n = n->child[(leaf & half) != 0];
    return n != NULL ? n->ratchet[kind] : NULL;
}

/* -------------------------------------------------------------------------- the kept ---- */

static void oldest_drop(struct secret_tree *t, struct ratchet *r)
{
    cells_give(&t->cells, kept_pop(r));
    t->kept_all--;
}

static struct ratchet *ratchet_fullest(const struct secret_tree *t)
{
    struct walk w = { .stack = { t->root }, .n = 1 };
    struct ratchet *most = NULL;

    for (struct node *n = secret_tree_walk(&w); n != NULL; n = secret_tree_walk(&w))
        for (int i = 0; i < 2; i++)
            if (n->ratchet[i] != NULL && (most == NULL || n->ratchet[i]->n_kept > most->n_kept))
                most = n->ratchet[i];
    return most;
}

/* Over the whole tree, who has kept the most gives up the oldest first: a member that skips on
 * purpose costs the others nothing.  Half of them at once, so that a search pays for many. */
static void kept_bound(struct secret_tree *t, struct ratchet *r)
{
    while (r->n_kept > SECRET_TREE_KEPT)
        oldest_drop(t, r);
    while (t->kept_all > SECRET_TREE_KEPT_ALL) {
        struct ratchet *most = ratchet_fullest(t);

        for (uint32_t n = most->n_kept - most->n_kept / 2; n > 0; n--)
            oldest_drop(t, most);
    }
}

/* --------------------------------------------------------------------------- ahead ---- */

static void ahead_drop(struct secret_tree *t)
{
    struct ratchet *run = t->ahead.run;
    struct kept *k;

    while ((k = kept_pop(run)) != NULL)
        cells_give(&t->cells, k);
    secret_clear(run, RATCHET_CELL(t->s.suite->nh));
    t->ahead.of = NULL;
}

/* Runs ahead of r until the key of `generation` is there.  On failure there is nothing ahead. */
static int ahead_reach(struct secret_tree *t, struct ratchet *r, uint32_t generation)
{
    struct ratchet *run = t->ahead.run;
    int e = 0;

    if (t->ahead.of != r) {
        ahead_drop(t);
        t->ahead.of = r;
        run->next = r->next;
        run->floor = r->floor;
        memcpy(run->secret, r->secret, t->s.suite->nh);
    }
    while (e == 0 && run->next <= generation) {
        struct kept *k = NULL;

        if (run->next >= r->floor) {
            k = cells_take(&t->cells);
            e = k == NULL ? -ENOMEM : 0;
        }
        if (e == 0)
            e = ratchet_step(t->s, run, k);
        if (e == 0 && k != NULL)
            kept_append(run, k);
        else
            cells_give(&t->cells, k);
    }
    if (e != 0)
        ahead_drop(t);
    return e;
}

/* r's secret as it is after `generation`, which has been reached ahead. */
static int ahead_take_secret(struct secret_tree *t, struct ratchet *r, uint32_t generation)
{
    struct ratchet *run = t->ahead.run;
    size_t nh = t->s.suite->nh;
    int e = 0;

    if (run->next == generation + 1) {
        memcpy(r->secret, run->secret, nh);
        r->next = run->next;
        r->floor = run->floor;
        return 0;
    }
    /* It was run further ahead, for another message. */
    while (e == 0 && r->next <= generation)
        e = ratchet_step(t->s, r, NULL);
    return e;
}

/* Generation is used up and r cannot follow: it and what is before are let go. */
static void ratchet_let_go(struct secret_tree *t, struct ratchet *r, uint32_t generation)
{
    ahead_drop(t);
    r->floor = generation + 1;
    if (r->floor - r->next > RATCHET_GAP_MAX) {
        secret_clear(r->secret, t->s.suite->nh);
        r->next = r->floor = UINT32_MAX;
    }
}

static void ratchet_advance(struct secret_tree *t, struct ratchet *r, uint32_t generation)
{
    struct ratchet *run = t->ahead.run;

    if (ahead_reach(t, r, generation) != 0 || ahead_take_secret(t, r, generation) != 0) {
        ratchet_let_go(t, r, generation);
        return;
    }
    while (run->first != NULL && run->first->generation <= generation) {
        struct kept *k = kept_pop(run);

        if (k->generation == generation) {
            cells_give(&t->cells, k);
        } else {
            kept_append(r, k);
            t->kept_all++;
        }
    }
    if (run->first == NULL)
        ahead_drop(t);
    kept_bound(t, r);
}

/* ------------------------------------------------------------------------------ verbs ---- */

static void key_copy(struct message_key *out, const struct kept *k)
{
    memcpy(out->key, k->key, sizeof out->key);
    memcpy(out->nonce, k->nonce, sizeof out->nonce);
}

int secret_tree_next(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind,
                     uint32_t *generation, struct message_key *out)
{
    struct kept k = { 0 };
    struct ratchet *r;
    struct node *n;
    int e = leaf_reach(t, leaf, &n);

    if (e != 0)
        return e;
    r = n->ratchet[kind];
    if (r->floor == UINT32_MAX)
        return SECRET_TREE_E_EXHAUSTED;
    if (t->ahead.of == r)
        ahead_drop(t);
    while (e == 0 && r->next < r->floor)
        e = ratchet_step(t->s, r, NULL);
    if (e == 0)
        e = ratchet_step(t->s, r, &k);
    if (e == 0) {
        *generation = k.generation;
        key_copy(out, &k);
    }
    secret_clear(&k, sizeof k);
    return e;
}

int secret_tree_key(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind,
                    uint32_t generation, struct message_key *out)
{
    const struct kept *k;
    struct ratchet *r;
    struct node *n;
    int e;

    if (leaf < t->leaves && generation == UINT32_MAX)
        return SECRET_TREE_E_EXHAUSTED;
    e = leaf_reach(t, leaf, &n);
    if (e != 0)
        return e;
    r = n->ratchet[kind];
    if (generation < r->floor) {
        k = kept_find(r, generation);
    } else if (generation - r->floor > SECRET_TREE_AHEAD) {
        return SECRET_TREE_E_TOO_FAR;
    } else {
        e = ahead_reach(t, r, generation);
        if (e != 0)
            return e;
        k = kept_find(t->ahead.run, generation);
    }
    if (k == NULL)
        return SECRET_TREE_E_USED;
    key_copy(out, k);
    return 0;
}

void secret_tree_used(struct secret_tree *t, uint32_t leaf, enum ratchet_kind kind,
                      uint32_t generation)
{
    struct ratchet *r = ratchet_look(t, leaf, kind);
    struct kept *k;

    if (r == NULL || generation == UINT32_MAX)
        return;
    if (generation < r->floor) {
        k = kept_take(r, generation);
        if (k != NULL)
            t->kept_all--;
        cells_give(&t->cells, k);
    } else if (generation - r->floor <= SECRET_TREE_AHEAD) {
        ratchet_advance(t, r, generation);
    }
}
