/* AEAD by published vectors, and what must not open. */
#include "crypto_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t zeros[256];

struct vector {
    enum crypt_aead aead;
    const char *key, *nonce, *aad, *plain, *sealed;
};

static const struct vector vectors[] = {
    /* The GCM specification's test cases 4 and 16 (McGrew and Viega). */
    { CRYPT_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
      "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
      "5bc94fbc3221a5db94fae95ae7121a47" },
    { CRYPT_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
      "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
      "76fc6ece0f4e1768cddf8853bb2d551b" },
    /* RFC 8439 2.8.2. */
    { CRYPT_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
      "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
      "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
      "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
      "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
      "637265656e20776f756c642062652069742e",
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
      "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
      "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
      "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd060"
      "0691" },
};

struct bytes {
    struct mw_span key, nonce, aad, plain, sealed;
};

static struct bytes read_vector(const struct vector *v)
{
    return (struct bytes){ test_hex(0, v->key), test_hex(1, v->nonce), test_hex(2, v->aad),
                           test_hex(3, v->plain), test_hex(4, v->sealed) };
}

static void published(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct bytes b = read_vector(v);
        uint8_t out[256];

        assert_int_equal(b.key.len, crypt_key_size(v->aead));
        assert_int_equal(crypt_seal(*state, v->aead, b.key, b.nonce.data, b.aad, b.plain, out), 0);
        assert_memory_equal(out, b.sealed.data, b.sealed.len);
        assert_int_equal(crypt_open(*state, v->aead, b.key, b.nonce.data, b.aad, b.sealed, out),
                         0);
        assert_memory_equal(out, b.plain.data, b.plain.len);
    }
}

static void one_bit_wrong(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct bytes b = read_vector(&vectors[i]);
        const struct mw_span spots[] = { b.key, b.nonce, b.aad, b.sealed };

        for (size_t s = 0; s < ARRAY_LEN(spots); s++) {
            for (size_t bit = 0; bit < 8 * spots[s].len; bit++) {
                uint8_t *byte = (uint8_t *)spots[s].data + bit / 8, out[256];

                memset(out, 1, sizeof out);
                *byte ^= (uint8_t)(1 << bit % 8);
                assert_int_equal(crypt_open(*state, vectors[i].aead, b.key, b.nonce.data, b.aad,
                                            b.sealed, out), CRYPT_E_FORGED);
                assert_memory_equal(out, zeros, b.plain.len);
                *byte ^= (uint8_t)(1 << bit % 8);
            }
        }
    }
}

static void cut_short(void **state)
{
    struct bytes b = read_vector(&vectors[0]);
    uint8_t out[256];

    for (size_t len = 0; len < b.sealed.len; len++)
        assert_int_equal(crypt_open(*state, CRYPT_AES_128_GCM, b.key, b.nonce.data, b.aad,
                                    span_cut(b.sealed, 0, len), out), CRYPT_E_FORGED);
}

static void keys_of_other_sizes(void **state)
{
    struct bytes b = read_vector(&vectors[1]);
    struct crypt_sealer *s = NULL;
    uint8_t out[256];

    for (size_t len = 0; len < 32; len++) {
        struct mw_span key = span_cut(b.key, 0, len);

        memset(out, 1, sizeof out);
        assert_int_equal(crypt_seal(*state, CRYPT_AES_256_GCM, key, b.nonce.data, b.aad, b.plain,
                                    out), CRYPT_E_KEY);
        assert_memory_equal(out, zeros, b.plain.len + CRYPT_TAG);
        memset(out, 1, sizeof out);
        assert_int_equal(crypt_open(*state, CRYPT_AES_256_GCM, key, b.nonce.data, b.aad, b.sealed,
                                    out), CRYPT_E_KEY);
        assert_memory_equal(out, zeros, b.plain.len);
        assert_int_equal(crypt_sealer_new(&s, *state, CRYPT_AES_256_GCM, key), CRYPT_E_KEY);
        assert_null(s);
    }
}

/* One sealer, many frames: each in place, none and all of them empty. */
static void sealer(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct bytes b = read_vector(&vectors[i]);
        CLEANUP(crypt_sealer_freep) struct crypt_sealer *s = NULL;
        uint8_t room[256], out[256], other[32] = { 7 };
        struct mw_span sealed = span_of(room, b.sealed.len);
        struct mw_span none = { NULL, 0 };

        assert_int_equal(crypt_sealer_new(&s, *state, vectors[i].aead,
                                          span_of(other, b.key.len)), 0);
        assert_int_equal(crypt_sealer_open(s, b.nonce.data, b.aad, b.sealed, room),
                         CRYPT_E_FORGED);
        assert_int_equal(crypt_sealer_rekey(s, span_of(other, b.key.len - 1)), CRYPT_E_KEY);
        assert_int_equal(crypt_sealer_rekey(s, b.key), 0);
        for (int turn = 0; turn < 3; turn++) {
            memcpy(room, b.plain.data, b.plain.len);
            assert_int_equal(crypt_sealer_seal(s, b.nonce.data, b.aad,
                                               span_of(room, b.plain.len), room), 0);
            assert_memory_equal(room, b.sealed.data, b.sealed.len);
            assert_int_equal(crypt_sealer_open(s, b.nonce.data, none, sealed, out),
                             CRYPT_E_FORGED);
            assert_int_equal(crypt_sealer_open(s, b.nonce.data, b.aad, sealed, room), 0);
            assert_memory_equal(room, b.plain.data, b.plain.len);
            assert_int_equal(crypt_sealer_seal(s, b.nonce.data, none, none, room), 0);
            assert_int_equal(crypt_sealer_open(s, b.nonce.data, none, span_of(room, CRYPT_TAG),
                                               out), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published), cmocka_unit_test(one_bit_wrong),
        cmocka_unit_test(cut_short), cmocka_unit_test(keys_of_other_sizes),
        cmocka_unit_test(sealer),
    };

    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
