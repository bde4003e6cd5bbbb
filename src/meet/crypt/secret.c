#include "meet/crypt/secret.h"

#include <errno.h>
#include <sys/mman.h>

/* Stands before the bytes that secret_new() hands out; keeps them on a cache line. */
struct block {
    _Alignas(64) size_t mapped;     /* bytes of the whole mapping, this included */
};

void secret_clear(void *at, size_t len)
{
    if (len == 0)
        return;
    memset(at, 0, len);
    /* The compiler must believe that somebody reads what was written. */
    __asm__ __volatile__("" : : "r"(at) : "memory");
}

void secret_wipe(struct secret *s)
{
    secret_clear(s, sizeof *s);
}

int secret_set(struct secret *s, struct mw_span bytes)
{
    if (bytes.len > sizeof s->bytes)
        return -EMSGSIZE;
    if (bytes.len > 0)
        memmove(s->bytes, bytes.data, bytes.len);
    secret_clear(s->bytes + bytes.len, sizeof s->bytes - bytes.len);
    s->len = bytes.len;
    return 0;
}

void *secret_new(size_t len)
{
    struct block *b;

    if (len > SIZE_MAX - sizeof *b)
        return NULL;
    b = mmap(NULL, len + sizeof *b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED)
        return NULL;
    /* Both are best effort: a process without the right to lock still works. */
    (void)mlock(b, len + sizeof *b);
    (void)madvise(b, len + sizeof *b, MADV_DONTDUMP);
    b->mapped = len + sizeof *b;
    return b + 1;
}

void secret_free(void *at)
{
    struct block *b = at;

    if (b == NULL)
        return;
    b--;
    secret_clear(at, b->mapped - sizeof *b);
    (void)munmap(b, b->mapped);
}

void secret_freep(void *at)
{
    void **p = at;

    secret_free(*p);
}
