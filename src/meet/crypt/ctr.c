#include "meet/crypt/ctr.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "meet/crypt/library.h"

enum { MAC_BLOCK = 64 };        /* SHA-256 works on these (RFC 2104: B) */

struct crypt_ctr {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
};

int crypt_ctr_new(struct crypt_ctr **out, const struct mw_crypto *c)
{
    struct crypt_ctr *s = calloc(1, sizeof *s);
    int r = 0;

    (void)c;
    if (s == NULL)
        return -ENOMEM;
    library_begin();
    s->cipher = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    s->ctx = EVP_CIPHER_CTX_new();
    if (s->cipher == NULL || s->ctx == NULL ||
        EVP_EncryptInit_ex2(s->ctx, s->cipher, NULL, NULL, NULL) != 1)
        r = library_failed(-EIO);
    library_end();
    if (r == 0)
        *out = s;
    else
        crypt_ctr_free(s);
    return r;
}

int crypt_ctr_rekey(struct crypt_ctr *s, const uint8_t key[CRYPT_CTR_KEY])
{
    int r = 0;

    library_begin();
    if (EVP_EncryptInit_ex2(s->ctx, NULL, key, NULL, NULL) != 1)
        r = library_failed(-EIO);
    library_end();
    return r;
}

void crypt_ctr_free(struct crypt_ctr *s)
{
    if (s == NULL)
        return;
    EVP_CIPHER_CTX_free(s->ctx);        /* cleanses its key */
    EVP_CIPHER_free(s->cipher);
    free(s);
}

int crypt_ctr_crypt(struct crypt_ctr *s, const uint8_t iv[CRYPT_CTR_BLOCK], struct mw_span in,
                    uint8_t *out)
{
    int done = 0, r = 0;

    if (in.len > INT_MAX)
        return -EMSGSIZE;
    library_begin();
    if (EVP_EncryptInit_ex2(s->ctx, NULL, NULL, iv, NULL) != 1 ||
        (in.len > 0 && EVP_EncryptUpdate(s->ctx, out, &done, in.data, (int)in.len) != 1) ||
        (size_t)done != in.len)
        r = library_failed(-EIO);
    library_end();
    if (r != 0 && in.len > 0)
        secret_clear(out, in.len);
    return r;
}

/* HMAC by its definition (RFC 2104) over one digest context: EVP_MAC copies contexts, and thereby
 * allocates, for every message. */
struct crypt_mac {
    EVP_MD_CTX *ctx;
    uint8_t inner[MAC_BLOCK], outer[MAC_BLOCK];
};

int crypt_mac_new(struct crypt_mac **out, const struct mw_crypto *c)
{
    struct crypt_mac *s = calloc(1, sizeof *s);
    int r = 0;

    if (s == NULL)
        return -ENOMEM;
    library_begin();
    s->ctx = EVP_MD_CTX_new();
    if (s->ctx == NULL || EVP_DigestInit_ex2(s->ctx, c->hash[CRYPT_SHA256], NULL) != 1)
        r = library_failed(-EIO);
    library_end();
    if (r == 0)
        *out = s;
    else
        crypt_mac_free(s);
    return r;
}

int crypt_mac_rekey(struct crypt_mac *s, struct mw_span key)
{
    if (key.len == 0 || key.len > MAC_BLOCK)
        return -EINVAL;
    for (size_t i = 0; i < MAC_BLOCK; i++) {
        uint8_t k = i < key.len ? key.data[i] : 0;

        s->inner[i] = k ^ 0x36;
        s->outer[i] = k ^ 0x5c;
    }
    return 0;
}

void crypt_mac_free(struct crypt_mac *s)
{
    if (s == NULL)
        return;
    EVP_MD_CTX_free(s->ctx);
    secret_clear(s, sizeof *s);
    free(s);
}

/* H(pad || parts), where the digest context stays the one it is. */
static bool digest(struct crypt_mac *s, const uint8_t pad[MAC_BLOCK], const struct mw_span *parts,
                   size_t n, uint8_t out[CRYPT_MAC_SIZE])
{
    bool good = EVP_DigestInit_ex2(s->ctx, NULL, NULL) == 1 &&
                EVP_DigestUpdate(s->ctx, pad, MAC_BLOCK) == 1;

    for (size_t i = 0; good && i < n; i++)
        good = parts[i].len == 0 || EVP_DigestUpdate(s->ctx, parts[i].data, parts[i].len) == 1;
    return good && EVP_DigestFinal_ex(s->ctx, out, NULL) == 1;
}

int crypt_mac_sum(struct crypt_mac *s, const struct mw_span *parts, size_t n,
                  uint8_t out[CRYPT_MAC_SIZE])
{
    struct mw_span inner = { out, CRYPT_MAC_SIZE };
    int r = 0;

    library_begin();
    if (!digest(s, s->inner, parts, n, out) || !digest(s, s->outer, &inner, 1, out))
        r = library_failed(-EIO);
    library_end();
    if (r != 0)
        secret_clear(out, CRYPT_MAC_SIZE);
    return r;
}
