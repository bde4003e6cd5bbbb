#include "lab/old_flight.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/own.h"

enum {
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    TLS_1_2 = 0x0303,
    SERVER_HELLO = 2,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    SERVER_HELLO_DONE = 14,
    RSA_PKCS1_SHA256 = 0x0401,
    ECDSA_P256_SHA256 = 0x0403,
    EXT_RENEGOTIATION_INFO = 0xff01,
    RECORD_MAX = 16384,
    FLIGHT_MAX = 65536,
    RANDOM = 32,
};

static void message_add(struct buf *flight, uint8_t type, const struct buf *body)
{
    buf_u8(flight, type);
    buf_u24(flight, (uint32_t)body->len);
    buf_add(flight, buf_span(body));
    if (buf_error(body) < 0)
        flight->error = buf_error(body);
}

static void server_hello(struct buf *flight, const uint8_t random[RANDOM], uint16_t suite)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(256);

    buf_u16(&body, TLS_1_2);
    buf_add(&body, span_of(random, RANDOM));
    buf_u8(&body, 0);           /* no session */
    buf_u16(&body, suite);
    buf_u8(&body, 0);           /* no compression */
    buf_u16(&body, 5);
    buf_u16(&body, EXT_RENEGOTIATION_INFO);
    buf_u16(&body, 1);
    buf_u8(&body, 0);
    message_add(flight, SERVER_HELLO, &body);
}

static void certificate(struct buf *flight, const struct site *s)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(FLIGHT_MAX), body = BUF_INIT(FLIGHT_MAX);

    for (size_t i = 0; i < s->n_sent; i++) {
        struct mw_span der = mill_cert_der(s->sent[i]);

        buf_u24(&list, (uint32_t)der.len);
        buf_add(&list, der);
    }
    buf_u24(&body, (uint32_t)list.len);
    buf_add(&body, buf_span(&list));
    message_add(flight, CERTIFICATE, &body);
}

static void number_add(struct buf *b, const BIGNUM *n)
{
    int len = BN_num_bytes(n);
    uint8_t *to;

    buf_u16(b, (uint16_t)len);
    to = buf_reserve(b, (size_t)len);
    if (to != NULL && BN_bn2bin(n, to) == len)
        buf_took(b, (size_t)len);
}

/* Any odd number of that size stands in for the prime: the size is what is looked at. */
static int group_add(struct buf *params, int bits)
{
    BIGNUM *p = BN_new(), *g = BN_new(), *y = BN_new();
    int r = -ENOMEM;

    if (p != NULL && g != NULL && y != NULL &&
        BN_rand(p, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) > 0 && BN_set_word(g, 2) > 0 &&
        BN_rand_range(y, p) > 0) {
        number_add(params, p);
        number_add(params, g);
        number_add(params, y);
        r = buf_error(params);
    }
    BN_free(p);
    BN_free(g);
    BN_free(y);
    return r;
}

/* RFC 5246 7.4.3: the signature covers both randoms and the parameters. */
static int params_sign(struct buf *body, EVP_PKEY *key, const struct hello *hello,
                       const uint8_t random[RANDOM], struct mw_span params)
{
    bool rsa = EVP_PKEY_is_a(key, "RSA");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[1024];
    size_t n = sizeof(signature);
    int r = -EINVAL;

    if (ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) > 0 &&
        EVP_DigestSignUpdate(ctx, hello->random.data, hello->random.len) > 0 &&
        EVP_DigestSignUpdate(ctx, random, RANDOM) > 0 &&
        EVP_DigestSignUpdate(ctx, params.data, params.len) > 0 &&
        EVP_DigestSignFinal(ctx, signature, &n) > 0) {
        buf_u16(body, rsa ? RSA_PKCS1_SHA256 : ECDSA_P256_SHA256);
        buf_u16(body, (uint16_t)n);
        buf_add(body, span_of(signature, n));
        r = buf_error(body);
    }
    EVP_MD_CTX_free(ctx);
    return r;
}

static int key_exchange(struct buf *flight, const struct site *s, const struct hello *hello,
                        const uint8_t random[RANDOM], int dh_bits)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(8192);
    int r = group_add(&body, dh_bits);

    if (r == 0)
        r = params_sign(&body, mill_cert_key(s->leaf), hello, random, buf_span(&body));
    if (r == 0)
        message_add(flight, SERVER_KEY_EXCHANGE, &body);
    return r;
}

static void record_all(struct buf *wire, struct mw_span flight)
{
    while (flight.len > 0) {
        struct mw_span part = span_cut(flight, 0, RECORD_MAX);

        buf_u8(wire, RECORD_HANDSHAKE);
        buf_u16(wire, TLS_1_2);
        buf_u16(wire, (uint16_t)part.len);
        buf_add(wire, part);
        flight = span_cut(flight, part.len, SIZE_MAX);
    }
}

int old_flight(struct buf *wire, const struct site *s, const struct hello *hello, uint16_t suite,
               int dh_bits)
{
    CLEANUP(buf_deinit) struct buf flight = BUF_INIT(FLIGHT_MAX), none = BUF_INIT(1);
    uint8_t random[RANDOM];
    int r = 0;

    if (!lab_hello_offers(hello, suite)) {
        buf_u8(wire, RECORD_ALERT);
        buf_u16(wire, TLS_1_2);
        buf_u16(wire, 2);
        buf_u8(wire, 2);        /* fatal */
        buf_u8(wire, 40);       /* handshake_failure */
        return buf_error(wire);
    }
    if (RAND_bytes(random, RANDOM) <= 0)
        return -EIO;
    server_hello(&flight, random, suite);
    certificate(&flight, s);
    if (dh_bits > 0)
        r = key_exchange(&flight, s, hello, random, dh_bits);
    message_add(&flight, SERVER_HELLO_DONE, &none);
    if (r < 0 || buf_error(&flight) < 0)
        return r < 0 ? r : buf_error(&flight);
    record_all(wire, buf_span(&flight));
    return buf_error(wire);
}
