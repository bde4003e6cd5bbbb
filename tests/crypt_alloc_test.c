/* Every allocation fails once while signing, hashing and sealing: the call says so, with zeros
 * where its output would be, and leaves nothing behind.
 * usage: crypt_alloc_test [openssl]    with OpenSSL's own allocations failing too */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crypto_fixture.h"

static const uint8_t zeros[CRYPT_SIGNATURE_MAX];
static bool openssl_fails;

static const enum crypt_signer signers[] = { CRYPT_ED25519, CRYPT_ED448, CRYPT_ECDSA_P256,
                                             CRYPT_ECDSA_P384, CRYPT_ECDSA_P521 };

struct scene {
    const struct mw_crypto *crypto;
    enum crypt_signer signer;
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX], signature[CRYPT_SIGNATURE_MAX];
    size_t len;
};

static bool is_ours(int r)
{
    return r == -ENOMEM || r == -EIO;
}

static bool sign_once(void *context, size_t nth)
{
    struct scene *s = context;
    struct mw_span scalar = span_of(s->scalar, crypt_signing_key_size(s->signer));
    uint8_t out[CRYPT_SIGNATURE_MAX];
    size_t len = 1;
    bool failed;
    int r;

    memset(out, 1, sizeof out);
    alloc_fail_arm(nth);
    r = crypt_sign(s->crypto, s->signer, scalar, SPAN_LIT("content"), out, &len);
    failed = alloc_fail_disarm();
    assert_true(r == 0 || (failed && is_ours(r)));
    if (r == 0) {
        struct mw_span point = span_of(s->point, crypt_verifier_size(s->signer));

        assert_in_range(len, 1, sizeof out);
        assert_int_equal(crypt_verify(s->crypto, s->signer, point, SPAN_LIT("content"),
                                      span_of(out, len)), 0);
    } else {
        assert_int_equal(len, 0);
        assert_memory_equal(out, zeros, 64);
    }
    return failed;
}

static bool verify_once(void *context, size_t nth)
{
    struct scene *s = context;
    struct mw_span point = span_of(s->point, crypt_verifier_size(s->signer));
    bool failed, edwards = s->signer == CRYPT_ED25519 || s->signer == CRYPT_ED448;
    int r;

    alloc_fail_arm(nth);
    r = crypt_verify(s->crypto, s->signer, point, SPAN_LIT("content"),
                     span_of(s->signature, s->len));
    failed = alloc_fail_disarm();
    /* Inside OpenSSL's EdDSA memory that runs out looks like a forgery. */
    assert_true(r == 0 || (failed && (is_ours(r) ||
                                      (edwards && openssl_fails && r == CRYPT_E_FORGED))));
    return failed;
}

static bool pair_once(void *context, size_t nth)
{
    struct scene *s = context;
    uint8_t scalar[CRYPT_SCALAR_MAX], point[CRYPT_POINT_MAX];
    bool failed;
    int r;

    alloc_fail_arm(nth);
    r = crypt_signing_pair(s->crypto, s->signer, mw_random_system(), scalar, point);
    failed = alloc_fail_disarm();
    assert_true(r == 0 || (failed && is_ours(r)));
    if (r != 0) {
        assert_memory_equal(scalar, zeros, crypt_signing_key_size(s->signer));
        assert_memory_equal(point, zeros, crypt_verifier_size(s->signer));
    }
    return failed;
}

static void signatures(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(signers); i++) {
        struct scene s = { .crypto = *state, .signer = signers[i] };
        /* libsodium asks for none. */
        size_t least = openssl_fails && signers[i] != CRYPT_ED25519 ? 1 : 0;

        assert_int_equal(crypt_signing_pair(*state, s.signer, mw_random_system(), s.scalar,
                                            s.point), 0);
        assert_int_equal(crypt_sign(*state, s.signer,
                                    span_of(s.scalar, crypt_signing_key_size(s.signer)),
                                    SPAN_LIT("content"), s.signature, &s.len), 0);
        assert_true(alloc_fail_each(sign_once, &s) >= least);
        assert_true(alloc_fail_each(verify_once, &s) >= least);
        assert_true(alloc_fail_each(pair_once, &s) >= least);
    }
}

static bool hash_once(void *context, size_t nth)
{
    const struct mw_span part = SPAN_LIT("part");
    struct secret prk = { .len = 1 };
    uint8_t out[3][CRYPT_HASH_MAX];
    bool failed;
    int r[4];

    memset(out, 1, sizeof out);
    alloc_fail_arm(nth);
    r[0] = crypt_digest(context, CRYPT_SHA256, &part, 1, out[0]);
    r[1] = crypt_hmac(context, CRYPT_SHA384, part, &part, 1, out[1]);
    r[2] = crypt_extract(context, CRYPT_SHA512, part, &part, 1, &prk);
    r[3] = crypt_expand(context, CRYPT_SHA512, part, &part, 1, out[2], 64);
    failed = alloc_fail_disarm();
    for (size_t i = 0; i < 4; i++)
        assert_true(r[i] == 0 || (failed && is_ours(r[i])));
    assert_true(r[0] == 0 || memcmp(out[0], zeros, 32) == 0);
    assert_true(r[1] == 0 || memcmp(out[1], zeros, 48) == 0);
    assert_true(r[2] == 0 || (prk.len == 0 && memcmp(prk.bytes, zeros, 64) == 0));
    assert_true(r[3] == 0 || memcmp(out[2], zeros, 64) == 0);
    return failed;
}

static bool seal_once(void *context, size_t nth)
{
    static const uint8_t key[32], nonce[CRYPT_NONCE];
    const struct mw_span plain = SPAN_LIT("plain"), none = { NULL, 0 };
    struct crypt_sealer *s = NULL;
    uint8_t out[2][5 + CRYPT_TAG];
    bool failed;
    int r[3];

    memset(out, 1, sizeof out);
    alloc_fail_arm(nth);
    r[0] = crypt_seal(context, CRYPT_AES_256_GCM, span_of(key, 32), nonce, none, plain, out[0]);
    r[1] = r[0] != 0 ? 0 : crypt_open(context, CRYPT_AES_256_GCM, span_of(key, 32), nonce, none,
                                      span_of(out[0], sizeof out[0]), out[1]);
    r[2] = crypt_sealer_new(&s, context, CRYPT_CHACHA20_POLY1305, span_of(key, 32));
    failed = alloc_fail_disarm();
    for (size_t i = 0; i < 3; i++)
        assert_true(r[i] == 0 || (failed && is_ours(r[i])));
    assert_true(r[0] == 0 || memcmp(out[0], zeros, sizeof out[0]) == 0);
    assert_true(r[1] == 0 || memcmp(out[1], zeros, 5) == 0);
    assert_true((r[2] == 0) == (s != NULL));
    crypt_sealer_free(s);
    return failed;
}

static void hashes_and_seals(void **state)
{
    assert_int_equal(alloc_fail_each(hash_once, *state), 0);    /* it allocates nothing */
    assert_true(alloc_fail_each(seal_once, *state) >= 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(signatures),
                                        cmocka_unit_test(hashes_and_seals) };

    openssl_fails = argc > 1 && strcmp(argv[1], "openssl") == 0;
    if (openssl_fails && !alloc_fail_openssl())
        return 1;
    return cmocka_run_group_tests(tests, test_crypto_open, test_crypto_close);
}
