/*
 * ClientHellos for tests: built piece by piece, so that each piece can be made wrong.
 */
#ifndef GATE_POLICY_HELLO_MAKE_H
#define GATE_POLICY_HELLO_MAKE_H

#include "base/buf.h"

/* An extension: `body` may hold zeros, so its length is told. */
struct hello_part {
    uint16_t type;
    struct mw_span body;
};

struct hello_plan {
    const uint16_t *suites;
    size_t n_suites;
    const struct hello_part *parts;
    size_t n_parts;
    size_t key_share;           /* bytes of a further key_share extension; 0: none */
};

/* What Chrome of 2023 offers, in an order of its own, with GREASE where Chrome puts it. */
extern const struct hello_plan hello_like_chrome;

/* The handshake message, header included. */
void hello_make(struct buf *message, const struct hello_plan *plan);

/* In records of at most `most` bytes each. */
void hello_wrap(struct buf *raw, struct mw_span message, size_t most);

#endif
