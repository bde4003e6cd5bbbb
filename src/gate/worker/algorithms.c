#include "gate/worker/algorithms.h"

#include <errno.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/span.h"

enum { TABLE_MAX = 256 };       /* OpenSSL 3.0 has 40 decoders and 18 kinds of keys */

/* What OpenSSL asks a provider for carries no more than that provider's own context, and that has to
 * be the default provider's, whose functions these are.  So this one stands by itself: the same
 * whenever it is filled in, and from then on only read. */
static struct {
    OSSL_PROVIDER *all;
    OSSL_ALGORITHM decoders[TABLE_MAX + 1], keys[TABLE_MAX + 1];
} tables;

/* --------------------------------------------------------------------- which ---- */

static bool is_named(const OSSL_ALGORITHM *a, const char *name)
{
    size_t len = strlen(name);

    return strncmp(a->algorithm_names, name, len) == 0 &&
           (a->algorithm_names[len] == '\0' || a->algorithm_names[len] == ':');
}

/* No suite and no group of ours needs them, and no certificate with them is good for one. */
static bool is_needless(const OSSL_ALGORITHM *a)
{
    static const char *const names[] = {
        "DH", "DHX", "DSA", "SM2", "X448", "SCRYPT", "SIPHASH", "POLY1305", "CMAC",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (is_named(a, names[i]))
            return true;
    return false;
}

static bool key_is_needed(const OSSL_ALGORITHM *a)
{
    return !is_needless(a);
}

/* Those that read a certificate's SubjectPublicKeyInfo. */
static bool decoder_is_needed(const OSSL_ALGORITHM *a)
{
    return strstr(a->property_definition, "structure=SubjectPublicKeyInfo") != NULL &&
           strstr(a->property_definition, "input=der") != NULL && !is_needless(a) &&
           !is_named(a, "X25519");
}

/* false: more than there is room for. */
static bool table_fill(OSSL_ALGORITHM table[TABLE_MAX + 1], int operation,
                       bool (*is_needed)(const OSSL_ALGORITHM *))
{
    int no_cache;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(tables.all, operation, &no_cache);
    size_t n = 0;

    for (; a != NULL && a->algorithm_names != NULL; a++) {
        if (!is_needed(a))
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
    if (operation == OSSL_OP_DECODER)
        return tables.decoders;
    if (operation == OSSL_OP_KEYMGMT)
        return tables.keys;
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
    if (!table_fill(tables.decoders, OSSL_OP_DECODER, decoder_is_needed) ||
        !table_fill(tables.keys, OSSL_OP_KEYMGMT, key_is_needed))
        return 0;               /* an OpenSSL that is made in another way */
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
