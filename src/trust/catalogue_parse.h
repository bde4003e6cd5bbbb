/*
 * The catalogue as it lies in memory: what catalogue_parse.c makes and catalogue.c reads.
 */
#ifndef TRUST_CATALOGUE_PARSE_H
#define TRUST_CATALOGUE_PARSE_H

#include "base/arena.h"
#include "trust/catalogue.h"
#include "trust/catalogue_pattern.h"

enum field {
    FIELD_CN,
    FIELD_O,
    FIELD_OU,
    FIELD_C,
    FIELD_EMAIL,
    FIELD_ANY,   /* CN, O or OU */
    FIELD_NAMES, /* how many fields of a name there are */
    FIELD_HEADER = FIELD_NAMES,
    FIELD_SELF,
    FIELD_ENDS,
    FIELD_SHA1,
    FIELD_SHA256,
    FIELD_SPKI,
    FIELD_LEAF_SPKI,
};

struct condition {
    enum field field;
    enum pattern_op op;
    struct mw_span text;
};

/* Conditions of one alternative must all hold: conditions[first .. first+n-1]. */
struct alternative {
    uint16_t product;
    uint16_t n;
    uint32_t first;
};

struct known_hash {
    enum field field;
    uint16_t product;
    uint8_t len;
    uint8_t bytes[32];
};

struct catalogue {
    struct arena arena;
    struct product *products;
    struct condition *conditions;
    struct alternative *alternatives; /* in the order of the file */
    struct known_hash *hashes;
    size_t n_products, n_conditions, n_alternatives, n_hashes;
};

#endif
