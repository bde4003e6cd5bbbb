#include "net/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "net/sock.h"
#include "net/tls_offer.h"

enum {
    FIRST_BYTES = 256,
    HELLO_MAX = 16384,
    HANDSHAKE_SLACK = 256 * 1024,   /* what a handshake may weigh besides its certificates */
};

struct tls_client {
    SSL_CTX *contexts[TLS_OFFERS];
    BIO_METHOD *method;
    size_t max_bytes;
};

struct tls {
    SSL *ssl;
    int fd;
    struct flight flight;
    struct buf hello;
    uint8_t first[FIRST_BYTES];
    size_t n_first;
    struct mono hello_at;
    int64_t first_answer_us;
    uint64_t received, most;
    enum sock_error sock;       /* the socket's last failure */
    bool finished, alerted;
    int error;                  /* -ENOMEM from within a callback */
    enum tls_failure failure;
    char text[128];
};

/* ------------------------------------------------------ the socket under OpenSSL ---- */

/* RFC 8446 section 5.1: an answer to a ClientHello begins with a handshake or alert record. */
static bool looks_like_tls(const uint8_t *bytes, size_t n)
{
    return (bytes[0] == SSL3_RT_HANDSHAKE || bytes[0] == SSL3_RT_ALERT) &&
           (n < 2 || bytes[1] == 3);
}

static void take_first_bytes(struct tls *t, const uint8_t *bytes, size_t n)
{
    size_t more;
    enum sock_error ignored;

    t->first_answer_us = mono_diff_ns(t->hello_at, mono_now()) / 1000;
    t->n_first = n < sizeof(t->first) ? n : sizeof(t->first);
    memcpy(t->first, bytes, t->n_first);
    if (looks_like_tls(bytes, n))
        return;
    /* The rest of the greeting, if it is there already, to say what it is instead. */
    if (t->n_first < sizeof(t->first) &&
        sock_read(t->fd, t->first + t->n_first, sizeof(t->first) - t->n_first, &more, &ignored) ==
            IO_OK)
        t->n_first += more;
    t->failure = TLS_NOT_TLS;
}

static int bio_read(BIO *bio, char *to, int room)
{
    struct tls *t = BIO_get_data(bio);
    size_t n;
    enum io io = IO_FAILED;

    BIO_clear_retry_flags(bio);
    if (t->failure == TLS_NO_FAILURE)
        io = sock_read(t->fd, to, (size_t)room, &n, &t->sock);
    if (io == IO_WANT_READ)
        BIO_set_retry_read(bio);
    if (io != IO_OK)
        return io == IO_CLOSED ? 0 : -1;
    t->received += n;
    if (t->n_first == 0)
        take_first_bytes(t, (const uint8_t *)to, n);
    if (!t->finished && t->received > t->most)
        t->failure = TLS_TOO_BIG;
    return t->failure == TLS_NO_FAILURE ? (int)n : -1;
}

static int bio_write(BIO *bio, const char *from, int len)
{
    struct tls *t = BIO_get_data(bio);
    size_t n;
    enum io io = sock_write(t->fd, span_of(from, (size_t)len), &n, &t->sock);

    BIO_clear_retry_flags(bio);
    if (io == IO_WANT_WRITE)
        BIO_set_retry_write(bio);
    return io == IO_OK ? (int)n : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "midwatch socket");

    if (m != NULL && BIO_meth_set_read(m, bio_read) == 1 && BIO_meth_set_write(m, bio_write) == 1 &&
        BIO_meth_set_ctrl(m, bio_ctrl) == 1)
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* ----------------------------------------------------------------- what is seen ---- */

/* Each handshake message passes here before OpenSSL acts on it, those of TLS 1.3 in the
 * clear. */
static void on_message(int sent, int version, int content_type, const void *data, size_t len,
                       SSL *ssl, void *context)
{
    struct tls *t = context;
    const uint8_t *bytes = data;

    (void)version;
    (void)ssl;
    if (content_type == SSL3_RT_HANDSHAKE && sent != 0 && len > 0 && bytes[0] == 1 &&
        t->hello.len == 0) {
        buf_add(&t->hello, span_of(data, len));
        t->hello_at = mono_now();
    } else if (content_type == SSL3_RT_HANDSHAKE && sent == 0 && !t->finished && t->error == 0) {
        t->error = flight_read(&t->flight, span_of(data, len));
    } else if (content_type == SSL3_RT_ALERT && sent == 0 && len == 2) {
        t->flight.tls.alert = bytes[1];
        t->alerted = bytes[1] != SSL_AD_CLOSE_NOTIFY;
    }
}

/* ------------------------------------------------------------------- life cycle ---- */

int tls_client_new(struct tls_client **out, size_t max_bytes)
{
    struct tls_client *c = calloc(1, sizeof(*c));
    int r = -ENOMEM;

    if (c == NULL)
        return -ENOMEM;
    c->max_bytes = max_bytes;
    c->method = bio_method();
    if (c->method == NULL)
        goto fail;
    for (int i = 0; i < TLS_OFFERS; i++) {
        r = tls_offer_context(&c->contexts[i], (enum tls_offer)i, max_bytes);
        if (r < 0)
            goto fail;
    }
    *out = c;
    return 0;
fail:
    tls_client_free(c);
    return r;
}

void tls_client_free(struct tls_client *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < TLS_OFFERS; i++)
        SSL_CTX_free(c->contexts[i]);
    BIO_meth_free(c->method);
    free(c);
}

/* "h2,http/1.1" to RFC 7301's wire form. */
static int alpn_set(SSL *ssl, const char *list)
{
    CLEANUP(buf_deinit) struct buf wire = BUF_INIT(255);
    struct mw_span rest = span_str(list), name;

    while (span_field(&rest, ',', &name)) {
        if (name.len == 0 || name.len > 255)
            return -EINVAL;
        buf_u8(&wire, (uint8_t)name.len);
        buf_add(&wire, name);
    }
    if (buf_error(&wire) != 0)
        return buf_error(&wire) == -ENOMEM ? -ENOMEM : -EINVAL;
    if (wire.len == 0)
        return 0;
    return SSL_set_alpn_protos(ssl, wire.data, (unsigned)wire.len) == 0 ? 0 : -ENOMEM;
}

static int tls_prepare(struct tls *t, struct tls_client *c, const struct tls_ask *ask)
{
    BIO *bio;

    t->ssl = SSL_new(c->contexts[ask->offer]);
    bio = BIO_new(c->method);
    if (t->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return -ENOMEM;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_msg_callback(t->ssl, on_message);
    SSL_set_msg_callback_arg(t->ssl, t);
    SSL_set_connect_state(t->ssl);
    if (ask->server_name != NULL && SSL_set_tlsext_host_name(t->ssl, ask->server_name) != 1)
        return -EINVAL;
    return ask->alpn != NULL ? alpn_set(t->ssl, ask->alpn) : 0;
}

int tls_new(struct tls **out, struct tls_client *c, int fd, const struct tls_ask *ask)
{
    struct tls *t = calloc(1, sizeof(*t));
    int r;

    if (t == NULL)
        return -ENOMEM;
    t->fd = -1;
    t->flight = (struct flight)FLIGHT_INIT(c->max_bytes);
    t->hello = (struct buf)BUF_INIT(HELLO_MAX);
    t->most = c->max_bytes + HANDSHAKE_SLACK;
    ERR_clear_error();
    r = tls_prepare(t, c, ask);
    if (r < 0) {
        tls_free(t);
        return r;
    }
    t->fd = fd;
    *out = t;
    return 0;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    if (t->finished && t->failure == TLS_NO_FAILURE)
        (void)SSL_shutdown(t->ssl);
    SSL_free(t->ssl);
    ERR_clear_error();
    flight_deinit(&t->flight);
    buf_deinit(&t->hello);
    own_close(&t->fd);
    free(t);
}

/* ------------------------------------------------------------------------ verbs ---- */

static void fail_with(struct tls *t, enum tls_failure failure, const char *text)
{
    t->failure = failure;
    snprintf(t->text, sizeof(t->text), "%s", text);
}

/* Why OpenSSL gave up, the wire's own reasons before OpenSSL's. */
static void find_failure(struct tls *t)
{
    unsigned long e = ERR_peek_error();
    const char *reason = ERR_reason_error_string(e);

    if (t->failure != TLS_NO_FAILURE)
        return;
    if (t->error != 0)
        fail_with(t, TLS_OUT_OF_MEMORY, "out of memory");
    else if (t->alerted)
        fail_with(t, TLS_ALERTED, SSL_alert_desc_string_long(t->flight.tls.alert));
    else if (t->flight.error == FLIGHT_TOO_BIG ||
             (ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_EXCESSIVE_MESSAGE_SIZE))
        fail_with(t, TLS_TOO_BIG, "a handshake message over the limit");
    else if (t->sock == SOCK_RESET)
        fail_with(t, TLS_RESET, "connection reset");
    else if (t->sock == SOCK_CLOSED)
        fail_with(t, TLS_CLOSED, "connection closed");
    else if (t->sock != SOCK_OK)
        fail_with(t, TLS_RESET, sock_error_text(t->sock));
    else
        fail_with(t, TLS_BROKE_PROTOCOL, reason != NULL ? reason : "no reason given");
}

static enum io tls_result(struct tls *t, int returned)
{
    switch (SSL_get_error(t->ssl, returned)) {
    case SSL_ERROR_WANT_READ:
        return IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        fail_with(t, TLS_CLOSED, "connection closed");
        return IO_CLOSED;
    default:
        find_failure(t);
        return t->failure == TLS_CLOSED ? IO_CLOSED : IO_FAILED;
    }
}

enum io tls_handshake(struct tls *t)
{
    int returned;

    if (t->failure != TLS_NO_FAILURE)
        return IO_FAILED;
    ERR_clear_error();
    returned = SSL_do_handshake(t->ssl);
    if (returned != 1)
        return tls_result(t, returned);
    if (t->flight.error == FLIGHT_TOO_BIG || t->error != 0) {
        find_failure(t);
        return IO_FAILED;
    }
    t->finished = true;
    t->flight.tls.alert = 0;        /* a warning that did not matter */
    return IO_OK;
}

enum io tls_read(struct tls *t, void *to, size_t room, size_t *n)
{
    int returned;

    *n = 0;
    ERR_clear_error();
    returned = SSL_read_ex(t->ssl, to, room, n);
    return returned == 1 ? IO_OK : tls_result(t, returned);
}

enum io tls_write(struct tls *t, struct mw_span bytes, size_t *n)
{
    int returned;

    *n = 0;
    ERR_clear_error();
    returned = SSL_write_ex(t->ssl, bytes.data, bytes.len, n);
    return returned == 1 ? IO_OK : tls_result(t, returned);
}

enum tls_failure tls_failure(const struct tls *t)
{
    return t->failure;
}

const char *tls_failure_text(const struct tls *t)
{
    return t->text;
}

const struct flight *tls_seen(const struct tls *t)
{
    return &t->flight;
}

bool tls_key_proven(const struct tls *t)
{
    return t->flight.n_certs > 0 && (t->finished || t->flight.key_proof_seen);
}

const char *tls_cipher_name(const struct tls *t)
{
    uint8_t wire[2] = { (uint8_t)(t->flight.tls.cipher_suite >> 8),
                        (uint8_t)t->flight.tls.cipher_suite };
    const SSL_CIPHER *cipher = SSL_CIPHER_find(t->ssl, wire);

    return t->flight.hello_seen && cipher != NULL ? SSL_CIPHER_get_name(cipher) : NULL;
}

struct mw_span tls_hello(const struct tls *t)
{
    return buf_span(&t->hello);
}

struct mw_span tls_first_bytes(const struct tls *t)
{
    return span_of(t->first, t->n_first);
}

int64_t tls_first_answer_us(const struct tls *t)
{
    return t->first_answer_us;
}

int tls_exporter(struct tls *t, uint8_t out[32])
{
    static const char label[] = "EXPORTER-Channel-Binding";

    if (!t->finished)
        return -ENOTSUP;
    /* RFC 9266 section 3: below TLS 1.3 only with extended master secret. */
    if (SSL_version(t->ssl) < TLS1_3_VERSION && SSL_get_extms_support(t->ssl) != 1)
        return -ENOTSUP;
    /* RFC 9266 section 2: the context is present and empty. */
    if (SSL_export_keying_material(t->ssl, out, 32, label, sizeof(label) - 1, (const uint8_t *)"",
                                   0, 1) != 1)
        return -ENOTSUP;
    return 0;
}

int tls_fd(const struct tls *t)
{
    return t->fd;
}
