#include "keys_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct mw_crypto *crypto;

struct suited fixture_suite(uint16_t number)
{
    struct suited s = { suite_find(number), NULL };

    if (crypto == NULL)
        assert_int_equal(mw_crypto_new(&crypto), 0);
    s.crypto = crypto;
    assert_non_null(s.suite);
    return s;
}

void fixture_close(void)
{
    mw_crypto_free(crypto);
    crypto = NULL;
}

static unsigned digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, c);

    assert_true(c != 0 && at != NULL);
    return (unsigned)(at - digits);
}

struct mw_span fixture_hex(const char *hex)
{
    static uint8_t ring[16][1024];
    static unsigned next;
    uint8_t *out = ring[next++ % 16];
    size_t len = strlen(hex) / 2;

    assert_true(len <= 1024);
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return span_of(out, len);
}

struct secret fixture_secret(struct suited s, uint8_t seed)
{
    struct secret out = { .len = s.suite->nh };

    for (size_t i = 0; i < out.len; i++)
        out.bytes[i] = (uint8_t)(seed * 31 + i * 7 + 1);
    return out;
}

struct secret fixture_secret_hex(const char *hex)
{
    struct secret out = { 0 };

    assert_int_equal(secret_set(&out, fixture_hex(hex)), 0);
    return out;
}

struct message_key fixture_key(struct suited s, uint32_t leaves, const struct secret *encryption,
                               uint32_t leaf, enum ratchet_kind kind, uint32_t generation)
{
    struct secret at = *encryption;
    struct mw_span from = span_of(at.bytes, s.suite->nh);
    struct message_key out = { 0 };
    uint8_t next[64];

    for (uint32_t half = leaves / 2; half > 0; half /= 2) {
        assert_int_equal(label_expand(s, from, "tree",
                                      span_str((leaf & half) != 0 ? "right" : "left"), next,
                                      s.suite->nh), 0);
        memcpy(at.bytes, next, s.suite->nh);
    }
    assert_int_equal(label_expand(s, from, kind == RATCHET_HANDSHAKE ? "handshake" : "application",
                                  span_str(""), next, s.suite->nh), 0);
    memcpy(at.bytes, next, s.suite->nh);
    for (uint32_t g = 0; g < generation; g++) {
        assert_int_equal(label_tree_secret(s, from, "secret", g, next, s.suite->nh), 0);
        memcpy(at.bytes, next, s.suite->nh);
    }
    assert_int_equal(label_tree_secret(s, from, "key", generation, out.key, s.suite->nk), 0);
    assert_int_equal(label_tree_secret(s, from, "nonce", generation, out.nonce, CRYPT_NONCE), 0);
    return out;
}

struct buf fixture_state(const struct secret_tree *t)
{
    struct buf b = BUF_INIT(SIZE_MAX);

    secret_tree_write(t, &b);
    assert_int_equal(buf_error(&b), 0);
    assert_int_equal(b.len, secret_tree_size(t));
    return b;
}
