#include "gate/worker/algorithms.h"

#include <errno.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/span.h"

enum {
    TABLE_MAX = 32,             /* of one operation: OpenSSL 3.0 has nine kinds of keys of these */
    OPERATIONS = OSSL_OP_STORE, /* the last there is */
};

/* What OpenSSL asks a provider for carries no more than that provider's own context, and that has
 * to be the default provider's, whose functions these are.  So this one stands by itself: the same
 * whenever it is filled in, and from then on only read. */
static struct {
    OSSL_PROVIDER *all;
    OSSL_ALGORITHM few[OPERATIONS + 1][TABLE_MAX + 1];
} tables;

/* --------------------------------------------------------------------- which ---- */

/* By the first of its names.  What is not in here is asked for as it is: random numbers,
 * encoders. */
static const struct {
    int operation;
    const char *names[16];
} needed[] = {
    { OSSL_OP_DIGEST, { "MD5-SHA1", "SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512" } },
    { OSSL_OP_CIPHER, { "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305" } },
    { OSSL_OP_MAC, { "HMAC" } },
    { OSSL_OP_KDF, { "HKDF", "TLS13-KDF", "TLS1-PRF" } },
    { OSSL_OP_KEYMGMT,
      { "RSA", "RSA-PSS", "EC", "X25519", "ED25519", "ED448", "HKDF", "TLS1-PRF", "HMAC" } },
    { OSSL_OP_KEYEXCH, { "ECDH", "X25519", "HKDF", "TLS1-PRF" } },
    { OSSL_OP_SIGNATURE, { "RSA", "ECDSA", "ED25519", "ED448", "HMAC" } },
    { OSSL_OP_ASYM_CIPHER, { "RSA" } },
    /* "DER" takes the outermost layer off. */
    { OSSL_OP_DECODER, { "DER", "RSA", "RSA-PSS", "EC", "ED25519", "ED448" } },
};

static bool is_named(const OSSL_ALGORITHM *a, const char *name)
{
    size_t len = strlen(name);

    return strncmp(a->algorithm_names, name, len) == 0 &&
           (a->algorithm_names[len] == '\0' || a->algorithm_names[len] == ':');
}

static bool is_needed(const OSSL_ALGORITHM *a, int operation, const char *const names[16])
{
    /* Certificates have keys in one form alone. */
    if (operation == OSSL_OP_DECODER &&
        (strstr(a->property_definition, "structure=SubjectPublicKeyInfo") == NULL ||
         strstr(a->property_definition, "input=der") == NULL))
        return false;
    for (size_t i = 0; i < 16 && names[i] != NULL; i++)
        if (is_named(a, names[i]))
            return true;
    return false;
}

/* false: nothing of the kind was found, or more than there is room for. */
static bool table_fill(int operation, const char *const names[16])
{
    int no_cache;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(tables.all, operation, &no_cache);
    OSSL_ALGORITHM *table = tables.few[operation];
    size_t n = 0;

    for (; a != NULL && a->algorithm_names != NULL; a++) {
        if (!is_needed(a, operation, names))
            continue;
        if (n == TABLE_MAX)
            return false;
        table[n++] = *a;
    }
    table[n] = (OSSL_ALGORITHM){ 0 };
    return n > 0;
}

/* -------------------------------------------------------------- as a provider ---- */

static const OSSL_ALGORITHM *on_query(void *unused, int operation, int *no_cache)
{
    (void)unused;
    *no_cache = 0;
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (needed[i].operation == operation)
            return tables.few[operation];
    return OSSL_PROVIDER_query_operation(tables.all, operation, no_cache);
}

static int on_capabilities(void *unused, const char *name, OSSL_CALLBACK *each, void *context)
{
    (void)unused;
    return OSSL_PROVIDER_get_capabilities(tables.all, name, each, context);
}

static int on_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                   const OSSL_DISPATCH **out, void **context)
{
    static const OSSL_DISPATCH functions[] = {
        { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))on_query },
        { OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))on_capabilities },
        { 0, NULL },
    };

    (void)handle;
    (void)in;
    *out = functions;
    *context = OSSL_PROVIDER_get0_provider_ctx(tables.all);
    return 1;
}

/* ---------------------------------------------------------------------- life ---- */

static int is_other(OSSL_PROVIDER *p, void *found)
{
    bool *other = found;

    if (strcmp(OSSL_PROVIDER_get0_name(p), "default") != 0)
        *other = true;
    return 1;
}

/* Nothing else was set up for this process, and no rule of which to prefer. */
static bool is_plain(void)
{
    bool other = false;

    return OSSL_PROVIDER_available(NULL, "default") == 1 &&
           OSSL_PROVIDER_do_all(NULL, is_other, &other) == 1 && !other &&
           EVP_default_properties_is_fips_enabled(NULL) == 0;
}

int algorithms_init(struct algorithms *a)
{
    *a = (struct algorithms){ .context = NULL };
    if (!is_plain())
        return 0;
    /* Held for good: what it gave out points into it. */
    if (tables.all == NULL)
        tables.all = OSSL_PROVIDER_load(NULL, "default");
    if (tables.all == NULL)
        goto failed;
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (!table_fill(needed[i].operation, needed[i].names))
            return 0;           /* an OpenSSL that is made in another way */
    a->context = OSSL_LIB_CTX_new();
    if (a->context == NULL || OSSL_PROVIDER_add_builtin(a->context, "few", on_init) != 1)
        goto failed;
    a->few = OSSL_PROVIDER_load(a->context, "few");
    if (a->few != NULL)
        return 0;
failed:
    ERR_clear_error();
    algorithms_deinit(a);
    return -ENOMEM;
}

void algorithms_deinit(struct algorithms *a)
{
    if (a->few != NULL)
        OSSL_PROVIDER_unload(a->few);
    OSSL_LIB_CTX_free(a->context);
    *a = (struct algorithms){ .context = NULL };
}
