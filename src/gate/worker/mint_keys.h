/*
 * The worker's own keys for leaves: never the CA's, never on disk, renewed every day.
 * Life:   mint_keys_new() -> mint_keys_get()* -> mint_keys_free()
 * Memory: keys are counted references: a certificate keeps the key it was minted for.
 * P-256 is made at once, RSA 2048 in a thread; while a thread renews it, yesterday's serves.
 */
#ifndef GATE_WORKER_MINT_KEYS_H
#define GATE_WORKER_MINT_KEYS_H

#include <openssl/evp.h>
#include <uv.h>

#include "base/span.h"
#include "gate/wire/mint.h"

enum { MINT_KEYS = MINT_RSA2048 + 1, MINT_KEY_LIFE_MS = 24 * 3600 * 1000 };

struct mint_key_pair {
    unsigned references;
    EVP_PKEY *key;
    uint8_t *spki;              /* DER */
    size_t spki_len;
    uint64_t made_ms;           /* uv_now() */
};
struct mint_key_pair *mint_key_pair_ref(struct mint_key_pair *p);
void mint_key_pair_unref(struct mint_key_pair *p);      /* NULL ok */

/* May certificates for this key still be handed out?  For two lives: the one it was made in and
 * the next. */
bool mint_key_pair_is_fresh(const struct mint_key_pair *p, uint64_t now_ms);

struct mint_keys;

/* A key that was waited for is there, or could not be made: error is -errno.  Ask again. */
typedef void mint_keys_fn(void *context, enum mint_key kind, int error);

/* library: the context that the keys are for; it outlives the loop's threads. */
MW_MUST_CHECK int mint_keys_new(struct mint_keys **out, uv_loop_t *loop, OSSL_LIB_CTX *library,
                                mint_keys_fn *on_key, void *context);
void mint_keys_free(struct mint_keys *k);       /* NULL ok; a thread at work ends on its own */

/* 0 and *out borrowed; -EAGAIN: on_key() comes, never from within; else -errno. */
MW_MUST_CHECK int mint_keys_get(struct mint_keys *k, enum mint_key kind,
                                struct mint_key_pair **out);

#endif
