#include "meet/crypt/mac.h"

#include <errno.h>
#include <stdlib.h>

#include "meet/crypt/sha.h"

enum { KEY_MAX = 64 };          /* a block of SHA-256: nothing longer is asked for */

struct crypt_mac {
    struct hmac keyed;
};

int crypt_mac_new(struct crypt_mac **out)
{
    struct crypt_mac *s = calloc(1, sizeof *s);

    if (s == NULL)
        return -ENOMEM;
    *out = s;
    return 0;
}

void crypt_mac_free(struct crypt_mac *s)
{
    if (s != NULL)
        hmac_wipe(&s->keyed);
    free(s);
}

int crypt_mac_rekey(struct crypt_mac *s, struct mw_span key)
{
    if (key.len == 0 || key.len > KEY_MAX)
        return -EINVAL;
    hmac_key(&s->keyed, CRYPT_SHA256, key);
    return s->keyed.inner.failed || s->keyed.outer.failed ? -EIO : 0;
}

int crypt_mac_sum(struct crypt_mac *s, const struct mw_span *parts, size_t n,
                  uint8_t out[CRYPT_MAC_SIZE])
{
    struct sha message = hmac_begin(&s->keyed);

    sha_add(&message, parts, n);
    return hmac_finish(&s->keyed, &message, out);
}
