#include "gate/worker/resolve.h"

#include <stdlib.h>

struct known {
    struct lru_node node;       /* first */
    struct mono at;
    size_t n;
    struct addr items[];
};

static void known_drop(struct lru_node *node)
{
    free(node->name);
    free(node);
}

int resolve_init(struct resolve *r, struct dns *dns)
{
    r->dns = dns;
    return lru_init(&r->names, RESOLVE_MAX, known_drop);
}

void resolve_deinit(struct resolve *r)
{
    lru_deinit(&r->names);
}

size_t resolve_known(struct resolve *r, const char *name, uint16_t port,
                     struct addr out[RESOLVE_ADDRESSES])
{
    struct known *k = (struct known *)lru_find(&r->names, name);

    if (k == NULL)
        return 0;
    if (mono_diff_ns(k->at, mono_now()) > RESOLVE_FRESH_S * INT64_C(1000000000)) {
        lru_remove(&r->names, &k->node);
        return 0;
    }
    for (size_t i = 0; i < k->n; i++) {
        out[i] = k->items[i];
        addr_set_port(&out[i], port);
    }
    return k->n;
}

void resolve_keep(struct resolve *r, const char *name, const struct addr *items, size_t n)
{
    struct known *k;

    if (n == 0 || lru_find(&r->names, name) != NULL)
        return;
    if (n > RESOLVE_ADDRESSES)
        n = RESOLVE_ADDRESSES;
    k = calloc(1, sizeof(*k) + n * sizeof(*items));
    if (k == NULL)
        return; /* it is asked again, that is all */
    k->node.name = strdup(name);
    if (k->node.name == NULL) {
        free(k);
        return;
    }
    k->at = mono_now();
    k->n = n;
    for (size_t i = 0; i < n; i++)
        k->items[i] = items[i];
    lru_add(&r->names, &k->node);
}
