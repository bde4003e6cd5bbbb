/* Digests, HMAC and HKDF by the vectors of their RFCs. */
#include "crypto_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t zeros[255 * CRYPT_HASH_MAX + 1];

static void digests_of_abc(void **state)
{
    /* FIPS 180-4's example, in two parts with nothing between them. */
    static const struct {
        enum crypt_hash hash;
        const char *digest;
    } cases[] = {
        { CRYPT_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { CRYPT_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                        "8086072ba1e7cc2358baeca134c825a7" },
        { CRYPT_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
    };
    const struct mw_span parts[] = { SPAN_LIT("a"), { NULL, 0 }, SPAN_LIT("bc") };
    uint8_t out[CRYPT_HASH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mw_span expected = test_hex(0, cases[i].digest);

        assert_int_equal(expected.len, crypt_hash_size(cases[i].hash));
        assert_int_equal(crypt_digest(*state, cases[i].hash, parts, ARRAY_LEN(parts), out), 0);
        assert_memory_equal(out, expected.data, expected.len);
    }
}

/* RFC 4231 4.3 and 4.7: a short key, and one longer than a block. */
static void macs_of_rfc_4231(void **state)
{
    static const struct {
        enum crypt_hash hash;
        const char *jefe, *large;
    } cases[] = {
        { CRYPT_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
        { CRYPT_SHA384,
          "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
          "8e2240ca5e69e2c78b3239ecfab21649",
          "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
          "0c2ef6ab4030fe8296248df163f44952" },
        { CRYPT_SHA512,
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
          "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
          "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
          "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598" },
    };
    const struct mw_span what = SPAN_LIT("what do ya want for nothing?");
    const struct mw_span test = SPAN_LIT("Test Using Larger Than Block-Size Key - Hash Key First");
    uint8_t key[131], out[CRYPT_HASH_MAX];

    memset(key, 0xaa, sizeof key);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(crypt_hmac(*state, cases[i].hash, SPAN_LIT("Jefe"), &what, 1, out), 0);
        assert_memory_equal(out, test_hex(0, cases[i].jefe).data, crypt_hash_size(cases[i].hash));
        assert_int_equal(crypt_hmac(*state, cases[i].hash, span_of(key, sizeof key), &test, 1,
                                    out), 0);
        assert_memory_equal(out, test_hex(0, cases[i].large).data, crypt_hash_size(cases[i].hash));
    }
}

struct hkdf {
    const char *ikm, *salt, *info, *prk, *okm;
};

static void try_hkdf(const struct mw_crypto *c, const struct hkdf *v)
{
    struct mw_span ikm = test_hex(0, v->ikm), salt = test_hex(1, v->salt);
    struct mw_span info = test_hex(2, v->info), prk = test_hex(3, v->prk);
    struct mw_span okm = test_hex(4, v->okm);
    /* The parts are what stands together, cut somewhere. */
    struct mw_span ikms[] = { span_cut(ikm, 0, 3), span_cut(ikm, 3, ikm.len) };
    struct mw_span infos[] = { span_cut(info, 0, 5), span_cut(info, 5, info.len) };
    struct secret s = { .len = 3 };
    uint8_t out[128];

    assert_int_equal(crypt_extract(c, CRYPT_SHA256, salt, ikms, 2, &s), 0);
    assert_int_equal(s.len, prk.len);
    assert_memory_equal(s.bytes, prk.data, prk.len);
    assert_memory_equal(s.bytes + s.len, zeros, sizeof s.bytes - s.len);
    assert_int_equal(crypt_expand(c, CRYPT_SHA256, prk, infos, 2, out, okm.len), 0);
    assert_memory_equal(out, okm.data, okm.len);
}

/* RFC 5869 A.1 to A.3. */
static void keys_of_rfc_5869(void **state)
{
    static const struct hkdf cases[] = {
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
          "f0f1f2f3f4f5f6f7f8f9",
          "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
        { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
          "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
          "404142434445464748494a4b4c4d4e4f",
          "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
          "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
          "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
          "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
          "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
          "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
          "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
          "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
          "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
          "cc30c58179ec3e87c14c01d5c1f3434f1d87" },
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
          "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        try_hkdf(*state, &cases[i]);
}

/* The salt may be what the result replaces, as a key schedule does it. */
static void extract_in_place(void **state)
{
    const struct mw_span ikm = SPAN_LIT("ikm");
    struct secret a = { .len = 32, .bytes = "thirty-two bytes, no more no les" }, b;

    assert_int_equal(crypt_extract(*state, CRYPT_SHA384, secret_span(&a), &ikm, 1, &b), 0);
    assert_int_equal(crypt_extract(*state, CRYPT_SHA384, secret_span(&a), &ikm, 1, &a), 0);
    assert_int_equal(a.len, 48);
    assert_memory_equal(a.bytes, b.bytes, 48);
}

/* RFC 5869 2.3: L <= 255 * HashLen. */
static void expand_has_an_end(void **state)
{
    static const enum crypt_hash hashes[] = { CRYPT_SHA256, CRYPT_SHA384, CRYPT_SHA512 };
    static uint8_t out[255 * CRYPT_HASH_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        size_t most = 255 * crypt_hash_size(hashes[i]);

        assert_int_equal(crypt_expand(*state, hashes[i], SPAN_LIT("prk"), NULL, 0, out, most), 0);
        assert_memory_not_equal(out + most - 32, zeros, 32);
        assert_int_equal(crypt_expand(*state, hashes[i], SPAN_LIT("prk"), NULL, 0, out, most + 1),
                         CRYPT_E_LENGTH);
        assert_memory_equal(out, zeros, most + 1);
        assert_int_equal(crypt_expand(*state, hashes[i], SPAN_LIT("prk"), NULL, 0, out, 0), 0);
    }
}

static void equality(void **state)
{
    (void)state;
    assert_true(crypt_equal(SPAN_LIT("abc"), SPAN_LIT("abc")));
    assert_true(crypt_equal((struct mw_span){ NULL, 0 }, SPAN_LIT("")));
    assert_false(crypt_equal(SPAN_LIT("abc"), SPAN_LIT("abd")));
    assert_false(crypt_equal(SPAN_LIT("abc"), SPAN_LIT("abcd")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_of_abc),   cmocka_unit_test(macs_of_rfc_4231),
        cmocka_unit_test(keys_of_rfc_5869), cmocka_unit_test(extract_in_place),
        cmocka_unit_test(expand_has_an_end), cmocka_unit_test(equality),
    };

    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
