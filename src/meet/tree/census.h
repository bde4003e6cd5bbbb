/*
 * Who supports what, counted: a hash table from a kind and a 16-bit value to the number of
 * leaves that list it.
 * Life:   all zero -> census_reserve(), census_count()* -> census_deinit()
 * Bound:  by the distinct values that were ever listed, of 65,536 a kind; census_tidy() forgets
 *         those that nobody lists any more.
 * Attack: as meet/tree/key_index.h.
 */
#ifndef MEET_TREE_CENSUS_H
#define MEET_TREE_CENSUS_H

#include "meet/wire/wire.h"

/* The own credential's type; the other kinds are tree.h's enum census. */
enum { CENSUS_USER = 7 };

struct census_slot {
    uint32_t key;               /* kind << 16 | value, one more: 0 is free */
    uint32_t leaves;
    uint64_t mark;              /* of the last leaf that counted here: a list may repeat itself */
};

struct census_table {
    struct census_slot *slots;
    uint32_t room, used, unlisted;      /* unlisted: of those used, with no leaf */
    uint64_t seed, mark;
};

void census_deinit(struct census_table *c);

/* Afterwards census_count() of this leaf cannot fail.  -ENOMEM. */
MW_MUST_CHECK int census_reserve(struct census_table *c, const struct leaf_node *v);

/* The leaf comes (+1) or goes (-1). */
void census_count(struct census_table *c, const struct leaf_node *v, int by);

uint32_t census_get(const struct census_table *c, unsigned kind, uint16_t value);

/* Only between transactions: what is undone finds its slot. */
void census_tidy(struct census_table *c);

#endif
