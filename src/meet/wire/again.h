/*
 * What is read is written back: the promise of codec.h, kept by trying it.  For
 * midwatch-vectors, the fuzz targets and the tests.
 */
#ifndef MEET_WIRE_AGAIN_H
#define MEET_WIRE_AGAIN_H

#include "meet/wire/codec.h"

enum again_result {
    AGAIN_MALFORMED,            /* refused by the reader: nothing was written                  */
    AGAIN_SAME,                 /* read, its lists gone through, and written as it was         */
    AGAIN_BROKEN,               /* accepted, but not kept: what was written differs, a list    */
                                /* failed after it was checked, or b has an error              */
};

struct again {
    const char *noun;           /* the structure, as codec.h names it, or "ratchet_tree" */
    enum again_result (*run)(struct buf *b, struct mw_span wire);
};

/* NULL: no structure of that name. */
const struct again *again_find(const char *noun);

#endif
