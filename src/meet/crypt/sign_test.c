/* Signatures by the vectors of RFC 8032 and RFC 6979, and what must not verify. */
#include "crypto_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t zeros[CRYPT_SIGNATURE_MAX];
static const enum crypt_signer signers[] = { CRYPT_ED25519, CRYPT_ED448, CRYPT_ECDSA_P256,
                                             CRYPT_ECDSA_P384, CRYPT_ECDSA_P521 };

struct pair {
    enum crypt_signer signer;
    uint8_t scalar_bytes[CRYPT_SCALAR_MAX], point_bytes[CRYPT_POINT_MAX];
    struct mw_span scalar, point;
};

static void pair_make(struct pair *p, const struct mw_crypto *c, enum crypt_signer s)
{
    p->signer = s;
    p->scalar = span_of(p->scalar_bytes, crypt_signing_key_size(s));
    p->point = span_of(p->point_bytes, crypt_verifier_size(s));
    assert_int_equal(crypt_signing_pair(c, s, mw_random_system(), p->scalar_bytes,
                                        p->point_bytes), 0);
}

/* RFC 8032 7.1 test 3, 7.4 "1 octet": deterministic. */
static void vectors_of_rfc_8032(void **state)
{
    static const struct {
        enum crypt_signer signer;
        const char *scalar, *point, *content, *signature;
    } cases[] = {
        { CRYPT_ED25519, "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
          "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
        { CRYPT_ED448,
          "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463a"
          "fbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e",
          "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c086"
          "6aea01eb00742802b8438ea4cb82169c235160627b4c3a9480", "03",
          "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f435"
          "2541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc0aae1cb"
          "cee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0f"
          "f3348ab21aa4adafd1d234441cf807c03a00" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mw_span scalar = test_hex(0, cases[i].scalar), point = test_hex(1, cases[i].point);
        struct mw_span content = test_hex(2, cases[i].content);
        struct mw_span signature = test_hex(3, cases[i].signature);
        uint8_t out[CRYPT_SIGNATURE_MAX];
        size_t len = 0;

        assert_int_equal(crypt_verifier_of(*state, cases[i].signer, scalar, out), 0);
        assert_memory_equal(out, point.data, point.len);
        assert_int_equal(crypt_sign(*state, cases[i].signer, scalar, content, out, &len), 0);
        assert_int_equal(len, signature.len);
        assert_memory_equal(out, signature.data, signature.len);
        assert_int_equal(crypt_verify(*state, cases[i].signer, point, content, signature), 0);
    }
}

/* RFC 6979 A.2.5, with SHA-256, "sample": r and s in DER. */
static void vector_of_rfc_6979(void **state)
{
    struct mw_span scalar =
        test_hex(0, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    struct mw_span point =
        test_hex(1, "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
    struct mw_span signature =
        test_hex(2, "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                    "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    uint8_t out[CRYPT_POINT_MAX];

    assert_int_equal(crypt_verifier_of(*state, CRYPT_ECDSA_P256, scalar, out), 0);
    assert_memory_equal(out, point.data, point.len);
    assert_int_equal(crypt_verify(*state, CRYPT_ECDSA_P256, point, SPAN_LIT("sample"), signature),
                     0);
    assert_int_equal(crypt_verify(*state, CRYPT_ECDSA_P256, point, SPAN_LIT("test"), signature),
                     CRYPT_E_FORGED);
}

static void own_signatures_verify(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
        const struct mw_span contents[] = { { NULL, 0 }, SPAN_LIT("content") };
        struct pair p, other;
        uint8_t out[CRYPT_SIGNATURE_MAX];
        size_t len = 0;

        pair_make(&p, *state, signers[i]);
        pair_make(&other, *state, signers[i]);
        for (size_t k = 0; k < ARRAY_LEN(contents); k++) {
            assert_int_equal(crypt_sign(*state, signers[i], p.scalar, contents[k], out, &len), 0);
            assert_in_range(len, 1, sizeof out);
            assert_int_equal(crypt_verify(*state, signers[i], p.point, contents[k],
                                          span_of(out, len)), 0);
            assert_int_equal(crypt_verify(*state, signers[i], p.point, contents[1 - k],
                                          span_of(out, len)), CRYPT_E_FORGED);
            assert_int_equal(crypt_verify(*state, signers[i], other.point, contents[k],
                                          span_of(out, len)), CRYPT_E_FORGED);
        }
    }
}

static void altered_signatures_do_not(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
        const struct mw_span content = SPAN_LIT("content");
        struct pair p;
        uint8_t out[CRYPT_SIGNATURE_MAX + 1] = { 0 };
        size_t len = 0;

        pair_make(&p, *state, signers[i]);
        assert_int_equal(crypt_sign(*state, signers[i], p.scalar, content, out, &len), 0);
        for (size_t byte = 0; byte < len; byte++) {
            out[byte] ^= 0x04;
            assert_int_equal(crypt_verify(*state, signers[i], p.point, content,
                                          span_of(out, len)), CRYPT_E_FORGED);
            out[byte] ^= 0x04;
        }
        for (size_t cut = 0; cut < len; cut += 5)
            assert_int_equal(crypt_verify(*state, signers[i], p.point, content,
                                          span_of(out, cut)), CRYPT_E_FORGED);
        assert_int_equal(crypt_verify(*state, signers[i], p.point, content,
                                      span_of(out, len + 1)), CRYPT_E_FORGED);
        assert_int_equal(crypt_verify(*state, signers[i], p.point, content,
                                      (struct mw_span){ NULL, 0 }), CRYPT_E_FORGED);
    }
}

static void keys_that_are_none(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
        const struct mw_span content = SPAN_LIT("content");
        struct pair p;
        uint8_t out[CRYPT_SIGNATURE_MAX];
        size_t len = 0;

        pair_make(&p, *state, signers[i]);
        assert_int_equal(crypt_sign(*state, signers[i], p.scalar, content, out, &len), 0);
        p.point.len--;
        assert_int_equal(crypt_verify(*state, signers[i], p.point, content, span_of(out, len)),
                         CRYPT_E_KEY);
        p.point.len++;
        if (signers[i] >= CRYPT_ECDSA_P256) {
            p.point_bytes[5] ^= 1;
            assert_int_equal(crypt_verify(*state, signers[i], p.point, content,
                                          span_of(out, len)), CRYPT_E_KEY);
            p.point_bytes[5] ^= 1;
            p.point_bytes[0] = 6;       /* hybrid: no form of RFC 9420 5.1.1 */
            assert_int_equal(crypt_verify(*state, signers[i], p.point, content,
                                          span_of(out, len)), CRYPT_E_KEY);
            memset(p.scalar_bytes, 0, sizeof p.scalar_bytes);
            assert_int_equal(crypt_sign(*state, signers[i], p.scalar, content, out, &len),
                             CRYPT_E_KEY);
            assert_int_equal(len, 0);
            assert_memory_equal(out, zeros, 64);
        }
        p.scalar.len--;
        assert_int_equal(crypt_sign(*state, signers[i], p.scalar, content, out, &len),
                         CRYPT_E_KEY);
        assert_int_equal(crypt_verifier_of(*state, signers[i], p.scalar, out), CRYPT_E_KEY);
        assert_memory_equal(out, zeros, crypt_verifier_size(signers[i]));
    }
}

static int broken_fill(void *context, uint8_t *out, size_t len)
{
    int *calls = context;

    memset(out, 0xff, len);
    return --*calls < 0 ? -EAGAIN : 0;
}

/* Randomness that fails is told as it is; randomness that never gives a key ends too. */
static void randomness_that_fails(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
        uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
        int calls = 0;
        struct mw_random random = { broken_fill, &calls };

        assert_int_equal(crypt_signing_pair(*state, signers[i], random, scalar, point), -EAGAIN);
        assert_memory_equal(scalar, zeros, crypt_signing_key_size(signers[i]));
        assert_memory_equal(point, zeros, crypt_verifier_size(signers[i]));
        calls = 1000;
        if (signers[i] >= CRYPT_ECDSA_P256)
            assert_int_equal(crypt_signing_pair(*state, signers[i], random, scalar, point), -EIO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_8032),   cmocka_unit_test(vector_of_rfc_6979),
        cmocka_unit_test(own_signatures_verify),
        cmocka_unit_test(altered_signatures_do_not),
        cmocka_unit_test(keys_that_are_none),    cmocka_unit_test(randomness_that_fails),
    };

    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
