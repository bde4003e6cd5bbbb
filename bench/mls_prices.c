#include <midwatch/mls_meeting.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/mls_prices.h"

void check(int error, const char *what)
{
    if (error == 0)
        return;
    fprintf(stderr, "bench_mls: %s: %s\n", what, mw_mls_error_text(error));
    exit(1);
}

double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_size);
    return v[n / 2];
}

/* Suite 1's operations, bare, by the library that does them here (docs/decisions/0047, 0051). */

static void raw_public(uint8_t *scratch)
{
    check(crypto_scalarmult_base(scratch + 32, scratch), "X25519");
}

static void raw_shared(uint8_t *scratch)
{
    check(crypto_scalarmult(scratch + 64, scratch, scratch + 32), "X25519");
}

/* From the seed, as we hold keys. */
static void raw_sign(uint8_t *scratch)
{
    uint8_t whole[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair(scratch + 192, whole, scratch);
    crypto_sign_detached(scratch + 128, NULL, scratch, 128, whole);
}

static void raw_verify(uint8_t *scratch)
{
    check(crypto_sign_verify_detached(scratch + 128, scratch, 128, scratch + 192), "Ed25519");
}

/* The same by OpenSSL, with keys that were read before. */
static struct {
    EVP_PKEY *agree, *sign;
    EVP_PKEY_CTX *agreeing;
    EVP_MD_CTX *signing, *verifying;
} theirs;

static void openssl_check(int one)
{
    check(one == 1 ? 0 : -1, "OpenSSL");
}

static void openssl_begin(void)
{
    static const uint8_t seed[32] = { 9 };

    theirs.agree = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, seed, sizeof(seed));
    theirs.sign = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    theirs.agreeing = EVP_PKEY_CTX_new(theirs.agree, NULL);
    theirs.signing = EVP_MD_CTX_new();
    theirs.verifying = EVP_MD_CTX_new();
    openssl_check(theirs.agreeing != NULL && theirs.signing != NULL && theirs.verifying != NULL);
    openssl_check(EVP_PKEY_derive_init(theirs.agreeing));
    openssl_check(EVP_PKEY_derive_set_peer(theirs.agreeing, theirs.agree));
    openssl_check(EVP_DigestSignInit(theirs.signing, NULL, NULL, NULL, theirs.sign));
    openssl_check(EVP_DigestVerifyInit(theirs.verifying, NULL, NULL, NULL, theirs.sign));
}

void prices_end(void)
{
    EVP_MD_CTX_free(theirs.verifying);
    EVP_MD_CTX_free(theirs.signing);
    EVP_PKEY_CTX_free(theirs.agreeing);
    EVP_PKEY_free(theirs.sign);
    EVP_PKEY_free(theirs.agree);
}

/* The public half comes with reading the private one. */
static void openssl_public(uint8_t *scratch)
{
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, scratch, 32);

    openssl_check(pair != NULL);
    EVP_PKEY_free(pair);
}

static void openssl_shared(uint8_t *scratch)
{
    size_t len = 32;

    openssl_check(EVP_PKEY_derive(theirs.agreeing, scratch + 64, &len));
}

static void openssl_sign_over(const uint8_t *content, size_t content_len, uint8_t *signature)
{
    size_t len = 64;

    openssl_check(EVP_DigestSign(theirs.signing, signature, &len, content, content_len));
}

static void openssl_verify_over(const uint8_t *content, size_t len, const uint8_t *signature)
{
    openssl_check(EVP_DigestVerify(theirs.verifying, signature, 64, content, len));
}

static void openssl_sign(uint8_t *scratch)
{
    openssl_sign_over(scratch, 128, scratch + 128);
}

static void openssl_verify(uint8_t *scratch)
{
    openssl_verify_over(scratch, 128, scratch + 128);
}

void prices_of_byte(double price[MAKERS])
{
    enum { LONG = 1 << 20, TURNS = 5 };
    uint8_t *content = calloc(1, LONG), point[32], whole[64], signature[64], other[64];
    double turns[MAKERS][TURNS];

    check(content == NULL ? -1 : crypto_sign_keypair(point, whole), "Ed25519");
    crypto_sign_detached(signature, NULL, content, LONG, whole);
    openssl_sign_over(content, LONG, other);
    for (size_t t = 0; t < TURNS; t++) {
        double from = now_us(), between;

        check(crypto_sign_verify_detached(signature, content, LONG, point), "Ed25519");
        between = now_us();
        openssl_verify_over(content, LONG, other);
        turns[OURS][t] = (between - from) / LONG;
        turns[OPENSSL][t] = (now_us() - between) / LONG;
    }
    free(content);
    for (size_t m = 0; m < MAKERS; m++)
        price[m] = median(turns[m], TURNS);
}

/* Each maker has its own, since the signature in it is by the maker's key. */
static uint8_t scratch[MAKERS][256];

void prices_sample(double price[MAKERS][OPS])
{
    static void (*const raw[MAKERS][OPS])(uint8_t *) = {
        { raw_public, raw_shared, raw_sign, raw_verify },
        { openssl_public, openssl_shared, openssl_sign, openssl_verify },
    };
    enum { LOOP = 12 };

    for (size_t m = 0; m < MAKERS; m++) {
        for (size_t op = 0; op < OPS; op++) {
            double from = now_us();

            for (int i = 0; i < LOOP; i++)
                raw[m][op](scratch[m]);
            price[m][op] = (now_us() - from) / LOOP;
        }
    }
}

void prices_begin(void)
{
    openssl_begin();
    scratch[OURS][0] = scratch[OPENSSL][0] = 9;
    raw_public(scratch[OURS]);
    raw_shared(scratch[OURS]);
    raw_sign(scratch[OURS]);
    openssl_sign(scratch[OPENSSL]);
}
