/*
 * SFrame frames beside the bare AEAD of the same library: AES-GCM with one EVP_CIPHER_CTX whose key
 * stays and whose nonce is set for each message, the same sizes, additional data as long as the
 * header and metadata are.  For the suites with AES-CTR and HMAC that is AES-CTR alone.
 *
 * Both take turns in short rounds, in processor time, and the median of the rounds' ratios counts:
 * what else the machine does must not decide.
 *
 * usage: bench_sframe [ROUNDS]
 */
#include <midwatch/sframe.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/span.h"

enum {
    FRAMES = 64,                /* in a round */
    ROUNDS_MAX = 100000,
    ROOM = 6000 + MW_SFRAME_OVERHEAD_MAX,
    AAD = 5,                    /* bytes of a header with KID and counter of two bytes each */
    SENDERS = 4,
};

static size_t allocations;

static void check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_sframe: %s\n", what);
        exit(1);
    }
}

static void *count_malloc(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(bytes);
}

static void *count_realloc(void *old, size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(old, bytes);
}

static void count_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bench {
    struct mw_crypto *crypto;
    struct mw_sframe *from[SENDERS], *to;
    EVP_CIPHER_CTX *seal, *open;
    bool gcm;
    size_t size;
    uint8_t (*frames)[ROOM];            /* FRAMES of them */
    size_t len[FRAMES];
    uint8_t (*bare)[ROOM];
    uint8_t nonce[FRAMES][16];
    uint8_t plain[ROOM];
};

/* ------------------------------------------------------------------------- ours ---- */

static void ours_begin(struct bench *b, enum mw_sframe_suite suite)
{
    struct mw_sframe_options o = { .suite = suite, .index_bits = 10, .epoch_bits = 4, .streams = 1,
                                   .short_tags = true };
    static const uint8_t key[48] = "what the exporter of an epoch gives";
    struct mw_span base_key = span_of(key, sizeof key);

    check(mw_sframe_new(&b->to, b->crypto, &o) == 0, "no context");
    check(mw_sframe_add_epoch(b->to, 3, base_key, 1000) == 0, "no epoch");
    for (unsigned i = 0; i < SENDERS; i++) {
        check(mw_sframe_new(&b->from[i], b->crypto, &o) == 0 &&
                  mw_sframe_add_epoch(b->from[i], 3, base_key, 1000) == 0 &&
                  mw_sframe_send_as(b->from[i], 3, 500 + i) == 0 &&
                  mw_sframe_raise_counter(b->from[i], 0, 1000) == 0,
              "no sender");
    }
}

static void ours_end(struct bench *b)
{
    mw_sframe_free(b->to);
    for (unsigned i = 0; i < SENDERS; i++)
        mw_sframe_free(b->from[i]);
}

static double ours_seal(struct bench *b)
{
    double from = now_s();

    for (size_t i = 0; i < FRAMES; i++)
        check(mw_sframe_seal(b->from[i % SENDERS], 0, span_of(NULL, 0), span_of(b->plain, b->size),
                             b->frames[i], ROOM, &b->len[i]) == 0,
              "not sealed");
    return now_s() - from;
}

static double ours_open(struct bench *b)
{
    static uint8_t out[ROOM];
    struct mw_sframe_opened o;
    double from = now_s();

    for (size_t i = 0; i < FRAMES; i++)
        check(mw_sframe_open(b->to, span_of(NULL, 0), span_of(b->frames[i], b->len[i]), out, ROOM,
                             &o) == 0,
              "not opened");
    return now_s() - from;
}

/* ------------------------------------------------------------------------- bare ---- */

static void bare_begin(struct bench *b, enum mw_sframe_suite suite)
{
    const char *name = suite == 4 ? "AES-128-GCM" : suite == 5 ? "AES-256-GCM" : "AES-128-CTR";
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    static const uint8_t key[32] = { 7 };

    b->gcm = suite >= 4;
    b->seal = EVP_CIPHER_CTX_new();
    b->open = EVP_CIPHER_CTX_new();
    check(cipher != NULL && b->seal != NULL && b->open != NULL &&
              EVP_EncryptInit_ex2(b->seal, cipher, key, NULL, NULL) == 1 &&
              EVP_DecryptInit_ex2(b->open, cipher, key, NULL, NULL) == 1,
          "no cipher");
    EVP_CIPHER_free(cipher);
    for (size_t i = 0; i < FRAMES; i++)
        memcpy(b->nonce[i], &i, sizeof i);
}

static void bare_end(struct bench *b)
{
    EVP_CIPHER_CTX_free(b->seal);
    EVP_CIPHER_CTX_free(b->open);
}

static double bare_seal(struct bench *b)
{
    static const uint8_t aad[AAD] = { 1, 2, 3, 4, 5 };
    int size = (int)b->size, n;
    double from = now_s();

    for (size_t i = 0; i < FRAMES; i++)
        check(EVP_EncryptInit_ex2(b->seal, NULL, NULL, b->nonce[i], NULL) == 1 &&
                  (!b->gcm || EVP_EncryptUpdate(b->seal, NULL, &n, aad, AAD) == 1) &&
                  EVP_EncryptUpdate(b->seal, b->bare[i], &n, b->plain, size) == 1 &&
                  EVP_EncryptFinal_ex(b->seal, b->bare[i] + size, &n) == 1 &&
                  (!b->gcm || EVP_CIPHER_CTX_ctrl(b->seal, EVP_CTRL_AEAD_GET_TAG, 16,
                                                  b->bare[i] + size) == 1),
              "not enciphered");
    return now_s() - from;
}

static double bare_open(struct bench *b)
{
    static const uint8_t aad[AAD] = { 1, 2, 3, 4, 5 };
    static uint8_t out[ROOM];
    int size = (int)b->size, n;
    double from = now_s();

    for (size_t i = 0; i < FRAMES; i++)
        check(EVP_DecryptInit_ex2(b->open, NULL, NULL, b->nonce[i], NULL) == 1 &&
                  (!b->gcm || EVP_DecryptUpdate(b->open, NULL, &n, aad, AAD) == 1) &&
                  EVP_DecryptUpdate(b->open, out, &n, b->bare[i], size) == 1 &&
                  (!b->gcm || EVP_CIPHER_CTX_ctrl(b->open, EVP_CTRL_AEAD_SET_TAG, 16,
                                                  b->bare[i] + size) == 1) &&
                  EVP_DecryptFinal_ex(b->open, out + size, &n) == 1,
              "not deciphered");
    return now_s() - from;
}

/* ---------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return v[n / 2];
}

/* One way: how many frames a second, ours and bare, and how they compare round by round. */
static void turns(struct bench *b, int rounds, double (*bare)(struct bench *),
                  double (*ours)(struct bench *), bool more, const char *what)
{
    static double times[2][ROUNDS_MAX], ratio[ROUNDS_MAX];

    for (int i = 0; i < rounds; i++) {
        if (more)
            (void)ours_seal(b); /* frames that were not opened yet */
        times[0][i] = bare(b);
        times[1][i] = ours(b);
        ratio[i] = times[0][i] / times[1][i];
    }
    printf("   %s %5.0f k/s, bare %5.0f k/s, ratio %.2f", what,
           FRAMES / median(times[1], rounds) / 1e3, FRAMES / median(times[0], rounds) / 1e3,
           median(ratio, rounds));
}

static void compare(struct bench *b, enum mw_sframe_suite suite, size_t size, int rounds)
{
    size_t before;

    b->size = size;
    ours_begin(b, suite);
    bare_begin(b, suite);
    (void)ours_seal(b);                 /* derives keys, touches memory */
    (void)ours_open(b);
    before = allocations;
    printf("suite %d %5zu B", (int)suite, size);
    turns(b, rounds, bare_seal, ours_seal, false, "seal");
    turns(b, rounds, bare_open, ours_open, true, "open");
    printf("   %zu allocations\n", allocations - before);
    bare_end(b);
    ours_end(b);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = { 120, 1200, 6000 };
    static const enum mw_sframe_suite suites[] = { 4, 5, 1, 2, 3 };
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1000;
    static struct bench b;

    check(rounds > 0 && rounds <= ROUNDS_MAX, "ROUNDS is a number from 1 to 100000");
    check(CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) == 1, "counting");
    b.frames = calloc(FRAMES, ROOM);
    b.bare = calloc(FRAMES, ROOM);
    check(b.frames != NULL && b.bare != NULL && mw_crypto_new(&b.crypto) == 0, "memory");
    printf("frames a second beside bare AES-GCM (suites 1 to 3: beside AES-CTR without a tag)\n");
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        for (size_t k = 0; k < ARRAY_LEN(sizes); k++)
            compare(&b, suites[i], sizes[k], rounds);
    mw_crypto_free(b.crypto);
    free(b.frames);
    free(b.bare);
    return 0;
}
