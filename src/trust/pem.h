/*
 * PEM (RFC 7468), read leniently where files of people differ: text between blocks, headers
 * inside a block and white space are ignored.
 */
#ifndef TRUST_PEM_H
#define TRUST_PEM_H

#include "base/buf.h"

enum pem_result {
    PEM_BLOCK,                  /* one block read */
    PEM_END,                    /* no further block */
    PEM_UNFINISHED,             /* no END line */
    PEM_NESTED,                 /* another BEGIN before the END */
    PEM_MISMATCHED,             /* the END of another label */
    PEM_NOT_BASE64,
    PEM_EMPTY,
    PEM_TOO_BIG,                /* larger than der's maximum */
    PEM_NO_MEMORY,
};

struct pem {
    struct mw_span rest;        /* what is still to be read; starts as the text */
    size_t line;                /* lines read so far */
    size_t block_line;          /* where the last block began, from 1 */
};

/* The next block with this label ("CERTIFICATE" is also found as "X509 CERTIFICATE"); its bytes
 * replace what der held.  What other blocks hold is passed over. */
enum pem_result pem_next(struct pem *p, const char *label, struct buf *der);

/* What is wrong with the block, about the line in *line. */
const char *pem_error(const struct pem *p, enum pem_result r, size_t *line);

#endif
