/* The labelled operations, by values that an independent HMAC and hash gave (Python's hashlib and
 * hmac over the structures of RFC 9420 5.2 and 8 written by hand), and by what must fail. */
#include "meet/label/label.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

#define NONE ((struct mw_span){ NULL, 0 })

static struct mw_crypto *crypto;

static int setup(void **state)
{
    (void)state;
    return mw_crypto_new(&crypto);
}

static int teardown(void **state)
{
    (void)state;
    mw_crypto_free(crypto);
    return 0;
}

static struct suited suite(uint16_t number)
{
    return (struct suited){ suite_find(number), crypto };
}

static void assert_hex(struct mw_span got, const char *want)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(4096);

    text_hex(&b, got, 0);
    assert_int_equal(buf_error(&b), 0);
    assert_string_equal((const char *)b.data, want);
}

/* The suite says which hash; the secret is 0, 1, 2 … of its size. */
static const struct known {
    uint16_t suite;
    const char *ref, *ref_70000, *whole, *expanded, *derived, *of_tree;
} known[] = {
    { 1, "25b789804b78bbfcca63d09fc2a7825cba1290295db1f80e806b4417584d8852",
      "d050d67e79ec4829de0b44cbe8a8f42e684ce382347d2059a231eaee882bbfef",
      "de561ecf66fce71296d676486dbfd6a33acb77905df8d75555cea218d130a90e",
      "f5459356155d1587c844c94a4dc960d8c30429bada09283c738609f373043fd7422ac83a92ca4fa8796157ee"
      "74f60a0ce99a53f7e4e6328c3064548211187ab9617485a3cb2b03808bc74b8335e0c19a86e245fc865ba7fb"
      "8df90622150cd4db0bdbff8a",
      "ed4d94cc56f86dd44d24ba4673430f851d8ecf0245d3337ccf2878b2d1525636",
      "1bab0ad363e368d4bda2f1e55fd9cd9d" },
    { 7,
      "cd2b37fdcdb487b90ca9b530440f64b55431506efa6967a3e23c5e6624b5def5f989cdd43c84f6b6e5a2cdce"
      "dc5d912d",
      "258ac30d15cdd0a8ba662d5dd9ac094a7df79c097db243a0d788667a494fce6eb34b0cb499f12a13debe446f"
      "11d6085b",
      "d38018346931987f42673c8729033aded0a439022d580366b7cdd905a364e21f543e4f6ec4bef062f30b57ad"
      "ff61873d",
      "5e13e25a8e9d8c6280256121464c837129d1001990add94e112ad71939692aa0b20edd08c804455c4887ad5f"
      "f8927f69784ad4e2bf97e808280373974859861c4359fc394790676ae234a6219c3e743347e29054afd0149f"
      "029abe6a127b21e7e76a8250",
      "b8a89edffdbdf50a79822a45fdb0befa5694daa37ea978678d783365e919fd6046edee424ed53682c4ee4e2e"
      "5f95ef7c",
      "117283dc8df42c319cd484a6ffdd3de5" },
    { 4,
      "d9b402d767a5b6548694640d9abd06b5a2e8a840409b67d69e5cab30f8a75c55874db5adc5de3f4839a9fb2c"
      "803038333eed07dcad3a0b0aa7d75854bc9c9644",
      "1a1ecb8ac1d0ee2a684c0d65b090c96dc1ba7089835422acfce544358e65817acbb1d355ef2a38f18b39ac72"
      "59a91ba750f4eb9729e1009d8b20d4f4c51da393",
      "b539ddbdb8ec431c3acae23868d71a6b2344f2adb27ab37ddd929898554cf49c70cc308f9ee900ec4acb6ed5"
      "5be32d27f7526545bd08a563a34cb799351cabbc",
      "a61f7c69e2f7ddb9644b1a730c94350cc39659ff7dc0caec5c5cf96568546884717ebe670158a3f82e3f22ee"
      "9bfb97fd7d31e89851122430ebe98dc5a9533acdbcbd9eae8cfce89140f023aff8d56946fe363c43348527ea"
      "53c70bcb3960a2f587f11808",
      "c2eb6919a0ebab267beb6594a2224ae0eafc1a8c4b193ec825d0b801d445cfe4d65155b769449515d0a6172f"
      "8d52a9b5bc57b5c630458b43aeb517fe5611d6ac",
      "2a1c7b8697f3ecd703266d95493d9f94" },
};

static void test_known_answers(void **state)
{
    static uint8_t value[70000];
    uint8_t bytes[64], out[100];

    (void)state;
    memset(value, 'x', sizeof(value));
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        const struct known *k = &known[i];
        struct suited s = suite(k->suite);
        struct mw_span hash = span_of(out, s.suite->nh), secret = span_of(bytes, s.suite->nh);
        struct secret derived = { 0 };

        assert_int_equal(label_ref(s, "KeyPackage Reference", span_of(value, 100), out), 0);
        assert_hex(hash, k->ref);
        assert_int_equal(label_ref(s, "KeyPackage Reference", span_of(value, 70000), out), 0);
        assert_hex(hash, k->ref_70000);
        assert_int_equal(label_ref_whole(s, SPAN_LIT("Plain"), NONE, out), 0);
        assert_hex(hash, k->whole);
        assert_int_equal(label_expand(s, secret, "label", SPAN_LIT("context"), out, 100), 0);
        assert_hex(span_of(out, 100), k->expanded);
        assert_int_equal(label_derive(s, secret, "derived", &derived), 0);
        assert_hex(secret_span(&derived), k->derived);
        assert_int_equal(label_tree_secret(s, secret, "key", 0x01020304, out, 16), 0);
        assert_hex(span_of(out, 16), k->of_tree);
    }
}

static void test_derived_in_place(void **state)
{
    struct suited s = suite(1);
    struct secret one = { .bytes = { 1, 2, 3 }, .len = 32 }, other = { 0 };

    (void)state;
    assert_int_equal(label_derive(s, secret_span(&one), "next", &other), 0);
    assert_int_equal(label_derive(s, secret_span(&one), "next", &one), 0);
    assert_true(span_eq(secret_span(&one), secret_span(&other)));
}

static void test_too_long(void **state)
{
    static uint8_t out[70000];
    static const uint8_t zeros[70000];
    struct suited s = suite(1);
    struct mw_span huge = span_of(out, (size_t)1 << 30);        /* refused before it is read */
    size_t len = 1;

    (void)state;
    memset(out, 7, sizeof(out));
    assert_int_equal(label_expand(s, NONE, "x", NONE, out, 65536), CRYPT_E_LENGTH);
    assert_memory_equal(out, zeros, 65536);
    memset(out, 7, sizeof(out));
    assert_int_equal(label_expand(s, NONE, "x", NONE, out, 255 * 32 + 1), CRYPT_E_LENGTH);
    assert_memory_equal(out, zeros, 255 * 32 + 1);
    assert_int_equal(label_ref(s, "x", huge, out), CRYPT_E_LENGTH);
    assert_int_equal(label_ref_whole(s, huge, NONE, out), CRYPT_E_LENGTH);
    assert_int_equal(label_expand(s, NONE, "x", huge, out, 32), CRYPT_E_LENGTH);
    assert_int_equal(label_sign(s, NONE, "x", huge, out, &len), CRYPT_E_LENGTH);
    assert_int_equal(len, 0);
    assert_int_equal(label_verify(s, NONE, "x", huge, NONE), CRYPT_E_LENGTH);
}

/* Every suite; content that is put together on the stack, and on the heap. */
static void test_signed(void **state)
{
    static uint8_t content[5000];
    static const size_t lens[] = { 0, 63, 64, 990, 1024, 5000 };
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX], signature[CRYPT_SIGNATURE_MAX];
    size_t len;

    (void)state;
    memset(content, 'c', sizeof(content));
    for (uint16_t number = 1; number <= 7; number++) {
        struct suited s = suite(number);
        struct mw_span key = { scalar, crypt_signing_key_size(s.suite->signer) };
        struct mw_span verifier = { point, crypt_verifier_size(s.suite->signer) };

        assert_int_equal(crypt_signing_pair(crypto, s.suite->signer, mw_random_system(), scalar,
                                            point), 0);
        for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
            struct mw_span c = span_of(content, lens[i]);

            assert_int_equal(label_sign(s, key, "LeafNodeTBS", c, signature, &len), 0);
            assert_int_equal(label_verify(s, verifier, "LeafNodeTBS", c, span_of(signature, len)),
                             0);
            assert_int_equal(label_verify(s, verifier, "LeafNodeTB", c, span_of(signature, len)),
                             CRYPT_E_FORGED);
            assert_int_equal(label_verify(s, verifier, "LeafNodeTBS", SPAN_LIT("another"),
                                          span_of(signature, len)),
                             CRYPT_E_FORGED);
        }
    }
}

/* What is signed is label<V> content<V>, as 5.1.2 has it, and not something else both ends
 * agree on. */
static void test_signed_as_the_rfc_says(void **state)
{
    struct suited s = suite(1);
    uint8_t scalar[32], point[32], signature[CRYPT_SIGNATURE_MAX];
    size_t len;

    (void)state;
    assert_int_equal(crypt_signing_pair(crypto, s.suite->signer, mw_random_system(), scalar, point),
                     0);
    assert_int_equal(label_sign(s, span_of(scalar, 32), "Label", SPAN_LIT("content"), signature,
                                &len), 0);
    assert_int_equal(crypt_verify(crypto, s.suite->signer, span_of(point, 32),
                                  SPAN_LIT("\x0dMLS 1.0 Label\x07" "content"),
                                  span_of(signature, len)), 0);
}

static void test_sealed(void **state)
{
    static uint8_t context[5000];
    static const size_t lens[] = { 0, 200, 5000 };
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX], enc[CRYPT_POINT_MAX];
    uint8_t sealed[5 + CRYPT_TAG], out[5];

    (void)state;
    for (uint16_t number = 1; number <= 7; number++) {
        struct suited s = suite(number);
        struct mw_span key = { scalar, s.suite->nsk }, public_key = { point, s.suite->npk };
        struct mw_span e = { enc, s.suite->npk }, box = { sealed, sizeof(sealed) };

        assert_int_equal(hpke_pair_make(crypto, s.suite->hpke.kem, mw_random_system(), scalar,
                                        point), 0);
        for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
            struct mw_span c = span_of(context, lens[i]);

            assert_int_equal(label_seal(s, mw_random_system(), public_key, "Welcome", c,
                                        SPAN_LIT("plain"), enc, sealed), 0);
            memset(out, 0, sizeof(out));
            assert_int_equal(label_open(s, key, public_key, "Welcome", c, e, box, out), 0);
            assert_memory_equal(out, "plain", 5);
            assert_int_equal(label_open(s, key, NONE, "Welcome", c, e, box, out), 0);
            assert_int_equal(label_open(s, key, public_key, "Another", c, e, box, out),
                             CRYPT_E_FORGED);
            assert_memory_equal(out, "\0\0\0\0\0", 5);
            assert_int_equal(label_open(s, key, public_key, "Welcome", SPAN_LIT("x"), e, box, out),
                             CRYPT_E_FORGED);
            assert_int_equal(label_open(s, key, public_key, "Welcome", c, e,
                                        span_cut(box, 0, CRYPT_TAG - 1), out),
                             CRYPT_E_FORGED);
        }
        assert_int_equal(label_open(s, key, public_key, "Welcome", NONE,
                                    span_cut(e, 1, e.len), box, out), CRYPT_E_KEY);
    }
}

/* 5.1.3: the context is label<V> context<V>, and the AAD is empty. */
static void test_sealed_as_the_rfc_says(void **state)
{
    struct suited s = suite(3);
    uint8_t scalar[32], point[32], enc[32], sealed[5 + CRYPT_TAG], out[5];

    (void)state;
    assert_int_equal(hpke_pair_make(crypto, s.suite->hpke.kem, mw_random_system(), scalar, point),
                     0);
    assert_int_equal(label_seal(s, mw_random_system(), span_of(point, 32), "Label",
                                SPAN_LIT("context"), SPAN_LIT("plain"), enc, sealed), 0);
    assert_int_equal(hpke_open(crypto, s.suite->hpke, span_of(scalar, 32), NONE, span_of(enc, 32),
                               SPAN_LIT("\x0dMLS 1.0 Label\x07" "context"), NONE,
                               span_of(sealed, sizeof(sealed)), out), 0);
    assert_memory_equal(out, "plain", 5);
}

static int fill_nothing(void *context, uint8_t *out, size_t len)
{
    (void)context;
    (void)out;
    (void)len;
    return -EAGAIN;
}

static void test_sealed_without_randomness(void **state)
{
    struct suited s = suite(1);
    const struct mw_random none = { fill_nothing, NULL };
    uint8_t point[32] = { 9 }, enc[32], sealed[5 + CRYPT_TAG];
    static const uint8_t zeros[32];

    (void)state;
    memset(enc, 7, sizeof(enc));
    memset(sealed, 7, sizeof(sealed));
    assert_int_not_equal(label_seal(s, none, span_of(point, 32), "x", NONE, SPAN_LIT("plain"), enc,
                                    sealed), 0);
    assert_memory_equal(enc, zeros, sizeof(enc));
    assert_memory_equal(sealed, zeros, sizeof(sealed));
}

static void test_suites(void **state)
{
    (void)state;
    assert_null(suite_find(0));
    assert_null(suite_find(8));
    assert_null(suite_find(0x0a0a));
    for (uint16_t number = 1; number <= 7; number++) {
        const struct suite *s = suite_find(number);
        enum crypt_group group;

        assert_int_equal(s->number, number);
        assert_true(hpke_group(s->hpke.kem, &group));
        assert_int_equal(group, s->group);
        assert_int_equal(crypt_hash_size(s->hash), s->nh);
        assert_int_equal(crypt_key_size(s->aead), s->nk);
        assert_int_equal(crypt_point_size(s->group), s->npk);
        assert_int_equal(crypt_scalar_size(s->group), s->nsk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_derived_in_place),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_signed_as_the_rfc_says),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_sealed_as_the_rfc_says),
        cmocka_unit_test(test_sealed_without_randomness),
        cmocka_unit_test(test_suites),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
