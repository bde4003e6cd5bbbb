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
    PEM_BROKEN,                 /* a block without its END line, or foreign characters in it */
    PEM_TOO_BIG,                /* larger than der's maximum */
    PEM_NO_MEMORY,
};

struct pem {
    struct mw_span rest;        /* what is still to be read; starts as the text */
    size_t line;                /* lines read so far */
    size_t block_line;          /* where the last block began, from 1 */
    struct mw_span label;       /* its label: "CERTIFICATE" */
};

/* The next block, whatever its label; its bytes replace what der held. */
enum pem_result pem_next(struct pem *p, struct buf *der);

/* A label under which people store X.509 certificates. */
bool pem_is_certificate(struct mw_span label);

#endif
