#include "gate/forge/memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"

/* Five keys, the largest of 3072 bits, with what is computed from them. */
enum { SECURE_HEAP = 1 << 18, SECURE_LEAST = 32 };

void memory_harden(void)
{
    const struct rlimit none = { 0, 0 };
    int r;

    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        log_warning("forge: core dumps cannot be switched off: %s", strerror(errno));
    if (CRYPTO_secure_malloc_initialized() == 1)
        return;
    r = CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST);
    if (r == 0)
        log_warning("forge: there is no memory of its own for keys");
    else if (r == 2)
        log_warning("forge: memory for keys cannot be locked; raise the limit (ulimit -l) to "
                    "keep them out of swap");
}
