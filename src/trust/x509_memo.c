#include "trust/x509_memo.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct x509_memo {
    CRYPTO_RWLOCK *lock;
    struct {
        uint8_t key[X509_MEMO_KEY];
        X509 *x509;             /* NULL: free */
    } entries[X509_MEMO_ENTRIES];
    size_t next;                /* the one to replace */
};

struct x509_memo *x509_memo_new(void)
{
    struct x509_memo *m = calloc(1, sizeof *m);

    if (m == NULL)
        return NULL;
    m->lock = CRYPTO_THREAD_lock_new();
    if (m->lock == NULL) {
        free(m);
        return NULL;
    }
    return m;
}

void x509_memo_free(struct x509_memo *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < X509_MEMO_ENTRIES; i++)
        X509_free(m->entries[i].x509);
    CRYPTO_THREAD_lock_free(m->lock);
    free(m);
}

static X509 *entry_find(const struct x509_memo *m, const uint8_t key[X509_MEMO_KEY])
{
    for (size_t i = 0; i < X509_MEMO_ENTRIES; i++)
        if (m->entries[i].x509 != NULL && memcmp(m->entries[i].key, key, X509_MEMO_KEY) == 0)
            return m->entries[i].x509;
    return NULL;
}

X509 *x509_memo_find(struct x509_memo *m, const uint8_t key[X509_MEMO_KEY])
{
    X509 *found;

    if (CRYPTO_THREAD_read_lock(m->lock) <= 0)
        return NULL;
    found = entry_find(m, key);
    if (found != NULL && X509_up_ref(found) <= 0)
        found = NULL;
    CRYPTO_THREAD_unlock(m->lock);
    return found;
}

void x509_memo_keep(struct x509_memo *m, const uint8_t key[X509_MEMO_KEY], size_t der_len,
                    X509 *x509)
{
    if (der_len > X509_MEMO_BYTES || CRYPTO_THREAD_write_lock(m->lock) <= 0)
        return;
    if (entry_find(m, key) == NULL && X509_up_ref(x509) > 0) {
        X509_free(m->entries[m->next].x509);
        m->entries[m->next].x509 = x509;
        memcpy(m->entries[m->next].key, key, X509_MEMO_KEY);
        m->next = (m->next + 1) % X509_MEMO_ENTRIES;
    }
    CRYPTO_THREAD_unlock(m->lock);
}
