/* Certificates read with few algorithms are what they are with all, and cost fewer questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <cmocka.h>

#include "gate/worker/algorithms.h"
#include "lab/mill.h"

static const struct mill_spec spec = { .subject = "CN=www.shop.test",
                                       .names = "DNS:www.shop.test",
                                       .not_before = { 1700000000 },
                                       .not_after = { 1900000000 } };

static void make(struct mill_cert **cert, enum mill_key kind)
{
    EVP_PKEY *key;

    assert_int_equal(mill_key_new(&key, kind, false), 0);
    assert_int_equal(mill_issue(cert, &spec, key, NULL), 0);
    EVP_PKEY_free(key);
}

static X509 *read_in(OSSL_LIB_CTX *library, struct mw_span der)
{
    const unsigned char *at = der.data;
    X509 *x = X509_new_ex(library, NULL);

    assert_non_null(d2i_X509(&x, &at, (long)der.len));
    return x;
}

static void reads_every_key_that_tls_takes(void **state)
{
    static const enum mill_key kinds[] = {
        MILL_P256, MILL_P384, MILL_P521, MILL_ED25519, MILL_RSA2048, MILL_RSA4096,
    };
    struct algorithms a;

    (void)state;
    assert_int_equal(algorithms_init(&a), 0);
    assert_non_null(a.context);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct mill_cert *cert;
        X509 *few, *all;

        make(&cert, kinds[i]);
        few = read_in(a.context, mill_cert_der(cert));
        all = read_in(NULL, mill_cert_der(cert));
        assert_non_null(X509_get0_pubkey(few));
        assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(few), X509_get0_pubkey(all)), 1);
        /* It signed itself, so this uses the key, and the digests of the context. */
        assert_int_equal(X509_verify(few, X509_get0_pubkey(few)), 1);
        X509_free(few);
        X509_free(all);
        mill_cert_free(cert);
    }
    algorithms_deinit(&a);
}

static void does_not_know_keys_that_tls_does_not_take(void **state)
{
    struct mill_cert *cert;
    struct algorithms a;
    X509 *few;

    (void)state;
    assert_int_equal(algorithms_init(&a), 0);
    make(&cert, MILL_DSA2048);
    few = read_in(a.context, mill_cert_der(cert));
    assert_null(X509_get0_pubkey(few));
    ERR_clear_error();
    X509_free(few);
    mill_cert_free(cert);
    algorithms_deinit(&a);
}

static void count(OSSL_DECODER *decoder, void *n)
{
    (void)decoder;
    ++*(size_t *)n;
}

static void asks_few_decoders(void **state)
{
    size_t few = 0, all = 0;
    struct algorithms a;

    (void)state;
    assert_int_equal(algorithms_init(&a), 0);
    OSSL_DECODER_do_all_provided(a.context, count, &few);
    OSSL_DECODER_do_all_provided(NULL, count, &all);
    assert_in_range(few, 1, all / 4);
    algorithms_deinit(&a);
}

/* Whoever set up another provider meant it. */
static void another_provider_stays_in_use(void **state)
{
    OSSL_PROVIDER *other = OSSL_PROVIDER_load(NULL, "null");
    struct algorithms a;

    (void)state;
    assert_non_null(other);
    assert_int_equal(algorithms_init(&a), 0);
    assert_null(a.context);
    algorithms_deinit(&a);
    OSSL_PROVIDER_unload(other);
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
    assert_int_equal(algorithms_init(&a), 0);
    assert_null(a.context);
    assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_key_that_tls_takes),
        cmocka_unit_test(does_not_know_keys_that_tls_does_not_take),
        cmocka_unit_test(asks_few_decoders),
        cmocka_unit_test(another_provider_stays_in_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
