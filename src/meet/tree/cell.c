#include "meet/tree/cell.h"

#include <stdint.h>

#include "meet/crypt/secret.h"

enum { CELLS = 3 };     /* the keys that hold, their copy, the path in the making */

struct cell {
    struct cell_block *block;   /* NULL: free */
    _Alignas(16) uint8_t bytes[CELL_BYTES];
};

struct cell_block {
    unsigned used;
    struct cell cells[CELLS];
};

static struct cell *cell_of(const void *bytes)
{
    return (struct cell *)((uintptr_t)bytes - offsetof(struct cell, bytes));
}

void *cell_new(const void *near)
{
    struct cell_block *b = near != NULL ? cell_of(near)->block : NULL;

    if (b == NULL || b->used == CELLS)
        b = secret_new(sizeof(*b));
    if (b == NULL)
        return NULL;
    for (size_t i = 0; i < CELLS; i++)
        if (b->cells[i].block == NULL) {
            b->cells[i].block = b;
            b->used++;
            return b->cells[i].bytes;
        }
    return NULL;
}

void cell_free(void *cell)
{
    struct cell_block *b;

    if (cell == NULL)
        return;
    b = cell_of(cell)->block;
    secret_clear(cell_of(cell), sizeof(struct cell));
    if (--b->used == 0)
        secret_free(b);
}
