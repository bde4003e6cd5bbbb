#include "meet/group/twice.h"

#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = span_cmp(x->key, y->key);

    if (order != 0)
        return order;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

bool keyed_twice(struct keyed *keys, size_t n, size_t *second)
{
    if (n > 1)
        qsort(keys, n, sizeof(*keys), by_key);
    for (size_t i = 1; i < n; i++) {
        if (!span_eq(keys[i - 1].key, keys[i].key))
            continue;
        *second = keys[i].at;
        return true;
    }
    return false;
}

void keyed_mark(struct keyed *keys, size_t n, bool *out)
{
    if (n > 1)
        qsort(keys, n, sizeof(*keys), by_key);
    for (size_t i = 1; i < n; i++)
        if (span_eq(keys[i - 1].key, keys[i].key))
            out[keys[i].at] = true;
}
