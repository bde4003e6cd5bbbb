#include "meet/sframe/keys.h"

#include <errno.h>
#include <stdlib.h>

int sframe_keys_init(struct sframe_keys *k, const struct mw_crypto *c,
                     const struct sframe_suite *suite, uint32_t n)
{
    *k = (struct sframe_keys){ .crypto = c, .hand = 1 };
    k->places = calloc((size_t)n + 1, sizeof *k->places);
    if (k->places == NULL)
        return -ENOMEM;
    k->n = n;
    for (uint32_t i = 0; i <= n; i++) {
        int r = sframe_cipher_init(&k->places[i].cipher, c, suite);

        if (r != 0) {
            sframe_keys_deinit(k);
            return r;
        }
    }
    return 0;
}

void sframe_keys_deinit(struct sframe_keys *k)
{
    for (uint32_t i = 0; k->places != NULL && i <= k->n; i++)
        sframe_cipher_deinit(&k->places[i].cipher);
    free(k->places);
    *k = (struct sframe_keys){ 0 };
}

int sframe_keys_get(struct sframe_keys *k, uint32_t *at, const struct secret *secret, uint64_t kid,
                    struct sframe_cipher **out)
{
    int r = 0;

    if (*at == 0)
        r = sframe_cipher_key(&k->places[0].cipher, k->crypto, secret, kid);
    k->places[*at].used = true;
    *out = &k->places[*at].cipher;
    return r;
}

/* The clock's way: who was used since the hand went by is passed over once. */
static uint32_t place_for_another(struct sframe_keys *k)
{
    for (;;) {
        uint32_t here = k->hand;
        struct sframe_keys_place *p = &k->places[here];

        k->hand = here % k->n + 1;
        if (p->owner == NULL || !p->used)
            return here;
        p->used = false;
    }
}

void sframe_keys_keep(struct sframe_keys *k, uint32_t *at)
{
    uint32_t to = place_for_another(k);
    struct sframe_keys_place *p = &k->places[to];
    struct sframe_cipher old = p->cipher;

    if (p->owner != NULL)
        *p->owner = 0;
    p->cipher = k->places[0].cipher;
    k->places[0].cipher = old;
    sframe_cipher_forget(&k->places[0].cipher);
    p->owner = at;
    p->used = true;
    *at = to;
}

void sframe_keys_drop(struct sframe_keys *k, const void *from, size_t bytes)
{
    for (uint32_t i = 1; i <= k->n; i++) {
        struct sframe_keys_place *p = &k->places[i];

        if (p->owner == NULL || (uintptr_t)p->owner - (uintptr_t)from >= bytes)
            continue;
        sframe_cipher_forget(&p->cipher);
        *p->owner = 0;
        p->owner = NULL;
        p->used = false;
    }
    /* A key that was tried in vain may be of the same epoch. */
    sframe_cipher_forget(&k->places[0].cipher);
}
