#include "gate/worker/mint_cache.h"

#include <errno.h>
#include <stdlib.h>

struct minted *minted_ref(struct minted *m)
{
    m->references++;
    return m;
}

void minted_unref(struct minted *m)
{
    if (m == NULL || --m->references > 0)
        return;
    X509_free(m->leaf);
    X509_free(m->intermediate);
    EVP_PKEY_free(m->key);
    free(m);
}

/* ------------------------------------------------------------------ order ---- */

static void unlink_use(struct mint_cache *c, struct mint_entry *e)
{
    if (e->newer != NULL)
        e->newer->older = e->older;
    else
        c->newest = e->older;
    if (e->older != NULL)
        e->older->newer = e->newer;
    else
        c->oldest = e->newer;
    e->newer = e->older = NULL;
}

static void link_newest(struct mint_cache *c, struct mint_entry *e)
{
    e->older = c->newest;
    e->newer = NULL;
    if (c->newest != NULL)
        c->newest->newer = e;
    else
        c->oldest = e;
    c->newest = e;
}

/* ------------------------------------------------------------------ table ---- */

/* The key is a hash already: its bits are as good as any. */
static struct mint_entry **bucket_of(const struct mint_cache *c, const struct mint_name *name)
{
    size_t at = ((size_t)name->key[0] << 8 | name->key[1]) ^ (size_t)name->ca << 4 ^
                (size_t)name->kind << 5;

    return &c->buckets[at % MINT_CACHE_BUCKETS];
}

static bool same(const struct mint_name *a, const struct mint_name *b)
{
    return a->ca == b->ca && a->kind == b->kind && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

static void entry_free(struct mint_entry *e)
{
    minted_unref(e->minted);
    mint_key_pair_unref(e->pair);
    free(e);
}

static void remove_entry(struct mint_cache *c, struct mint_entry *e)
{
    struct mint_entry **at = bucket_of(c, &e->name);

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    unlink_use(c, e);
    c->n--;
    entry_free(e);
}

/* What is under way stays: its number has a limit of its own. */
static void make_room(struct mint_cache *c)
{
    struct mint_entry *e = c->oldest;

    while (e != NULL && c->n >= MINT_MAX_CACHED) {
        struct mint_entry *newer = e->newer;

        if (e->flight == NULL)
            remove_entry(c, e);
        e = newer;
    }
}

struct mint_entry *mint_cache_at(struct mint_cache *c, const struct mint_name *name)
{
    struct mint_entry **bucket = bucket_of(c, name), *e;

    for (e = *bucket; e != NULL; e = e->next)
        if (same(&e->name, name)) {
            unlink_use(c, e);
            link_newest(c, e);
            return e;
        }
    make_room(c);
    e = calloc(1, sizeof(*e));
    if (e == NULL)
        return NULL;
    e->name = *name;
    e->next = *bucket;
    *bucket = e;
    link_newest(c, e);
    c->n++;
    return e;
}

void mint_cache_settle(struct mint_cache *c, struct mint_entry *e)
{
    if (e->minted == NULL)
        remove_entry(c, e);
}

int mint_cache_init(struct mint_cache *c)
{
    *c = (struct mint_cache){ .buckets = calloc(MINT_CACHE_BUCKETS, sizeof(struct mint_entry *)) };
    return c->buckets != NULL ? 0 : -ENOMEM;
}

void mint_cache_deinit(struct mint_cache *c)
{
    while (c->newest != NULL) {
        struct mint_entry *e = c->newest;

        unlink_use(c, e);
        entry_free(e);
    }
    free(c->buckets);
    *c = (struct mint_cache){ 0 };
}

/* ---------------------------------------------------------------- entries ---- */

void mint_entry_fill(struct mint_entry *e, struct minted *m, struct mint_key_pair *pair,
                     struct mw_wall not_before, struct mw_wall now)
{
    minted_unref(e->minted);
    mint_key_pair_unref(e->pair);
    e->minted = m;
    e->pair = pair;
    e->not_before = not_before;
    e->minted_at = now;
}

enum mint_use mint_entry_use(const struct mint_entry *e, struct mw_wall now, uint64_t now_ms)
{
    int64_t left, whole;

    if (e->minted == NULL || !mint_key_pair_is_fresh(e->pair, now_ms))
        return MINT_USE_NOT;
    /* An untrusted leaf of an origin that has expired is over from the start: that is the truth
     * about it, and minting it again would not change that. */
    if (e->minted->not_after.s < e->minted_at.s || e->not_before.s > e->minted_at.s)
        return MINT_USE;
    left = e->minted->not_after.s - now.s;
    whole = e->minted->not_after.s - e->minted_at.s;
    if (left < 0 || now.s < e->not_before.s)
        return MINT_USE_NOT;
    return left < whole / 10 ? MINT_USE_AND_RENEW : MINT_USE;
}
