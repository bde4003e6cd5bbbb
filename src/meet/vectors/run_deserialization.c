/* Lengths of vectors (RFC 9420 2.1.2). */
#include "meet/vectors/kinds.h"
#include "meet/wire/vector.h"

enum { LENGTH_MAX = (1 << 30) - 1 };

/* The header alone is given: the vector behind it does not exist, and a reader that trusted the
 * length would have to fail.  So the length is read, and a vector of it written. */
int run_deserialization(struct run *r, const json_t *c)
{
    struct mw_span header = run_hex(r, c, "vlbytes_header");
    uint64_t length = run_number(r, c, "length", LENGTH_MAX);
    struct reader in = { .rest = header };
    uint8_t again[4];
    size_t got = vector_length_read(&in);

    if (r->failed)
        return 0;
    run_true(r, "vlbytes_header: a length and nothing else", read_done(&in));
    run_same_number(r, "length", length, got);
    run_same(r, "vlbytes_header", header, span_of(again, vector_header_put(again, got)));
    return 0;
}
