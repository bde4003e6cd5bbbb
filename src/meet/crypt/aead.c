#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "meet/crypt/library.h"

struct crypt_sealer {
    EVP_CIPHER_CTX *ctx;
    size_t key_size;
};

size_t crypt_key_size(enum crypt_aead a)
{
    return a == CRYPT_AES_128_GCM ? 16 : 32;
}

static int begin(struct crypt_sealer *s, const struct mw_crypto *c, enum crypt_aead a,
                 struct mw_span key)
{
    s->key_size = crypt_key_size(a);
    if (key.len != s->key_size)
        return CRYPT_E_KEY;
    s->ctx = EVP_CIPHER_CTX_new();
    if (s->ctx == NULL)
        return -ENOMEM;
    return EVP_CipherInit_ex2(s->ctx, c->cipher[a], key.data, NULL, 1, NULL) == 1
               ? 0
               : library_failed(-EIO);
}

static void end(struct crypt_sealer *s)
{
    EVP_CIPHER_CTX_free(s->ctx);    /* wipes the key */
}

int crypt_sealer_new(struct crypt_sealer **out, const struct mw_crypto *c, enum crypt_aead a,
                     struct mw_span key)
{
    CLEANUP(crypt_sealer_freep) struct crypt_sealer *s = calloc(1, sizeof *s);
    int r;

    if (s == NULL)
        return -ENOMEM;
    library_begin();
    r = begin(s, c, a, key);
    library_end();
    if (r != 0)
        return r;
    *out = s;
    s = NULL;
    return 0;
}

int crypt_sealer_rekey(struct crypt_sealer *s, struct mw_span key)
{
    int r = 0;

    if (key.len != s->key_size)
        return CRYPT_E_KEY;
    library_begin();
    if (EVP_CipherInit_ex2(s->ctx, NULL, key.data, NULL, -1, NULL) != 1)
        r = library_failed(-EIO);
    library_end();
    return r;
}

void crypt_sealer_free(struct crypt_sealer *s)
{
    if (s == NULL)
        return;
    end(s);
    free(s);
}

void crypt_sealer_freep(struct crypt_sealer **at)
{
    crypt_sealer_free(*at);
}

/* EVP counts in int: what is longer goes in pieces.  out NULL: additional data. */
static bool update(EVP_CIPHER_CTX *ctx, uint8_t *out, struct mw_span in)
{
    while (in.len > 0) {
        int piece = in.len > INT_MAX / 2 ? INT_MAX / 2 : (int)in.len, took;

        if (EVP_CipherUpdate(ctx, out, &took, in.data, piece) != 1)
            return false;
        in = span_cut(in, (size_t)piece, in.len);
        if (out != NULL)
            out += piece;
    }
    return true;
}

/* Neither of these marks OpenSSL's queue of errors, which costs a tenth of a short frame: a tag
 * that does not match adds nothing to it (a test holds it to that), and the rest never fails. */
int crypt_sealer_seal(struct crypt_sealer *s, const uint8_t nonce[CRYPT_NONCE],
                      struct mw_span aad, struct mw_span plain, uint8_t *out)
{
    uint8_t none[16];
    int took;

    if (EVP_CipherInit_ex2(s->ctx, NULL, NULL, nonce, 1, NULL) == 1 && update(s->ctx, NULL, aad) &&
        update(s->ctx, out, plain) && EVP_CipherFinal_ex(s->ctx, none, &took) == 1 &&
        EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_GET_TAG, CRYPT_TAG, out + plain.len) == 1)
        return 0;
    secret_clear(out, plain.len + CRYPT_TAG);
    return library_failed(-EIO);
}

int crypt_sealer_open(struct crypt_sealer *s, const uint8_t nonce[CRYPT_NONCE],
                      struct mw_span aad, struct mw_span sealed, uint8_t *out)
{
    uint8_t none[16], tag[CRYPT_TAG];
    struct mw_span body;
    int r = 0, took;

    if (sealed.len < CRYPT_TAG)
        return CRYPT_E_FORGED;
    body = span_cut(sealed, 0, sealed.len - CRYPT_TAG);
    memcpy(tag, sealed.data + body.len, CRYPT_TAG);
    if (EVP_CipherInit_ex2(s->ctx, NULL, NULL, nonce, 0, NULL) != 1 ||
        !update(s->ctx, NULL, aad) || !update(s->ctx, out, body) ||
        EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_TAG, CRYPT_TAG, tag) != 1)
        r = library_failed(-EIO);
    else if (EVP_CipherFinal_ex(s->ctx, none, &took) != 1)
        r = CRYPT_E_FORGED;
    if (r != 0)
        secret_clear(out, body.len);    /* what a forger wrote, decrypted, is nobody's to see */
    return r;
}

int crypt_seal(const struct mw_crypto *c, enum crypt_aead a, struct mw_span key,
               const uint8_t nonce[CRYPT_NONCE], struct mw_span aad, struct mw_span plain,
               uint8_t *out)
{
    CLEANUP(end) struct crypt_sealer s = { 0 };
    int r;

    library_begin();
    r = begin(&s, c, a, key);
    library_end();
    if (r != 0) {
        secret_clear(out, plain.len + CRYPT_TAG);
        return r;
    }
    return crypt_sealer_seal(&s, nonce, aad, plain, out);
}

int crypt_open(const struct mw_crypto *c, enum crypt_aead a, struct mw_span key,
               const uint8_t nonce[CRYPT_NONCE], struct mw_span aad, struct mw_span sealed,
               uint8_t *out)
{
    CLEANUP(end) struct crypt_sealer s = { 0 };
    int r;

    if (sealed.len < CRYPT_TAG)
        return CRYPT_E_FORGED;
    library_begin();
    r = begin(&s, c, a, key);
    library_end();
    if (r != 0) {
        secret_clear(out, sealed.len - CRYPT_TAG);
        return r;
    }
    return crypt_sealer_open(&s, nonce, aad, sealed, out);
}
