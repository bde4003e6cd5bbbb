/* AES-128 in counter mode and HMAC-SHA256 with keys set up once, by the vectors of SP 800-38A F.5.1
 * and RFC 4231. */
#include "meet/crypt/ctr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meet/crypt/crypt.h"
#include "meet/crypt/mac.h"

static const uint8_t key[16] = { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c };
static const uint8_t iv[16] = { 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
                                0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff };
static const uint8_t plain[32] = { 0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                   0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
                                   0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c,
                                   0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51 };
static const uint8_t sealed[32] = { 0x87, 0x4d, 0x61, 0x91, 0xb6, 0x20, 0xe3, 0x26,
                                    0x1b, 0xef, 0x68, 0x64, 0x99, 0x0d, 0xb6, 0xce,
                                    0x98, 0x06, 0xf6, 0x6b, 0x79, 0x70, 0xfd, 0xff,
                                    0x86, 0x17, 0x18, 0x7b, 0xb9, 0xff, 0xfd, 0xff };

static void counter_mode(void **state)
{
    struct mw_crypto *crypto;
    struct crypt_ctr *s;
    uint8_t out[32], other[16] = { 1 };

    (void)state;
    assert_int_equal(mw_crypto_new(&crypto), 0);
    assert_int_equal(crypt_ctr_new(&s, crypto), 0);
    assert_int_equal(crypt_ctr_rekey(s, other), 0);
    assert_int_equal(crypt_ctr_crypt(s, iv, span_of(plain, 32), out), 0);
    assert_memory_not_equal(out, sealed, 32);
    assert_int_equal(crypt_ctr_rekey(s, key), 0);
    for (size_t len = 0; len <= 32; len++) {    /* each message begins anew */
        assert_int_equal(crypt_ctr_crypt(s, iv, span_of(plain, len), out), 0);
        assert_memory_equal(out, sealed, len);
    }
    assert_int_equal(crypt_ctr_crypt(s, iv, span_of(out, 32), out), 0);         /* in place */
    assert_memory_equal(out, plain, 32);
    crypt_ctr_free(s);
    crypt_ctr_free(NULL);
    mw_crypto_free(crypto);
}

/* Against crypt_hmac(), which has RFC 4231's vectors in hash_test, for keys and messages of all
 * lengths around the block's; and one of them by itself. */
static void macs(void **state)
{
    static const uint8_t jefe[32] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                      0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                      0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                      0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43 };
    struct mw_span question = SPAN_LIT("what do ya want for nothing?");
    struct mw_crypto *crypto;
    struct crypt_mac *s;
    uint8_t out[32], want[32], bytes[200];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(7 * i);
    assert_int_equal(mw_crypto_new(&crypto), 0);
    assert_int_equal(crypt_mac_new(&s), 0);
    assert_int_equal(crypt_mac_rekey(s, SPAN_LIT("Jefe")), 0);
    assert_int_equal(crypt_mac_sum(s, &question, 1, out), 0);
    assert_memory_equal(out, jefe, 32);
    for (size_t k = 1; k <= 64; k += 9) {
        assert_int_equal(crypt_mac_rekey(s, span_of(bytes, k)), 0);
        for (size_t len = 0; len <= 150; len++) {
            struct mw_span parts[] = { span_of(bytes, len / 3), { NULL, 0 },
                                       span_of(bytes + len / 3, len - len / 3) };
            struct mw_span whole = span_of(bytes, len);

            assert_int_equal(crypt_mac_sum(s, parts, 3, out), 0);
            assert_int_equal(crypt_hmac(crypto, CRYPT_SHA256, span_of(bytes, k), &whole, 1, want),
                             0);
            assert_memory_equal(out, want, 32);
        }
    }
    assert_int_equal(crypt_mac_rekey(s, span_of(bytes, 0)), -EINVAL);
    assert_int_equal(crypt_mac_rekey(s, span_of(bytes, 65)), -EINVAL);
    crypt_mac_free(s);
    crypt_mac_free(NULL);
    mw_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counter_mode),
        cmocka_unit_test(macs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
