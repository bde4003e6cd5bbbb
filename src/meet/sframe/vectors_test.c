/*
 * The test vectors of RFC 9605 appendix C: every header, every AES-CTR with HMAC, every frame.
 * Exit: 0 well, 1 not, 77 the vectors are not there (MW_SHARED names their folder's parent).
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "meet/sframe/cipher.h"
#include "meet/sframe/header.h"

enum { BYTES_MAX = 256 };

static void check(bool good, const char *what, size_t number)
{
    if (!good) {
        fprintf(stderr, "%s, case %zu: wrong\n", what, number);
        exit(1);
    }
}

struct bytes {
    uint8_t at[BYTES_MAX];
    size_t len;
};

static struct mw_span span(const struct bytes *b)
{
    return span_of(b->at, b->len);
}

static struct bytes hex(const json_t *c, const char *key)
{
    const char *s = json_string_value(json_object_get(c, key));
    struct bytes b = { .len = s != NULL ? strlen(s) / 2 : 0 };

    check(s != NULL && b.len <= BYTES_MAX && strlen(s) % 2 == 0, key, 0);
    for (size_t i = 0; i < b.len; i++) {
        char two[3] = { s[2 * i], s[2 * i + 1], 0 };
        char *end;

        b.at[i] = (uint8_t)strtoul(two, &end, 16);
        check(*end == 0, key, i);
    }
    return b;
}

static uint64_t number(const json_t *c, const char *key)
{
    const char *s = json_string_value(json_object_get(c, key));

    check(s != NULL, key, 0);
    return strtoull(s, NULL, 10);
}

static void header(const json_t *c, size_t i)
{
    struct bytes encoded = hex(c, "encoded");
    uint8_t out[MW_SFRAME_HEADER_MAX];
    struct mw_sframe_header h;

    check(mw_sframe_read_header(span(&encoded), &h) == 0 && h.len == encoded.len &&
              h.kid == number(c, "kid") && h.counter == number(c, "ctr"),
          "header read", i);
    check(sframe_header_write(out, h.kid, h.counter) == encoded.len &&
              memcmp(out, encoded.at, encoded.len) == 0,
          "header written", i);
}

static void ctr_hmac(const struct mw_crypto *crypto, const json_t *c, size_t i)
{
    const struct sframe_suite *suite =
        sframe_suite_find((enum mw_sframe_suite)number(c, "cipher_suite"));
    struct bytes key = hex(c, "key"), nonce = hex(c, "nonce"), aad = hex(c, "aad");
    struct bytes pt = hex(c, "pt"), ct = hex(c, "ct"), enc = hex(c, "enc_key"),
                 auth = hex(c, "auth_key");
    struct sframe_aead a;
    uint8_t out[BYTES_MAX];

    check(suite != NULL && suite->ctr && key.len == suite->key && nonce.len == SFRAME_SALT,
          "suite", i);
    check(memcmp(key.at, enc.at, enc.len) == 0 &&
              memcmp(key.at + enc.len, auth.at, auth.len) == 0 && enc.len == CRYPT_CTR_KEY,
          "subkeys", i);
    check(sframe_aead_init(&a, crypto, suite) == 0 && sframe_aead_key(&a, key.at) == 0, "key", i);
    check(sframe_aead_seal(&a, nonce.at, span(&aad), span(&pt), out) == 0 &&
              span_eq(span_of(out, pt.len + suite->tag), span(&ct)),
          "AES-CTR with HMAC sealed", i);
    check(sframe_aead_open(&a, nonce.at, span(&aad), span(&ct), out) == 0 &&
              span_eq(span_of(out, pt.len), span(&pt)),
          "AES-CTR with HMAC opened", i);
    sframe_aead_deinit(&a);
}

static void frame(const struct mw_crypto *crypto, const json_t *c, size_t i)
{
    const struct sframe_suite *suite =
        sframe_suite_find((enum mw_sframe_suite)number(c, "cipher_suite"));
    struct bytes base = hex(c, "base_key"), secret = hex(c, "sframe_secret"),
                 key = hex(c, "sframe_key"), salt = hex(c, "sframe_salt"),
                 metadata = hex(c, "metadata"), pt = hex(c, "pt"), ct = hex(c, "ct");
    uint64_t kid = number(c, "kid"), counter = number(c, "ctr");
    struct secret s = { 0 };
    struct sframe_cipher cipher;
    struct mw_sframe_header h;
    struct mw_span plain;
    uint8_t out[BYTES_MAX], derived[SFRAME_KEY_MAX], derived_salt[SFRAME_SALT];
    size_t len;

    check(suite != NULL && sframe_secret_of(crypto, suite, span(&base), &s) == 0 &&
              span_eq(secret_span(&s), span(&secret)),
          "sframe_secret", i);
    check(sframe_derive(crypto, suite, &s, kid, derived, derived_salt) == 0 &&
              span_eq(span_of(derived, suite->key), span(&key)) &&
              span_eq(span_of(derived_salt, SFRAME_SALT), span(&salt)),
          "sframe_key, sframe_salt", i);
    check(sframe_cipher_init(&cipher, crypto, suite) == 0 &&
              sframe_cipher_key(&cipher, crypto, &s, kid) == 0,
          "key", i);
    check(sframe_cipher_seal(&cipher, counter, span(&metadata), span(&pt), out, &len) == 0 &&
              span_eq(span_of(out, len), span(&ct)),
          "frame sealed", i);
    check(mw_sframe_read_header(span(&ct), &h) == 0 && h.kid == kid && h.counter == counter &&
              sframe_cipher_open(&cipher, &h, span(&metadata), span(&ct), out, &plain) == 0 &&
              span_eq(plain, span(&pt)),
          "frame opened", i);
    sframe_cipher_deinit(&cipher);
    secret_wipe(&s);
}

/* Every number as a string: jansson's integers end at 2^63, a KID does not. */
static void quote_numbers(struct buf *out, struct mw_span text)
{
    bool quoted = false, digits = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        bool digit = !quoted && c >= '0' && c <= '9';

        if (digit != digits)
            buf_str(out, "\"");
        digits = digit;
        if (c == '"')
            quoted = !quoted;
        buf_add(out, span_cut(text, i, 1));
    }
}

static json_t *load(const char *path)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20), quoted = BUF_INIT(1 << 20);
    json_error_t error;
    json_t *all;
    int r = file_read(path, &text);

    if (r == -ENOENT)
        return NULL;
    quote_numbers(&quoted, buf_span(&text));
    check(r == 0 && buf_error(&quoted) == 0, path, 0);
    all = json_loadb((const char *)quoted.data, quoted.len, 0, &error);
    check(all != NULL, error.text, 0);
    return all;
}

int main(void)
{
    const char *shared = getenv("MW_SHARED");
    struct mw_crypto *crypto;
    char path[4096];
    json_t *all, *c;
    size_t i, n[3];

    snprintf(path, sizeof path, "%s/vectors/sframe-rfc9605.json",
             shared != NULL ? shared : "../shared");
    all = load(path);
    if (all == NULL) {
        printf("skipped: no %s\n", path);
        return 77;
    }
    check(mw_crypto_new(&crypto) == 0, "crypto", 0);
    json_array_foreach(json_object_get(all, "header"), i, c) header(c, i);
    json_array_foreach(json_object_get(all, "aes_ctr_hmac"), i, c) ctr_hmac(crypto, c, i);
    json_array_foreach(json_object_get(all, "sframe"), i, c) frame(crypto, c, i);
    n[0] = json_array_size(json_object_get(all, "header"));
    n[1] = json_array_size(json_object_get(all, "aes_ctr_hmac"));
    n[2] = json_array_size(json_object_get(all, "sframe"));
    printf("%zu headers, %zu AES-CTR with HMAC, %zu frames: all passed, none skipped\n", n[0], n[1],
           n[2]);
    check(n[0] == 289 && n[1] == 3 && n[2] == 5, "number of cases", 0);
    mw_crypto_free(crypto);
    json_decref(all);
    return 0;
}
