#include "gate/learn/recall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

int recall_init(struct recall *r, size_t most, size_t entry_bytes,
                void (*forget)(void *context, struct recall_node *node), void *context)
{
    *r = (struct recall){
        .most = most, .entry_bytes = entry_bytes, .forget = forget, .context = context
    };
    if (getrandom(&r->seed, sizeof r->seed, 0) != (ssize_t)sizeof r->seed)
        return -EIO;
    r->buckets = calloc(most, sizeof(struct recall_node *));
    return r->buckets != NULL ? 0 : -ENOMEM;
}

void recall_deinit(struct recall *r)
{
    r->forget = NULL; /* who would be told is going as well */
    while (r->oldest != NULL)
        recall_drop(r, r->oldest);
    free(r->buckets);
    *r = (struct recall){ 0 };
}

uint64_t recall_hash(const struct recall *r, const char *name)
{
    uint64_t h = r->seed;

    for (const char *c = name; *c != '\0'; c++) {
        h = (h ^ (uint8_t)*c) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h ^ h >> 32;
}

void recall_name(char out[RECALL_NAME], const char *a, const char *b)
{
    snprintf(out, RECALL_NAME, "%s\n%s", a, b);
}

static struct recall_node **bucket(const struct recall *r, uint64_t hash)
{
    return &r->buckets[hash % r->most];
}

static void list_unlink(struct recall *r, struct recall_node *n)
{
    *(n->newer != NULL ? &n->newer->older : &r->newest) = n->older;
    *(n->older != NULL ? &n->older->newer : &r->oldest) = n->newer;
}

static void list_push(struct recall *r, struct recall_node *n)
{
    n->older = r->newest;
    n->newer = NULL;
    *(r->newest != NULL ? &r->newest->newer : &r->oldest) = n;
    r->newest = n;
}

static struct recall_node *find(const struct recall *r, const char *name, uint64_t hash)
{
    struct recall_node *n = *bucket(r, hash);

    while (n != NULL && (n->hash != hash || strcmp(n->name, name) != 0))
        n = n->next;
    return n;
}

void *recall_find(const struct recall *r, const char *name)
{
    return find(r, name, recall_hash(r, name));
}

void recall_drop(struct recall *r, struct recall_node *node)
{
    struct recall_node **at = bucket(r, node->hash);

    if (r->forget != NULL)
        r->forget(r->context, node);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    list_unlink(r, node);
    r->n--;
    free(node->name);
    free(node);
}

void *recall_get(struct recall *r, const char *name)
{
    uint64_t hash = recall_hash(r, name);
    struct recall_node *n = find(r, name, hash);

    if (n != NULL) {
        list_unlink(r, n);
        list_push(r, n);
        return n;
    }
    n = calloc(1, r->entry_bytes);
    if (n == NULL)
        return NULL;
    n->name = span_dup(span_str(name));
    if (n->name == NULL) {
        free(n);
        return NULL;
    }
    if (r->n == r->most)
        recall_drop(r, r->oldest);
    n->hash = hash;
    n->next = *bucket(r, hash);
    *bucket(r, hash) = n;
    list_push(r, n);
    r->n++;
    return n;
}
