/*
 * Many small secrets of one size in few blocks of locked memory: a page for each would cost a
 * system call and 4 KiB a secret.
 * Life:    CELLS_INIT(crypto, size) -> cells_take(), cells_give() -> cells_deinit()
 * Memory:  grows by blocks, which are kept until the end; a cell is wiped when given back.
 */
#ifndef MEET_KEYS_CELLS_H
#define MEET_KEYS_CELLS_H

#include "base/compiler.h"

struct cell;
struct mw_crypto;
struct cells_block;

struct cells {
    const struct mw_crypto *crypto;     /* whose pages they are cut from */
    size_t size;                /* bytes of a cell: a multiple of a pointer's */
    struct cell *spare;
    struct cells_block *blocks;
};

#define CELLS_INIT(pages_of, bytes) { .crypto = (pages_of), .size = (bytes) }

MW_MUST_CHECK void *cells_take(struct cells *c);        /* zeros; NULL: out of memory */
void cells_give(struct cells *c, void *cell);           /* NULL ok */
void cells_deinit(struct cells *c);                     /* every cell is gone; wiped */

#endif
