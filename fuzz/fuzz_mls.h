/*
 * What the targets of MLS's structures share: whatever reads, goes through its lists without a
 * failure and writes back the same bytes.
 */
#ifndef FUZZ_FUZZ_MLS_H
#define FUZZ_FUZZ_MLS_H

#include <stdlib.h>

#include "fuzz.h"
#include "meet/wire/again.h"

static inline int fuzz_mls(const char *noun, const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(64 << 20);

    if (again_find(noun)->run(&b, span_of(data, len)) == AGAIN_BROKEN)
        abort();
    return 0;
}

#endif
