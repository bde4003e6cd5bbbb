/* Diffie-Hellman: RFC 7748's vectors, OpenSSL's other way of doing the same, and keys that are
 * none. */
#include "crypto_fixture.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "meet/crypt/library.h"

static const uint8_t zeros[CRYPT_POINT_MAX];
static const enum crypt_group groups[] = { CRYPT_P256, CRYPT_P384, CRYPT_P521, CRYPT_X25519,
                                           CRYPT_X448 };
enum { NIST = 3 };

static struct mw_span scalar_of(enum crypt_group g, const uint8_t *bytes)
{
    return span_of(bytes, crypt_scalar_size(g));
}

static struct mw_span point_of(enum crypt_group g, const uint8_t *bytes)
{
    return span_of(bytes, crypt_point_size(g));
}

/* RFC 7748 6.1 and 6.2. */
static void vectors_of_rfc_7748(void **state)
{
    static const struct {
        enum crypt_group group;
        const char *a, *a_public, *b, *b_public, *shared;
    } cases[] = {
        { CRYPT_X25519,
          "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
          "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
          "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
          "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
          "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742" },
        { CRYPT_X448,
          "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28d"
          "d9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
          "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c"
          "22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
          "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d"
          "6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
          "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b430"
          "27d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
          "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282b"
          "b60c0b56fd2464c335543936521c24403085d59a449a5037514a879d" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum crypt_group g = cases[i].group;
        struct mw_span a = test_hex(0, cases[i].a), b = test_hex(1, cases[i].b);
        struct mw_span a_public = test_hex(2, cases[i].a_public);
        struct mw_span b_public = test_hex(3, cases[i].b_public);
        struct mw_span shared = test_hex(4, cases[i].shared);
        uint8_t out[CRYPT_POINT_MAX];

        assert_int_equal(crypt_public(*state, g, a, out), 0);
        assert_memory_equal(out, a_public.data, a_public.len);
        assert_int_equal(crypt_public(*state, g, b, out), 0);
        assert_memory_equal(out, b_public.data, b_public.len);
        assert_int_equal(crypt_shared(*state, g, a, b_public, out), 0);
        assert_memory_equal(out, shared.data, shared.len);
        assert_int_equal(crypt_shared(*state, g, b, a_public, out), 0);
        assert_memory_equal(out, shared.data, shared.len);
    }
}

/* The order of a NIST curve as OpenSSL knows it, plus `more`. */
static void order_plus(const struct mw_crypto *c, enum crypt_group g, int more, uint8_t *out)
{
    BIGNUM *n = BN_dup(EC_GROUP_get0_order(c->curve[g]));
    int size = (int)crypt_scalar_size(g);

    assert_int_equal(more < 0 ? BN_sub_word(n, (BN_ULONG)-more) : BN_add_word(n, (BN_ULONG)more),
                     1);
    assert_int_equal(BN_bn2binpad(n, out, size), size);
    BN_free(n);
}

static void scalars_end_below_the_order(void **state)
{
    for (size_t i = 0; i < NIST; i++) {
        enum crypt_group g = groups[i];
        uint8_t s[CRYPT_SCALAR_MAX] = { 0 }, point[CRYPT_POINT_MAX], base[CRYPT_POINT_MAX];

        assert_false(crypt_scalar_fits(g, s));
        s[crypt_scalar_size(g) - 1] = 1;
        assert_true(crypt_scalar_fits(g, s));
        assert_int_equal(crypt_public(*state, g, scalar_of(g, s), base), 0);
        order_plus(*state, g, -1, s);
        assert_true(crypt_scalar_fits(g, s));
        /* n - 1 times the base point is its mirror image: the same abscissa. */
        assert_int_equal(crypt_public(*state, g, scalar_of(g, s), point), 0);
        assert_memory_equal(point, base, 1 + crypt_shared_size(g));
        for (int more = 0; more < 2; more++) {
            order_plus(*state, g, more, s);
            assert_false(crypt_scalar_fits(g, s));
            assert_int_equal(crypt_public(*state, g, scalar_of(g, s), point), CRYPT_E_KEY);
            assert_memory_equal(point, zeros, crypt_point_size(g));
            assert_int_equal(crypt_shared(*state, g, scalar_of(g, s), point_of(g, base), point),
                             CRYPT_E_KEY);
            assert_memory_equal(point, zeros, crypt_shared_size(g));
        }
        memset(s, 0xff, sizeof s);
        assert_false(crypt_scalar_fits(g, s));
    }
    assert_true(crypt_scalar_fits(CRYPT_X25519, zeros));
    assert_true(crypt_scalar_fits(CRYPT_X448, zeros));
}

/* Random bytes that are a private key. */
static void scalar_make(enum crypt_group g, uint8_t *out)
{
    struct mw_random random = mw_random_system();

    do {
        assert_int_equal(random.fill(random.context, out, crypt_scalar_size(g)), 0);
        if (g == CRYPT_P521)
            out[0] &= 1;
    } while (!crypt_scalar_fits(g, out));
}

/* The same by EVP_PKEY_derive(), which takes other roads through OpenSSL. */
static EVP_PKEY *evp_key(enum crypt_group g, const uint8_t *scalar, struct mw_span point)
{
    static const char *const names[] = { "P-256", "P-384", "P-521", "X25519", "X448" };
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    bool nist = g <= CRYPT_P521;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, nist ? "EC" : names[g], NULL);
    BIGNUM *n = BN_bin2bn(scalar, (int)crypt_scalar_size(g), NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *p;

    if (nist) {
        OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, names[g], 0);
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, n);
    } else {
        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PRIV_KEY, scalar,
                                         crypt_scalar_size(g));
    }
    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point.data, point.len);
    p = OSSL_PARAM_BLD_to_param(b);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, p), 1);
    OSSL_PARAM_free(p);
    OSSL_PARAM_BLD_free(b);
    BN_clear_free(n);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void as_evp_does_it(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        enum crypt_group g = groups[i];
        uint8_t a[CRYPT_SCALAR_MAX], b[CRYPT_SCALAR_MAX], a_public[CRYPT_POINT_MAX];
        uint8_t b_public[CRYPT_POINT_MAX], ours[CRYPT_SHARED_MAX], theirs[CRYPT_SHARED_MAX];
        size_t len = sizeof theirs;
        EVP_PKEY *own, *peer;
        EVP_PKEY_CTX *ctx;

        scalar_make(g, a);
        scalar_make(g, b);
        assert_int_equal(crypt_public(*state, g, scalar_of(g, a), a_public), 0);
        assert_int_equal(crypt_public(*state, g, scalar_of(g, b), b_public), 0);
        assert_int_equal(crypt_shared(*state, g, scalar_of(g, a), point_of(g, b_public), ours), 0);
        own = evp_key(g, a, point_of(g, a_public));
        peer = evp_key(g, b, point_of(g, b_public));
        ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
        assert_int_equal(EVP_PKEY_pairwise_check(ctx), 1);
        assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
        assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
        assert_int_equal(EVP_PKEY_derive(ctx, theirs, &len), 1);
        assert_int_equal(len, crypt_shared_size(g));
        assert_memory_equal(ours, theirs, len);
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(own);
        EVP_PKEY_free(peer);
    }
}

static void refused(const struct mw_crypto *c, enum crypt_group g, struct mw_span point)
{
    uint8_t scalar[CRYPT_SCALAR_MAX], out[CRYPT_SHARED_MAX];

    scalar_make(g, scalar);
    memset(out, 1, sizeof out);
    assert_int_equal(crypt_shared(c, g, scalar_of(g, scalar), point, out), CRYPT_E_KEY);
    assert_memory_equal(out, zeros, crypt_shared_size(g));
    assert_int_equal(crypt_point_check(c, g, point), CRYPT_E_KEY);
}

/* RFC 9180 7.1.4: coordinates in range, on the curve, not the point at infinity, and in the one
 * form that 7.1.1 writes. */
static void points_off_the_curve(void **state)
{
    for (size_t i = 0; i < NIST; i++) {
        enum crypt_group g = groups[i];
        size_t size = crypt_point_size(g), half = crypt_shared_size(g);
        uint8_t s[CRYPT_SCALAR_MAX], good[CRYPT_POINT_MAX], bad[CRYPT_POINT_MAX];
        BIGNUM *p = BN_new(), *x = BN_new();

        scalar_make(g, s);
        assert_int_equal(crypt_public(*state, g, scalar_of(g, s), good), 0);
        assert_int_equal(crypt_point_check(*state, g, point_of(g, good)), 0);
        for (size_t byte = 1; byte < size; byte += 7) {
            memcpy(bad, good, size);
            bad[byte] ^= 0x10;
            refused(*state, g, point_of(g, bad));
        }
        for (int form = 0; form < 8; form++) {
            memcpy(bad, good, size);
            bad[0] = (uint8_t)form;
            if (form != 4)
                refused(*state, g, point_of(g, bad));
        }
        /* The same point with an abscissa of p + x, where that fits. */
        assert_int_equal(EC_GROUP_get_curve(((struct mw_crypto *)*state)->curve[g], p, NULL, NULL,
                                            NULL), 1);
        assert_non_null(BN_bin2bn(good + 1, (int)half, x));
        assert_int_equal(BN_add(x, x, p), 1);
        memcpy(bad, good, size);
        if (BN_bn2binpad(x, bad + 1, (int)half) == (int)half)
            refused(*state, g, point_of(g, bad));
        memset(bad, 0, size);
        refused(*state, g, point_of(g, bad));           /* no form at all */
        bad[0] = 4;
        refused(*state, g, point_of(g, bad));           /* (0, 0) */
        BN_free(p);
        BN_free(x);
    }
}

/* RFC 9180 7.1.4: what gives all zeros, whatever the private key. */
static void points_of_small_order(void **state)
{
    static const struct {
        enum crypt_group group;
        const char *point;
    } cases[] = {
        { CRYPT_X25519, "0000000000000000000000000000000000000000000000000000000000000000" },
        { CRYPT_X25519, "0100000000000000000000000000000000000000000000000000000000000000" },
        { CRYPT_X25519, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800" },
        { CRYPT_X25519, "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157" },
        { CRYPT_X25519, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
        { CRYPT_X25519, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
        { CRYPT_X25519, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
        { CRYPT_X25519, "0000000000000000000000000000000000000000000000000000000000000080" },
        { CRYPT_X25519, "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7" },
        { CRYPT_X25519, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
        { CRYPT_X448, "00000000000000000000000000000000000000000000000000000000"
                      "00000000000000000000000000000000000000000000000000000000" },
        { CRYPT_X448, "01000000000000000000000000000000000000000000000000000000"
                      "00000000000000000000000000000000000000000000000000000000" },
        { CRYPT_X448, "feffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                      "feffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
        { CRYPT_X448, "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
                      "feffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
        { CRYPT_X448, "00000000000000000000000000000000000000000000000000000000"
                      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        refused(*state, cases[i].group, test_hex(0, cases[i].point));
}

/* What stands next to a point of small order, and what is no canonical number but a point. */
static void neighbours_are_points(void **state)
{
    static const char *const points[] = {
        "0200000000000000000000000000000000000000000000000000000000000000",
        "0001000000000000000000000000000000000000000000000000000000000000",
        "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "efffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edfffffffffffffffffffffffffffffffffffffffffffffffffffffffffeff7f",
        "0200000000000000000000000000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000",
        "fdffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "feffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "01000000000000000000000000000000000000000000000000000000"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };

    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        struct mw_span p = test_hex(0, points[i]);
        enum crypt_group g = p.len == 32 ? CRYPT_X25519 : CRYPT_X448;
        uint8_t scalar[CRYPT_SCALAR_MAX], out[CRYPT_SHARED_MAX];

        scalar_make(g, scalar);
        assert_int_equal(crypt_point_check(*state, g, p), 0);
        assert_int_equal(crypt_shared(*state, g, scalar_of(g, scalar), p, out), 0);
    }
}

static void sizes_that_are_others(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        enum crypt_group g = groups[i];
        uint8_t s[CRYPT_SCALAR_MAX + 1] = { 0 }, p[CRYPT_POINT_MAX + 1], out[CRYPT_POINT_MAX];
        struct mw_span scalar = scalar_of(g, s), point = point_of(g, p);

        scalar_make(g, s);
        assert_int_equal(crypt_public(*state, g, scalar, p), 0);
        for (int more = -1; more < 2; more += 2) {
            struct mw_span bad = span_of(p, point.len + (size_t)more);

            refused(*state, g, bad);
            bad = span_of(s, scalar.len + (size_t)more);
            assert_int_equal(crypt_public(*state, g, bad, out), CRYPT_E_KEY);
            assert_int_equal(crypt_shared(*state, g, bad, point, out), CRYPT_E_KEY);
        }
        refused(*state, g, (struct mw_span){ NULL, 0 });
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_7748),  cmocka_unit_test(scalars_end_below_the_order),
        cmocka_unit_test(as_evp_does_it),       cmocka_unit_test(points_off_the_curve),
        cmocka_unit_test(points_of_small_order), cmocka_unit_test(neighbours_are_points),
        cmocka_unit_test(sizes_that_are_others),
    };

    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
