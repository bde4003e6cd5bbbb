#include "gate/worker/mint_keys.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/own.h"

/* A key in the making, in a thread; outlives struct mint_keys if need be. */
struct making {
    uv_work_t work;
    struct mint_keys *keys;     /* NULL: they are gone */
    OSSL_LIB_CTX *library;
    enum mint_key kind;
    struct mint_key_pair *made;
    int error;
};

struct mint_keys {
    uv_loop_t *loop;
    OSSL_LIB_CTX *library;
    mint_keys_fn *on_key;
    void *context;
    struct mint_key_pair *pairs[MINT_KEYS];
    struct making *making[MINT_KEYS];
};

struct mint_key_pair *mint_key_pair_ref(struct mint_key_pair *p)
{
    p->references++;
    return p;
}

void mint_key_pair_unref(struct mint_key_pair *p)
{
    if (p == NULL || --p->references > 0)
        return;
    EVP_PKEY_free(p->key);
    OPENSSL_free(p->spki);
    free(p);
}

bool mint_key_pair_is_fresh(const struct mint_key_pair *p, uint64_t now_ms)
{
    return now_ms - p->made_ms < 2 * (uint64_t)MINT_KEY_LIFE_MS;
}

static int pair_new(struct mint_key_pair **out, OSSL_LIB_CTX *library, enum mint_key kind)
{
    struct mint_key_pair *p = calloc(1, sizeof(*p));
    int n = 0;

    if (p == NULL)
        return -ENOMEM;
    p->references = 1;
    p->key = kind == MINT_RSA2048 ? EVP_PKEY_Q_keygen(library, NULL, "RSA", (size_t)2048)
                                  : EVP_PKEY_Q_keygen(library, NULL, "EC", "P-256");
    if (p->key != NULL)
        n = i2d_PUBKEY(p->key, &p->spki);
    ERR_clear_error();
    if (n <= 0) {
        mint_key_pair_unref(p);
        return -ENOMEM;
    }
    p->spki_len = (size_t)n;
    *out = p;
    return 0;
}

static void keep(struct mint_keys *k, enum mint_key kind, struct mint_key_pair *p)
{
    p->made_ms = uv_now(k->loop);
    mint_key_pair_unref(k->pairs[kind]);
    k->pairs[kind] = p;
}

/* ------------------------------------------------------------ in a thread ---- */

static void make(uv_work_t *work)
{
    struct making *m = work->data;

    m->error = pair_new(&m->made, m->library, m->kind);
}

static void made(uv_work_t *work, int status)
{
    struct making *m = work->data;
    struct mint_keys *k = m->keys;
    enum mint_key kind = m->kind;
    int error = status < 0 ? status : m->error;

    if (k != NULL) {
        k->making[kind] = NULL;
        if (error == 0)
            keep(k, kind, own_steal(&m->made));
    }
    mint_key_pair_unref(m->made);
    free(m);
    if (k != NULL)
        k->on_key(k->context, kind, error);
}

static int make_in_thread(struct mint_keys *k, enum mint_key kind)
{
    struct making *m;
    int r;

    if (k->making[kind] != NULL)
        return 0;
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return -ENOMEM;
    m->work.data = m;
    m->keys = k;
    m->library = k->library;
    m->kind = kind;
    r = uv_queue_work(k->loop, &m->work, make, made);
    if (r < 0) {
        free(m);
        return r;
    }
    k->making[kind] = m;
    return 0;
}

/* ------------------------------------------------------------------- life ---- */

int mint_keys_get(struct mint_keys *k, enum mint_key kind, struct mint_key_pair **out)
{
    struct mint_key_pair *p = k->pairs[kind];
    bool old = p == NULL || uv_now(k->loop) - p->made_ms >= MINT_KEY_LIFE_MS;
    int r = 0;

    if (old && kind == MINT_P256) {
        r = pair_new(&p, k->library, kind);
        if (r == 0)
            keep(k, kind, p);
    } else if (old) {
        r = make_in_thread(k, kind);
        if (r == 0 && k->pairs[kind] == NULL)
            return -EAGAIN;
    }
    /* A key that could not be renewed serves on: it is tried again with the next. */
    if (k->pairs[kind] == NULL)
        return r;
    *out = k->pairs[kind];
    return 0;
}

int mint_keys_new(struct mint_keys **out, uv_loop_t *loop, OSSL_LIB_CTX *library,
                  mint_keys_fn *on_key, void *context)
{
    struct mint_keys *k = calloc(1, sizeof(*k));
    struct mint_key_pair *p;
    int r;

    if (k == NULL)
        return -ENOMEM;
    k->loop = loop;
    k->library = library;
    k->on_key = on_key;
    k->context = context;
    r = mint_keys_get(k, MINT_P256, &p);
    if (r < 0) {
        mint_keys_free(k);
        return r;
    }
    *out = k;
    return 0;
}

void mint_keys_free(struct mint_keys *k)
{
    if (k == NULL)
        return;
    for (int i = 0; i < MINT_KEYS; i++) {
        mint_key_pair_unref(k->pairs[i]);
        if (k->making[i] != NULL) {
            k->making[i]->keys = NULL;
            (void)uv_cancel((uv_req_t *)&k->making[i]->work);
        }
    }
    free(k);
}
