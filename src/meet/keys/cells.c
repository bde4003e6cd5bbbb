#include "meet/keys/cells.h"

#include "meet/crypt/crypt.h"

struct cell {
    struct cell *next;
};

struct cells_block {
    struct cells_block *next;
    uint64_t cells[];
};

/* With what secret_new() puts before them these fill whole pages.  An epoch begins with one. */
enum { FIRST_BYTES = 4096 - 64, BLOCK_BYTES = 4 * 4096 - 64 };

static bool grow(struct cells *c)
{
    size_t bytes = c->blocks == NULL ? FIRST_BYTES : BLOCK_BYTES;
    struct cells_block *b = crypt_secret(c->crypto, bytes);
    uint8_t *at;

    if (b == NULL)
        return false;
    b->next = c->blocks;
    c->blocks = b;
    at = (uint8_t *)b->cells;
    for (size_t n = (bytes - sizeof *b) / c->size; n > 0; n--, at += c->size) {
        struct cell *cell = (struct cell *)(void *)at;

        cell->next = c->spare;
        c->spare = cell;
    }
    return true;
}

void *cells_take(struct cells *c)
{
    struct cell *cell;

    if (c->spare == NULL && !grow(c))
        return NULL;
    cell = c->spare;
    if (cell == NULL)
        return NULL;
    c->spare = cell->next;
    cell->next = NULL;
    return cell;
}

void cells_give(struct cells *c, void *at)
{
    struct cell *cell = at;

    if (cell == NULL)
        return;
    secret_clear(cell, c->size);
    cell->next = c->spare;
    c->spare = cell;
}

void cells_deinit(struct cells *c)
{
    while (c->blocks != NULL) {
        struct cells_block *b = c->blocks;

        c->blocks = b->next;
        secret_free(b);
    }
    *c = (struct cells)CELLS_INIT(c->crypto, c->size);
}
