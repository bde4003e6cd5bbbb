#include "meet/crypt/secret.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Stands before the bytes that secret_new() hands out; keeps them on a cache line. */
struct block {
    _Alignas(64) size_t mapped;     /* bytes of the whole mapping, this included */
    struct secret_pool *home;       /* NULL: unmapped when freed */
};

enum { POOL_BLOCKS = 16, POOL_BLOCK = 4096 };   /* one mapping's bytes */

struct secret_pool {
    _Atomic(struct block *) idle[POOL_BLOCKS];
};

/* The address sanitizer shall find who still reads what was freed, as it does after munmap(). */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#endif
#ifdef WATCHED
void __asan_poison_memory_region(const volatile void *at, size_t len);
void __asan_unpoison_memory_region(const volatile void *at, size_t len);
#define forbid __asan_poison_memory_region
#define allow  __asan_unpoison_memory_region
#else
static void forbid(const void *at, size_t len)
{
    (void)at, (void)len;
}

static void allow(const void *at, size_t len)
{
    (void)at, (void)len;
}
#endif

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

static void unmap(struct block *b)
{
    (void)munmap(b, b->mapped);
}

static bool pool_keeps(struct secret_pool *p, struct block *b)
{
    struct block *other;

    /* Before anybody else can have it. */
    forbid(b + 1, b->mapped - sizeof *b);
    for (size_t i = 0; i < POOL_BLOCKS; i++) {
        other = NULL;
        if (atomic_compare_exchange_strong(&p->idle[i], &other, b))
            return true;
    }
    allow(b + 1, b->mapped - sizeof *b);
    return false;
}

void secret_free(void *at)
{
    struct block *b = at;

    if (b == NULL)
        return;
    b--;
    secret_clear(at, b->mapped - sizeof *b);
    if (b->home == NULL || !pool_keeps(b->home, b))
        unmap(b);
}

void secret_freep(void *at)
{
    void **p = at;

    secret_free(*p);
}

int secret_pool_new(struct secret_pool **out)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? -ENOMEM : 0;
}

void secret_pool_free(struct secret_pool *p)
{
    for (size_t i = 0; p != NULL && i < POOL_BLOCKS; i++) {
        struct block *b = atomic_load(&p->idle[i]);

        if (b != NULL) {
            allow(b + 1, b->mapped - sizeof *b);
            unmap(b);
        }
    }
    free(p);
}

void *secret_from(struct secret_pool *p, size_t len)
{
    void *at;

    if (len > POOL_BLOCK - sizeof(struct block))
        return secret_new(len);
    for (size_t i = 0; i < POOL_BLOCKS; i++) {
        struct block *b = NULL;

        if (atomic_load_explicit(&p->idle[i], memory_order_relaxed) != NULL)
            b = atomic_exchange(&p->idle[i], NULL);
        if (b != NULL) {
            allow(b + 1, b->mapped - sizeof *b);
            return b + 1;
        }
    }
    at = secret_new(POOL_BLOCK - sizeof(struct block));
    if (at != NULL)
        ((struct block *)at - 1)->home = p;
    return at;
}
