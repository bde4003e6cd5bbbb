#include "meet/sframe/cipher.h"

#include <errno.h>

#include "meet/sframe/header.h"

int sframe_cipher_init(struct sframe_cipher *s, const struct mw_crypto *c,
                       const struct sframe_suite *suite)
{
    *s = (struct sframe_cipher){ 0 };
    return sframe_aead_init(&s->aead, c, suite);
}

void sframe_cipher_deinit(struct sframe_cipher *s)
{
    sframe_aead_deinit(&s->aead);
    secret_clear(s, sizeof *s);
}

int sframe_cipher_key(struct sframe_cipher *s, const struct mw_crypto *c,
                      const struct secret *secret, uint64_t kid)
{
    uint8_t key[SFRAME_KEY_MAX];
    int r = sframe_derive(c, s->aead.suite, secret, kid, key, s->salt);

    if (r == 0)
        r = sframe_aead_key(&s->aead, key);
    secret_clear(key, sizeof key);
    s->kid = kid;
    return r;
}

void sframe_cipher_forget(struct sframe_cipher *s)
{
    static const uint8_t no_key[SFRAME_KEY_MAX] = { 0 };

    /* Where one key could be set, so can another; were it not so, _deinit() wipes it. */
    (void)!sframe_aead_key(&s->aead, no_key);
    secret_clear(s->salt, sizeof s->salt);
}

/* Header and metadata, one after the other: the additional data (4.4.3). */
struct aad {
    uint8_t bytes[MW_SFRAME_HEADER_MAX + MW_SFRAME_METADATA_MAX];
    size_t len;
};

static struct mw_span aad_finish(struct aad *a, size_t header, struct mw_span metadata)
{
    if (metadata.len > 0)
        memcpy(a->bytes + header, metadata.data, metadata.len);
    return span_of(a->bytes, header + metadata.len);
}

/* The salt with the counter XORed into its last bytes (4.4.3). */
static void nonce_make(const struct sframe_cipher *s, uint64_t counter, uint8_t nonce[SFRAME_SALT])
{
    memcpy(nonce, s->salt, SFRAME_SALT);
    for (unsigned i = 0; i < 8; i++)
        nonce[SFRAME_SALT - 1 - i] ^= (uint8_t)(counter >> (8 * i));
}

static bool overlaps(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    return a_len > 0 && b_len > 0 && (uintptr_t)a < (uintptr_t)b + b_len &&
           (uintptr_t)b < (uintptr_t)a + a_len;
}

int sframe_seal_check(const struct sframe_cipher *s, uint64_t counter, struct mw_span metadata,
                      struct mw_span plain, size_t room)
{
    size_t more = sframe_header_size(s->kid, counter) + s->aead.suite->tag;

    if (metadata.len > MW_SFRAME_METADATA_MAX || plain.len > MW_SFRAME_FRAME_MAX)
        return -EMSGSIZE;
    return plain.len + more > room ? -EMSGSIZE : 0;
}

int sframe_cipher_seal(struct sframe_cipher *s, uint64_t counter, struct mw_span metadata,
                       struct mw_span plain, uint8_t *out, size_t *len)
{
    LEFT_UNSET struct aad aad;
    size_t header = sframe_header_write(aad.bytes, s->kid, counter);
    size_t whole = header + plain.len + s->aead.suite->tag;
    struct mw_span additional = aad_finish(&aad, header, metadata);
    uint8_t nonce[SFRAME_SALT];
    int r;

    if (plain.data != out + header && overlaps(plain.data, plain.len, out, whole)) {
        memmove(out + header, plain.data, plain.len);
        plain.data = out + header;
    }
    memcpy(out, aad.bytes, header);
    nonce_make(s, counter, nonce);
    r = sframe_aead_seal(&s->aead, nonce, additional, plain, out + header);
    if (r == 0)
        *len = whole;
    return r;
}

int sframe_open_check(const struct sframe_suite *suite, const struct mw_sframe_header *h,
                      struct mw_span metadata, struct mw_span frame, const uint8_t *out,
                      size_t room)
{
    size_t content;

    if (frame.len - h->len < suite->tag)
        return MW_SFRAME_E_HEADER;
    content = frame.len - h->len - suite->tag;
    if (metadata.len > MW_SFRAME_METADATA_MAX || content > MW_SFRAME_FRAME_MAX || content > room)
        return -EMSGSIZE;
    if (out != frame.data && overlaps(out, content, frame.data, frame.len))
        return -EINVAL;
    return 0;
}

int sframe_cipher_open(struct sframe_cipher *s, const struct mw_sframe_header *h,
                       struct mw_span metadata, struct mw_span frame, uint8_t *out,
                       struct mw_span *plain)
{
    LEFT_UNSET struct aad aad;
    struct mw_span sealed = span_cut(frame, h->len, frame.len);
    struct mw_span additional;
    uint8_t nonce[SFRAME_SALT];
    int r;

    if (out == frame.data)
        out += h->len;          /* in place: nothing is moved */
    memcpy(aad.bytes, frame.data, h->len);
    additional = aad_finish(&aad, h->len, metadata);
    nonce_make(s, h->counter, nonce);
    r = sframe_aead_open(&s->aead, nonce, additional, sealed, out);
    if (r == 0)
        *plain = span_of(out, sealed.len - s->aead.suite->tag);
    return r;
}
