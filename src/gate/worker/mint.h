/*
 * Leaves for clients: minted by the forge, kept by what they are for.
 * Life:   mint_new() -> mint_ask()* -> callbacks -> mint_free()
 * Memory: leaves are counted references; the cache is bounded by MINT_MAX_CACHED, least recently
 *         used goes first.
 * One mint for each miss, however many wait.
 */
#ifndef GATE_WORKER_MINT_H
#define GATE_WORKER_MINT_H

#include <openssl/ssl.h>

#include "base/clock.h"
#include "gate/wire/channel.h"
#include "gate/wire/mint.h"

enum { MINT_MAX_CACHED = 4096, MINT_LIMIT_MS = 3000 };

/* A certificate ready for use: leaf, its intermediate, and this worker's key of that kind. */
struct minted {
    unsigned references;
    X509 *leaf, *intermediate;
    EVP_PKEY *key;
    uint8_t sha256[32];         /* of the leaf */
    struct mw_wall not_after;
    bool untrusted;
};
struct minted *minted_ref(struct minted *m);
void minted_unref(struct minted *m);    /* NULL ok */

struct mint;
struct mint_wait;

/* status MINT_OK: m is a reference of the callback's.  why: one clause. */
typedef void mint_fn(void *context, enum mint_status status, struct minted *m, const char *why);

/* Owns the channel's descriptor.  library: what its certificates and keys are read and made in; it
 * outlives the loop.  Makes the worker's leaf keys: P-256 now and anew every day,
 * RSA 2048 in a thread when first needed. */
MW_MUST_CHECK int mint_new(struct mint **out, uv_loop_t *loop, OSSL_LIB_CTX *library,
                           int forge_fd);
void mint_free(struct mint *m);         /* NULL ok; callbacks do not come any more */

/* key names the cache entry, besides ca and kind: origin fingerprint, name, policy.  If it is
 * cached, *found is a reference and nothing is called; else *out may be cancelled until the
 * callback comes, never from within. */
struct mint_order {
    enum mint_ca ca;
    enum mint_key kind;
    const uint8_t *key;         /* 32 bytes */
    struct mw_span host, origin;        /* as in struct mint_ask */
    struct mw_wall now;
};
MW_MUST_CHECK int mint_ask(struct mint *m, const struct mint_order *order, struct minted **found,
                           mint_fn *on_done, void *context, struct mint_wait **out);
void mint_cancel(struct mint_wait *w);  /* NULL ok */

#endif
