#include "gate/worker/lru.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

/* FNV-1a behind a secret: short names, and nobody outside sees the order. */
static uint64_t name_hash(const struct lru *l, const char *name)
{
    uint64_t h = 0xcbf29ce484222325 ^ l->seed;

    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001b3;
    return h ^ (h >> 29);
}

int lru_init(struct lru *l, size_t most, void (*drop)(struct lru_node *node))
{
    *l = (struct lru){ .most = most, .drop = drop, .n_buckets = 1 };
    while (l->n_buckets < most)
        l->n_buckets *= 2;
    l->buckets = calloc(l->n_buckets, sizeof(struct lru_node *));
    if (l->buckets == NULL)
        return -ENOMEM;
    if (RAND_bytes((unsigned char *)&l->seed, sizeof(l->seed)) != 1) {
        lru_deinit(l);
        return -EIO;
    }
    return 0;
}

static void unlink_age(struct lru *l, struct lru_node *node)
{
    if (node->newer != NULL)
        node->newer->older = node->older;
    else
        l->newest = node->older;
    if (node->older != NULL)
        node->older->newer = node->newer;
    else
        l->oldest = node->newer;
}

static void link_newest(struct lru *l, struct lru_node *node)
{
    node->newer = NULL;
    node->older = l->newest;
    if (l->newest != NULL)
        l->newest->newer = node;
    else
        l->oldest = node;
    l->newest = node;
}

void lru_remove(struct lru *l, struct lru_node *node)
{
    struct lru_node **at = &l->buckets[node->hash & (l->n_buckets - 1)];

    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    unlink_age(l, node);
    l->n--;
    l->drop(node);
}

void lru_deinit(struct lru *l)
{
    while (l->oldest != NULL)
        lru_remove(l, l->oldest);
    free(l->buckets);
    l->buckets = NULL;
}

struct lru_node *lru_find(struct lru *l, const char *name)
{
    uint64_t h = name_hash(l, name);
    struct lru_node *node = l->buckets[h & (l->n_buckets - 1)];

    while (node != NULL && (node->hash != h || strcmp(node->name, name) != 0))
        node = node->next;
    if (node != NULL && node != l->newest) {
        unlink_age(l, node);
        link_newest(l, node);
    }
    return node;
}

void lru_add(struct lru *l, struct lru_node *node)
{
    struct lru_node **bucket;

    if (l->n == l->most)
        lru_remove(l, l->oldest);
    node->hash = name_hash(l, node->name);
    bucket = &l->buckets[node->hash & (l->n_buckets - 1)];
    node->next = *bucket;
    *bucket = node;
    link_newest(l, node);
    l->n++;
}
