/* OpenSSL's allocations, by the hooks it has for that.  Linked with --wrap, so that these
 * calls are counted like our own. */
#include <midwatch/types.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "alloc_fail.h"

/* OpenSSL 3.0 drops a few small things of its own when its allocations fail.  What we forget of
 * its objects shows when only our allocations fail: then these functions are not in use. */
MW_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:openssl_take\nleak:openssl_resize\n";
}

static void *openssl_take(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(bytes);
}

static void *openssl_resize(void *old, size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(old, bytes);
}

static void give_back(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

bool alloc_fail_openssl(void)
{
    return CRYPTO_set_mem_functions(openssl_take, openssl_resize, give_back) == 1;
}
