/*
 * Keys that come twice in a list, found by sorting: a list is as long as an attacker likes.
 */
#ifndef MEET_GROUP_TWICE_H
#define MEET_GROUP_TWICE_H

#include "base/span.h"

struct keyed {
    struct mw_span key;
    uint32_t rank;              /* of several with one key, the lowest is to stay */
    size_t at;                  /* where it stands in the list */
};

/* Sorts by key, rank and place.  true: a key is there twice; *second: place of its second. */
bool keyed_twice(struct keyed *keys, size_t n, size_t *second);

/* Marks in `out` (by place) all but the first of each key. */
void keyed_mark(struct keyed *keys, size_t n, bool *out);

#endif
