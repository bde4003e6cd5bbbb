#include "meet/crypt/ctr.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "meet/crypt/library.h"

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

/* Without a mark on OpenSSL's queue of errors, as in aead.c. */
int crypt_ctr_crypt(struct crypt_ctr *s, const uint8_t iv[CRYPT_CTR_BLOCK], struct mw_span in,
                    uint8_t *out)
{
    int done = 0;

    if (in.len > INT_MAX)
        return -EMSGSIZE;
    if (EVP_EncryptInit_ex2(s->ctx, NULL, NULL, iv, NULL) == 1 &&
        (in.len == 0 || EVP_EncryptUpdate(s->ctx, out, &done, in.data, (int)in.len) == 1) &&
        (size_t)done == in.len)
        return 0;
    if (in.len > 0)
        secret_clear(out, in.len);
    return library_failed(-EIO);
}
