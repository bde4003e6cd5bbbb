/*
 * PEM blocks out of a file that a person made, mixed with whatever text stands around them.
 * Source: RFC 7468.
 * Memory: the bytes live in the arena.
 */
#ifndef CHECK_PEM_H
#define CHECK_PEM_H

#include "base/arena.h"
#include "base/buf.h"

enum { PEM_BLOCKS = 1024 };     /* in one file; more is refused */

struct pem_list {
    struct mw_span *blocks;     /* what the base64 holds: DER */
    size_t n;
};

/* All blocks called `label` ("CERTIFICATE", "X509 CRL"), in order; other labels are passed
 * over.  A file that is one DER object (it begins with a SEQUENCE that fills it) is taken as
 * such.  0, -ENOMEM, or > 0 with a line in `error` that names `file` and the line.  No block at
 * all is an error too. */
MW_MUST_CHECK int pem_read(struct mw_span text, const char *label, const char *file,
                           struct arena *arena, struct pem_list *out, struct buf *error);

#endif
