#include "meet/crypt/library.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>
#include <sys/random.h>

#include "meet/crypt/curve25519.h"

/* Keys that only know their curve: a copy takes a third of the time that setting the curve up
 * takes. */
static int fetch_parameters(struct mw_crypto *c)
{
    static const char *const names[LIBRARY_CURVES] = { "P-256", "P-384", "P-521" };

    for (size_t i = 0; i < LIBRARY_CURVES; i++) {
        OSSL_PARAM fields[2] = {
            OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)names[i], 0),
            OSSL_PARAM_construct_end(),
        };
        int r = library_key(c, LIBRARY_EC, EVP_PKEY_KEY_PARAMETERS, fields, &c->parameters[i]);

        if (r != 0)
            return r;
    }
    return 0;
}

static int fetch(struct mw_crypto *c)
{
    static const char *const ciphers[LIBRARY_CIPHERS] = { "AES-128-GCM", "AES-256-GCM",
                                                          "ChaCha20-Poly1305" };
    static const int curves[LIBRARY_CURVES] = { NID_X9_62_prime256v1, NID_secp384r1,
                                                NID_secp521r1 };

    for (size_t i = 0; i < LIBRARY_CIPHERS; i++)
        if ((c->cipher[i] = EVP_CIPHER_fetch(NULL, ciphers[i], NULL)) == NULL)
            return library_failed(-EIO);
    for (size_t i = 0; i < LIBRARY_CURVES; i++)
        if ((c->curve[i] = EC_GROUP_new_by_curve_name(curves[i])) == NULL)
            return library_failed(-EIO);
    c->importers = calloc(1, sizeof *c->importers);
    if (c->importers == NULL || secret_pool_new(&c->secrets) != 0)
        return -ENOMEM;
    return fetch_parameters(c);
}

int mw_crypto_new(struct mw_crypto **out)
{
    CLEANUP(crypt_freep) struct mw_crypto *c = calloc(1, sizeof *c);
    int r;

    if (c == NULL)
        return -ENOMEM;
    library_begin();
    r = fetch(c);
    library_end();
    if (r == 0)
        r = curve25519_begin();
    if (r != 0)
        return r;
    *out = c;
    c = NULL;
    return 0;
}

void mw_crypto_free(struct mw_crypto *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < LIBRARY_CIPHERS; i++)
        EVP_CIPHER_free(c->cipher[i]);
    for (size_t i = 0; i < LIBRARY_CURVES; i++)
        EC_GROUP_free(c->curve[i]);
    for (size_t i = 0; i < LIBRARY_CURVES; i++)
        EVP_PKEY_free(c->parameters[i]);
    for (size_t i = 0; c->importers != NULL && i < LIBRARY_TYPES; i++)
        EVP_PKEY_CTX_free(atomic_load(&c->importers->idle[i]));
    free(c->importers);
    secret_pool_free(c->secrets);
    free(c);
}

void crypt_freep(struct mw_crypto **at)
{
    mw_crypto_free(*at);
}

static int system_fill(void *context, uint8_t *out, size_t len)
{
    (void)context;
    while (len > 0) {
        ssize_t n = getrandom(out, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        out += n;
        len -= (size_t)n;
    }
    return 0;
}

struct mw_random mw_random_system(void)
{
    return (struct mw_random){ system_fill, NULL };
}

void *crypt_secret(const struct mw_crypto *c, size_t len)
{
    return secret_from(c->secrets, len);
}

bool crypt_equal(struct mw_span a, struct mw_span b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

void library_begin(void)
{
    ERR_set_mark();
}

void library_end(void)
{
    ERR_pop_to_mark();
}

int library_failed(int otherwise)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE ? -ENOMEM : otherwise;
}

static EVP_PKEY_CTX *importer_take(const struct mw_crypto *c, enum library_type type)
{
    static const char *const names[LIBRARY_TYPES] = { "X448", "ED448", "EC" };
    EVP_PKEY_CTX *ctx = atomic_exchange(&c->importers->idle[type], NULL);

    if (ctx == NULL) {
        ctx = EVP_PKEY_CTX_new_from_name(NULL, names[type], NULL);
        if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) != 1) {
            EVP_PKEY_CTX_free(ctx);
            return NULL;
        }
    }
    return ctx;
}

static void importer_give_back(const struct mw_crypto *c, enum library_type type,
                               EVP_PKEY_CTX *ctx)
{
    EVP_PKEY_CTX_free(atomic_exchange(&c->importers->idle[type], ctx));
}

int library_key(const struct mw_crypto *c, enum library_type type, int what, OSSL_PARAM *fields,
                EVP_PKEY **out)
{
    EVP_PKEY_CTX *ctx = importer_take(c, type);
    EVP_PKEY *key = NULL;

    if (ctx == NULL)
        return library_failed(-EIO);
    if (EVP_PKEY_fromdata(ctx, &key, what, fields) != 1) {
        EVP_PKEY_free(key);
        EVP_PKEY_CTX_free(ctx);
        return library_failed(-EIO);
    }
    importer_give_back(c, type, ctx);
    *out = key;
    return 0;
}

int library_raw_key(const struct mw_crypto *c, enum library_type type, size_t size,
                    const uint8_t *scalar, const uint8_t *point, EVP_PKEY **out)
{
    OSSL_PARAM fields[3], *next = fields;

    if (point != NULL)
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, size);
    if (scalar != NULL)
        *next++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)scalar,
                                                    size);
    *next = OSSL_PARAM_construct_end();
    return library_key(c, type, scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, fields,
                       out);
}

void library_md_free(EVP_MD_CTX **at)
{
    EVP_MD_CTX_free(*at);
}

void library_pkey_free(EVP_PKEY **at)
{
    EVP_PKEY_free(*at);
}

void library_pkey_ctx_free(EVP_PKEY_CTX **at)
{
    EVP_PKEY_CTX_free(*at);
}

void library_bn_ctx_free(BN_CTX **at)
{
    BN_CTX_free(*at);
}

void library_bn_wipe(BIGNUM **at)
{
    BN_clear_free(*at);
}

void library_point_wipe(EC_POINT **at)
{
    EC_POINT_clear_free(*at);
}
