/*
 * What HPKE costs beyond its own public-key operations.
 *   price    the multiplications that the operation cannot do without, by the libraries' same
 *            calls in a loop of their own: sealing makes an ephemeral key and derives, opening
 *            derives
 *   seal     hpke_seal() of 64 bytes, base mode: fresh ephemeral key and all
 *   open     hpke_open() by a recipient who has its public key at hand
 * Each line is the median of rounds in which price and operation take turns, in processor time:
 * nothing here waits, and what else the machine does must not decide.
 *
 * usage: bench_hpke [ROUNDS]
 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "meet/hpke/hpke.h"

enum { ROUNDS = 41, BATCH = 20, PLAIN = 64 };

static void check(bool well, const char *what)
{
    if (well)
        return;
    fprintf(stderr, "bench_hpke: %s failed\n", what);
    exit(1);
}

struct kem {
    const char *name;
    uint16_t number;
    int curve;          /* OpenSSL's number, 0: Montgomery */
    const char *key;    /* OpenSSL's name, NULL: libsodium's */
};

static const struct kem kems[] = {
    { "X25519", 0x20, 0, NULL },
    { "P-256", 0x10, NID_X9_62_prime256v1, NULL },
    { "X448", 0x21, 0, "X448" },
    { "P-521", 0x12, NID_secp521r1, NULL },
    { "P-384", 0x11, NID_secp384r1, NULL },
};

/* A recipient, and something that was sealed to it. */
struct scene {
    const struct kem *kem;
    struct mw_crypto *crypto;
    EC_GROUP *curve;            /* of NIST, else */
    EVP_PKEY_CTX *importer;
    struct hpke_suite suite;
    struct mw_span scalar, point, enc;
    uint8_t bytes[3][CRYPT_POINT_MAX], sealed[PLAIN + CRYPT_TAG], plain[PLAIN];
};

static void scene_make(struct scene *s, const struct kem *kem)
{
    enum crypt_group g;

    memset(s, 0, sizeof *s);
    s->kem = kem;
    s->suite = (struct hpke_suite){ kem->number, 1, 1 };
    check(mw_crypto_new(&s->crypto) == 0, "opening the library");
    check(hpke_group(kem->number, &g), "finding the KEM");
    s->curve = kem->curve != 0 ? EC_GROUP_new_by_curve_name(kem->curve) : NULL;
    s->importer = kem->key != NULL ? EVP_PKEY_CTX_new_from_name(NULL, kem->key, NULL) : NULL;
    check(s->importer == NULL || EVP_PKEY_fromdata_init(s->importer) == 1, "reading keys");
    s->scalar = span_of(s->bytes[0], crypt_scalar_size(g));
    s->point = span_of(s->bytes[1], crypt_point_size(g));
    s->enc = span_of(s->bytes[2], crypt_point_size(g));
    check(hpke_pair_make(s->crypto, kem->number, mw_random_system(), s->bytes[0], s->bytes[1]) == 0,
          "making a key");
}

static void scene_free(struct scene *s)
{
    EC_GROUP_free(s->curve);
    EVP_PKEY_CTX_free(s->importer);
    mw_crypto_free(s->crypto);
}

static void seal(struct scene *s)
{
    struct mw_span none = { NULL, 0 };

    check(hpke_seal(s->crypto, s->suite, mw_random_system(), s->point, none, none,
                    span_of(s->plain, PLAIN), s->bytes[2], s->sealed) == 0, "sealing");
}

static void open_sealed(struct scene *s)
{
    struct mw_span none = { NULL, 0 };

    check(hpke_open(s->crypto, s->suite, s->scalar, s->point, s->enc, none, none,
                    span_of(s->sealed, sizeof s->sealed), s->plain) == 0, "opening");
}

/* The multiplications, by the calls that src/meet/crypt makes for them.  X25519: libsodium's. */
static void multiply_bytes(const struct scene *s, bool base)
{
    uint8_t out[crypto_scalarmult_BYTES];

    check((base ? crypto_scalarmult_base(out, s->scalar.data)
                : crypto_scalarmult(out, s->scalar.data, s->point.data)) == 0, "multiplying");
}

/* X448: one key that is both sides of the derivation, read by a context that is kept. */
static void multiply_raw(const struct scene *s)
{
    OSSL_PARAM fields[3] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)s->point.data,
                                          s->point.len),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)s->scalar.data,
                                          s->scalar.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *both = NULL;
    EVP_PKEY_CTX *ctx;
    uint8_t out[56];
    size_t len = sizeof out;

    check(EVP_PKEY_fromdata(s->importer, &both, EVP_PKEY_KEYPAIR, fields) == 1, "reading a key");
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, both, NULL);
    check(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, both, 0) == 1 &&
          EVP_PKEY_derive(ctx, out, &len) == 1, "deriving");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(both);
}

static void multiply_point(const struct scene *s, bool base)
{
    BN_CTX *work = BN_CTX_new();
    BIGNUM *n = BN_bin2bn(s->scalar.data, (int)s->scalar.len, NULL), *x = BN_new();
    EC_POINT *p = EC_POINT_new(s->curve), *product = EC_POINT_new(s->curve);
    uint8_t out[CRYPT_POINT_MAX];

    if (base) {
        check(EC_POINT_mul(s->curve, product, n, NULL, NULL, work) == 1 &&
              EC_POINT_point2oct(s->curve, product, POINT_CONVERSION_UNCOMPRESSED, out,
                                 sizeof out, work) > 0, "multiplying");
    } else {
        check(EC_POINT_oct2point(s->curve, p, s->point.data, s->point.len, work) == 1 &&
              EC_POINT_mul(s->curve, product, NULL, p, n, work) == 1 &&
              EC_POINT_get_affine_coordinates(s->curve, product, x, NULL, work) == 1 &&
              BN_bn2binpad(x, out, (int)s->scalar.len) > 0, "multiplying");
    }
    EC_POINT_clear_free(p);
    EC_POINT_clear_free(product);
    BN_clear_free(n);
    BN_clear_free(x);
    BN_CTX_free(work);
}

static void multiply(const struct scene *s, bool base)
{
    if (s->curve != NULL)
        multiply_point(s, base);
    else if (s->importer != NULL)
        multiply_raw(s);
    else
        multiply_bytes(s, base);
}

static void price_open(struct scene *s)
{
    multiply(s, false);
}

static void price_seal(struct scene *s)
{
    multiply(s, true);
    price_open(s);
}

static double us_of(void (*run)(struct scene *s), struct scene *s)
{
    clock_t from = clock();

    for (int i = 0; i < BATCH; i++)
        run(s);
    return (double)(clock() - from) * 1e6 / CLOCKS_PER_SEC / BATCH;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return values[n / 2];
}

static void compare(const char *what, void (*run)(struct scene *s), void (*price)(struct scene *s),
                    struct scene *s, int rounds)
{
    double *cost = calloc((size_t)rounds, sizeof *cost);
    double *least = calloc((size_t)rounds, sizeof *least);
    double a, b;

    check(cost != NULL && least != NULL, "memory");
    for (int i = 0; i < rounds; i++) {
        least[i] = us_of(price, s);
        cost[i] = us_of(run, s);
    }
    a = median(cost, rounds);
    b = median(least, rounds);
    printf("%-8s %-5s %9.1f us   its multiplications %9.1f us   ratio %.2f\n", s->kem->name, what,
           a, b, a / b);
    free(cost);
    free(least);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : ROUNDS;

    if (rounds < 1) {
        fprintf(stderr, "usage: bench_hpke [ROUNDS]\n");
        return 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(kems); i++) {
        struct scene s;

        scene_make(&s, &kems[i]);
        compare("seal", seal, price_seal, &s, rounds);
        compare("open", open_sealed, price_open, &s, rounds);
        scene_free(&s);
    }
    return 0;
}
