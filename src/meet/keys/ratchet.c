#include "meet/keys/ratchet.h"

void kept_append(struct ratchet *r, struct kept *k)
{
    k->next = NULL;
    if (r->last == NULL)
        r->first = k;
    else
        r->last->next = k;
    r->last = k;
    r->n_kept++;
}

struct kept *kept_find(const struct ratchet *r, uint32_t generation)
{
    for (struct kept *k = r->first; k != NULL && k->generation <= generation; k = k->next)
        if (k->generation == generation)
            return k;
    return NULL;
}

struct kept *kept_pop(struct ratchet *r)
{
    struct kept *k = r->first;

    if (k == NULL)
        return NULL;
    r->first = k->next;
    if (r->first == NULL)
        r->last = NULL;
    r->n_kept--;
    return k;
}

struct kept *kept_take(struct ratchet *r, uint32_t generation)
{
    struct kept *before = NULL, *k = r->first;

    while (k != NULL && k->generation < generation) {
        before = k;
        k = k->next;
    }
    if (k == NULL || k->generation != generation)
        return NULL;
    if (before == NULL)
        return kept_pop(r);
    before->next = k->next;
    if (r->last == k)
        r->last = before;
    r->n_kept--;
    return k;
}

/* RFC 9420 9.1.  9.2: the secret that all this is derived from MUST be deleted at once; it is
 * overwritten here. */
int ratchet_step(struct suited s, struct ratchet *r, struct kept *k)
{
    struct mw_span from = span_of(r->secret, s.suite->nh);
    uint8_t next[CRYPT_HASH_MAX];
    int e = 0;

    if (k != NULL) {
        e = label_tree_secret(s, from, "key", r->next, k->key, s.suite->nk);
        if (e == 0)
            e = label_tree_secret(s, from, "nonce", r->next, k->nonce, CRYPT_NONCE);
        k->generation = r->next;
    }
    if (e == 0)
        e = label_tree_secret(s, from, "secret", r->next, next, s.suite->nh);
    if (e == 0) {
        memcpy(r->secret, next, s.suite->nh);
        r->next++;
        if (r->next == UINT32_MAX)      /* never to be used: no generation is left */
            secret_clear(r->secret, s.suite->nh);
        if (r->floor < r->next)
            r->floor = r->next;
    }
    secret_clear(next, sizeof next);
    return e;
}

struct node *secret_tree_walk(struct walk *w)
{
    struct node *n;

    if (w->n == 0)
        return NULL;
    n = w->stack[--w->n];
    if (n->child[0] != NULL) {
        w->stack[w->n++] = n->child[1];
        w->stack[w->n++] = n->child[0];
    }
    return n;
}
