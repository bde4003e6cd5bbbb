/* Threads share one struct mw_crypto: each does a bit of everything, and all is right. */
#include "crypto_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { THREADS = 4, TURNS = 40 };

struct worker {
    const struct mw_crypto *crypto;
    pthread_t thread;
    int seed;
    int wrong;
};

/* cmocka's asserts are for its own thread: what went wrong is counted. */
static void agree(struct worker *w, enum crypt_group g)
{
    uint8_t a[CRYPT_SCALAR_MAX], b[CRYPT_SCALAR_MAX];
    uint8_t a_public[CRYPT_POINT_MAX], b_public[CRYPT_POINT_MAX];
    uint8_t one[CRYPT_SHARED_MAX], other[CRYPT_SHARED_MAX];
    size_t n = crypt_scalar_size(g), size = crypt_point_size(g);

    memset(a, 1 + w->seed, sizeof a);
    memset(b, 101 + w->seed, sizeof b);
    a[0] = b[0] = 1;
    w->wrong += crypt_public(w->crypto, g, span_of(a, n), a_public) != 0;
    w->wrong += crypt_public(w->crypto, g, span_of(b, n), b_public) != 0;
    w->wrong += crypt_shared(w->crypto, g, span_of(a, n), span_of(b_public, size), one) != 0;
    w->wrong += crypt_shared(w->crypto, g, span_of(b, n), span_of(a_public, size), other) != 0;
    w->wrong += memcmp(one, other, crypt_shared_size(g)) != 0;
}

static void sign(struct worker *w, enum crypt_signer s)
{
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX], out[CRYPT_SIGNATURE_MAX];
    struct mw_span key = span_of(scalar, crypt_signing_key_size(s));
    size_t len = 0;

    memset(scalar, 1 + w->seed, sizeof scalar);
    w->wrong += crypt_verifier_of(w->crypto, s, key, point) != 0;
    w->wrong += crypt_sign(w->crypto, s, key, SPAN_LIT("content"), out, &len) != 0;
    w->wrong += crypt_verify(w->crypto, s, span_of(point, crypt_verifier_size(s)),
                             SPAN_LIT("content"), span_of(out, len)) != 0;
}

static void *work(void *context)
{
    struct worker *w = context;
    const struct mw_span part = SPAN_LIT("part");
    uint8_t out[CRYPT_HASH_MAX], again[CRYPT_HASH_MAX];

    for (int turn = 0; turn < TURNS; turn++) {
        agree(w, CRYPT_X25519);
        agree(w, CRYPT_P256);
        sign(w, CRYPT_ED25519);
        sign(w, CRYPT_ECDSA_P256);
        w->wrong += crypt_hmac(w->crypto, CRYPT_SHA384, part, &part, 1, out) != 0;
        w->wrong += crypt_hmac(w->crypto, CRYPT_SHA384, part, &part, 1, again) != 0;
        w->wrong += memcmp(out, again, 48) != 0;
    }
    return NULL;
}

static void four_threads(void **state)
{
    struct worker workers[THREADS] = { 0 };

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .crypto = *state, .seed = i };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].wrong, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(four_threads) };

    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
