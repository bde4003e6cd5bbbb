#include "gate/worker/wipe.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

enum {
    WIPED_FROM = 256,           /* smaller pieces hold no records; keys are wiped by OpenSSL */
    PAGES_FROM = PAGES_SIZE,    /* an SSL; larger ones than that are buffers */
    PAGES_TO = 4 * PAGES_SIZE - 1,
};

static void *wipe_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    if (n < PAGES_FROM || n > PAGES_TO)
        return malloc(n);
    return aligned_alloc(PAGES_SIZE, (n + PAGES_SIZE - 1) / PAGES_SIZE * PAGES_SIZE);
}

static void wipe_free(void *p, const char *file, int line)
{
    size_t n = p != NULL ? malloc_usable_size(p) : 0;

    (void)file;
    (void)line;
    if (n >= WIPED_FROM)
        explicit_bzero(p, n);
    free(p);
}

/* Never in place, so that nothing is left behind where it was. */
static void *wipe_realloc(void *p, size_t n, const char *file, int line)
{
    size_t had = p != NULL ? malloc_usable_size(p) : 0;
    void *moved;

    if (n == 0) {
        wipe_free(p, file, line);
        return NULL;
    }
    moved = malloc(n);
    if (moved != NULL && p != NULL) {
        memcpy(moved, p, had < n ? had : n);
        wipe_free(p, file, line);
    }
    return moved;
}

int wipe_begin(void)
{
    return CRYPTO_set_mem_functions(wipe_malloc, wipe_realloc, wipe_free) == 1 ? 0 : -EBUSY;
}

size_t wipe_pages(void *block)
{
    CRYPTO_malloc_fn theirs;

    CRYPTO_get_mem_functions(&theirs, NULL, NULL);
    if (theirs != wipe_malloc || (uintptr_t)block % PAGES_SIZE != 0)
        return 0;
    return malloc_usable_size(block) / PAGES_SIZE * PAGES_SIZE;
}
