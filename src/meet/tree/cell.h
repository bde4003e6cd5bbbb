/*
 * Locked memory for what one commit needs beside a group's own keys: locking pages takes longer
 * than many a commit's arithmetic, so a few cells share a block that stays as long as one of
 * them is in use.
 * Memory:  as secret_new(): wiped when freed, locked where allowed.
 * Thread:  cells made near one another are of one thread at a time.
 */
#ifndef MEET_TREE_CELL_H
#define MEET_TREE_CELL_H

#include <stddef.h>

#include "base/compiler.h"

enum { CELL_BYTES = 4480 };

/* CELL_BYTES zeros; in the block of the cell `near` (NULL: no matter) if one is free there.
 * NULL: out of memory. */
MW_MUST_CHECK void *cell_new(const void *near);
void cell_free(void *cell);     /* NULL ok */

#endif
