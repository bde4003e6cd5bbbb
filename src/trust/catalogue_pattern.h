/*
 * One pattern of the catalogue: a value compared with a field, in a single pass.
 * Letters compare without case; white space at both ends of a value does not count.
 */
#ifndef TRUST_CATALOGUE_PATTERN_H
#define TRUST_CATALOGUE_PATTERN_H

#include "base/span.h"

enum pattern_op {
    PATTERN_IS,       /* =   the whole value */
    PATTERN_BEGINS,   /* ^=  */
    PATTERN_ENDS,     /* $=  */
    PATTERN_HAS_WORD, /* ~=  anywhere, with no letter or digit at either side */
};

bool pattern_match(enum pattern_op op, struct mw_span pattern, struct mw_span value);

#endif
