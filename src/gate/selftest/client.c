#include "gate/selftest/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"

enum { HEAD_MAX = 8192, BETWEEN_NS = 1000000 };

int local_connect(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct timeval limit = { .tv_sec = CALL_WAIT_S };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool send_all(int fd, struct mw_span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        bytes = span_cut(bytes, (size_t)n, SIZE_MAX);
    }
    return true;
}

/* 0: no HTTP/1 answer. */
static int status_of(struct mw_span answer)
{
    int64_t status = 0;

    if (!span_eq(span_cut(answer, 0, 7), SPAN_LIT("HTTP/1.")) ||
        text_number(span_cut(answer, 9, 3), 100, 599, &status) != 0)
        return 0;
    return (int)status;
}

int tunnel_open(const struct gate *g, const char *host, uint16_t port, int *status)
{
    CLEANUP(own_close) int fd = local_connect(g->port);
    char head[HEAD_MAX];
    size_t n = 0;

    *status = 0;
    if (fd < 0)
        return -1;
    /* selftest:selftest, asked for only where the configuration has users. */
    snprintf(head, sizeof(head), "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n"
                                 "Proxy-Authorization: Basic c2VsZnRlc3Q6c2VsZnRlc3Q=\r\n\r\n",
             host, port, host, port);
    if (!send_all(fd, span_str(head)))
        return -1;
    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0) {
        if (n + 1 == sizeof(head) || recv(fd, head + n, 1, 0) != 1)
            return -1;
        n++;
    }
    head[n] = '\0';
    *status = status_of(span_of(head, n));
    return *status == 200 ? own_steal_fd(&fd) : -1;
}

void tunnel_ask(int fd, struct mw_span bytes, uint8_t *to, size_t room, size_t *n)
{
    *n = 0;
    if (!send_all(fd, bytes))
        return;
    while (*n < room) {
        ssize_t got = recv(fd, to + *n, room - *n, 0);

        if (got <= 0)
            return;
        *n += (size_t)got;
        if (*n >= 5 && *n >= 5U + (size_t)(to[3] << 8 | to[4]))
            return;             /* a whole record */
    }
}

/* ------------------------------------------------------------ a hello by hand ---- */

static void part(struct buf *out, uint16_t type, struct mw_span body)
{
    buf_u16(out, type);
    buf_u16(out, (uint16_t)body.len);
    buf_add(out, body);
}

static void server_name(struct buf *out, const char *host)
{
    size_t n = strlen(host);

    buf_u16(out, 0);
    buf_u16(out, (uint16_t)(n + 5));
    buf_u16(out, (uint16_t)(n + 3));
    buf_u8(out, 0);
    buf_u16(out, (uint16_t)n);
    buf_str(out, host);
}

/* RFC 8446 section 4.2.8; the base point itself is a valid X25519 share. */
static void modern_parts(struct buf *out, const struct raw_hello *h)
{
    size_t shares = 36 + (h->grease ? 5 : 0) + (h->padding > 0 ? h->padding + 4 : 0);

    if (h->grease)
        part(out, 0x002b, SPAN_LIT("\x06\x6a\x6a\x03\x04\x03\x03"));
    else
        part(out, 0x002b, SPAN_LIT("\x04\x03\x04\x03\x03"));
    buf_u16(out, 0x0033);
    buf_u16(out, (uint16_t)(shares + 2));
    buf_u16(out, (uint16_t)shares);
    if (h->grease)
        buf_add(out, SPAN_LIT("\x4a\x4a\x00\x01\x00"));
    if (h->padding > 0) {
        buf_u16(out, 0xfe77);   /* private use: nobody's group */
        buf_u16(out, (uint16_t)h->padding);
        buf_fill(out, 'k', h->padding);
    }
    buf_add(out, SPAN_LIT("\x00\x1d\x00\x20\x09"));
    buf_fill(out, '\0', 31);
}

static void parts(struct buf *out, const struct raw_hello *h)
{
    if (h->grease)
        part(out, 0x3a3a, (struct mw_span){ NULL, 0 });
    server_name(out, h->host);
    part(out, 0x0017, (struct mw_span){ NULL, 0 });
    part(out, 0xff01, SPAN_LIT("\x00"));
    if (h->grease)              /* with the group of the padding's share */
        part(out, 0x000a, SPAN_LIT("\x00\x08\x4a\x4a\x00\x1d\x00\x17\xfe\x77"));
    else
        part(out, 0x000a, SPAN_LIT("\x00\x04\x00\x1d\x00\x17"));
    part(out, 0x000b, SPAN_LIT("\x01\x00"));
    part(out, 0x000d, SPAN_LIT("\x00\x08\x04\x03\x08\x04\x04\x01\x05\x01"));
    if (h->modern)
        modern_parts(out, h);
    if (h->grease)
        part(out, 0x7a7a, SPAN_LIT("\x00"));
}

void raw_hello_write(struct buf *out, const struct raw_hello *h)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(16384), tail = BUF_INIT(16384);

    parts(&tail, h);
    buf_u16(&body, 0x0303);
    buf_fill(&body, 'r', 32);
    buf_u8(&body, 32);
    buf_fill(&body, 's', 32);
    buf_u16(&body, (uint16_t)(2 * (h->n_suites + (h->grease ? 1 : 0))));
    if (h->grease)
        buf_u16(&body, 0x9a9a);
    for (size_t i = 0; i < h->n_suites; i++)
        buf_u16(&body, h->suites[i]);
    if (h->deflate)
        buf_add(&body, SPAN_LIT("\x02\x01\x00"));
    else
        buf_add(&body, SPAN_LIT("\x01\x00"));
    buf_u16(&body, (uint16_t)tail.len);
    buf_add(&body, buf_span(&tail));
    buf_add(out, SPAN_LIT("\x16\x03\x01"));
    buf_u16(out, (uint16_t)(body.len + 4));
    buf_u8(out, 1);
    buf_u24(out, (uint32_t)body.len);
    buf_add(out, buf_span(&body));
}

/* ------------------------------------------------------------------- a call ---- */

static void on_info(const SSL *ssl, int where, int value)
{
    struct answer *a = SSL_get_app_data(ssl);

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && a != NULL && (value & 0xff) != 0)
        a->alert = value & 0xff;
}

static void on_message(int write, int version, int type, const void *data, size_t len, SSL *ssl,
                       void *to)
{
    struct answer *a = to;

    (void)version;
    (void)ssl;
    if (write == 0 && type == SSL3_RT_HANDSHAKE && len > 0 &&
        ((const uint8_t *)data)[0] == SSL3_MT_SERVER_HELLO)
        a->answered = true;
}

static SSL_CTX *context_new(const struct call *c)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    bool good = ctx != NULL;

    if (!good)
        return NULL;
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_info_callback(ctx, on_info);
    SSL_CTX_set_max_cert_list(ctx, 1 << 20);
    good = SSL_CTX_set_min_proto_version(ctx, c->min != 0 ? c->min : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, c->max) == 1;
    if (good && c->ciphers != NULL)
        good = SSL_CTX_set_cipher_list(ctx, c->ciphers) == 1;
    if (good && c->groups != NULL)
        good = SSL_CTX_set1_groups_list(ctx, c->groups) == 1;
    if (good)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static const char *name_of(const struct call *c)
{
    return c->sni != NULL ? c->sni : c->host;
}

/* The ClientHello, as the TLS library makes it and the call wants it cut. */
static bool first_flight(SSL *ssl, int fd, const struct call *c)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    BIO *in = BIO_new(BIO_s_mem()), *to = BIO_new(BIO_s_mem());
    struct mw_span rest, message;
    char *data = NULL;
    size_t piece = c->split;
    long n;

    SSL_set_bio(ssl, in, to);
    BIO_set_mem_eof_return(in, -1);
    if (SSL_connect(ssl) != -1 || SSL_get_error(ssl, -1) != SSL_ERROR_WANT_READ)
        return false;
    n = BIO_get_mem_data(to, &data);
    rest = span_of(data, n > 0 ? (size_t)n : 0);
    message = span_cut(rest, 5, SIZE_MAX);
    for (size_t at = 0; c->record > 0 && at < message.len; at += c->record) {
        struct mw_span cut = span_cut(message, at, c->record);

        buf_add(&out, SPAN_LIT("\x16\x03\x01"));
        buf_u16(&out, (uint16_t)cut.len);
        buf_add(&out, cut);
    }
    if (c->record > 0)
        rest = buf_span(&out);
    if (c->first > 0)
        piece = c->first;
    while (rest.len > 0) {
        struct mw_span cut = span_cut(rest, 0, piece > 0 ? piece : rest.len);

        if (!send_all(fd, cut))
            return false;
        rest = span_cut(rest, cut.len, SIZE_MAX);
        if (c->first > 0) {     /* so that the halves are two reads */
            nanosleep(&(struct timespec){ 0, BETWEEN_NS }, NULL);
            piece = 0;
        }
    }
    return SSL_set_fd(ssl, fd) == 1;
}

static void judge(struct answer *a, const struct gate *g, const char *host)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    uint8_t ip[4];

    if (ctx != NULL && a->leaf != NULL &&
        X509_STORE_CTX_init(ctx, g->trusted, a->leaf, a->chain) == 1 &&
        X509_STORE_CTX_set_default(ctx, "ssl_server") == 1)
        a->trusted = X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    if (a->leaf != NULL)
        a->named = inet_pton(AF_INET, host, ip) == 1 ? X509_check_ip(a->leaf, ip, 4, 0) == 1
                                                     : X509_check_host(a->leaf, host, 0, 0,
                                                                       NULL) == 1;
}

static void request(struct answer *a, SSL *ssl, const struct call *c)
{
    char head[HEAD_MAX], text[4096];
    int n = snprintf(head, sizeof(head),
                     "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                     c->path != NULL ? c->path : "/",
                     c->http_host != NULL ? c->http_host : name_of(c)[0] != '\0' ? name_of(c)
                                                                                : c->host);

    if (SSL_write(ssl, head, n) != n)
        return;
    while ((n = SSL_read(ssl, text, sizeof(text))) > 0 && a->body.error == 0)
        buf_add(&a->body, span_of(text, (size_t)n));
    a->status = status_of(buf_span(&a->body));
}

/* RFC 5246 section 7.4.1.1: the server may refuse with no_renegotiation, or fatally. */
static void renegotiate(struct answer *a, SSL *ssl)
{
    char byte;

    a->can_renegotiate = SSL_get_secure_renegotiation_support(ssl) == 1;
    if (SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1)
        (void)SSL_peek(ssl, &byte, 0);
    a->renegotiated = SSL_num_renegotiations(ssl) > 0 && SSL_renegotiate_pending(ssl) == 0 &&
                      SSL_is_init_finished(ssl) == 1;
}

static void greet(struct answer *a, SSL *ssl, const struct gate *g, const struct call *c)
{
    EVP_PKEY *key = NULL;

    a->greeted = SSL_connect(ssl) == 1;
    a->leaf = SSL_get1_peer_certificate(ssl);
    if (SSL_get_peer_cert_chain(ssl) != NULL)
        a->chain = X509_chain_up_ref(SSL_get_peer_cert_chain(ssl));
    judge(a, g, name_of(c)[0] != '\0' ? name_of(c) : c->host);
    if (!a->greeted)
        return;
    a->version = SSL_version(ssl);
    if (SSL_get_peer_tmp_key(ssl, &key) == 1)
        a->group_bits = EVP_PKEY_get_bits(key);
    EVP_PKEY_free(key);
    a->can_renegotiate = SSL_get_secure_renegotiation_support(ssl) == 1;
    if (c->renegotiate)
        renegotiate(a, ssl);
    else if (!c->stop)
        request(a, ssl, c);
}

int call_make(struct answer *a, const struct gate *g, const struct call *c)
{
    CLEANUP(own_close) int fd = -1;
    SSL_CTX *ctx = context_new(c);
    SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
    int r = ssl != NULL ? 0 : -ENOMEM;

    *a = (struct answer){ .body = BUF_INIT(CALL_BODY_MAX) };
    fd = r < 0 ? -1 : c->direct ? local_connect(c->port)
                                : tunnel_open(g, c->host, c->port, &a->connect);
    if (c->direct && fd >= 0)
        a->connect = 200;
    if (fd >= 0 && SSL_set_fd(ssl, fd) == 1) {
        SSL_set_app_data(ssl, a);
        SSL_set_msg_callback(ssl, on_message);
        SSL_set_msg_callback_arg(ssl, a);
        if (name_of(c)[0] != '\0')
            (void)SSL_set_tlsext_host_name(ssl, name_of(c));
        if ((c->split == 0 && c->first == 0 && c->record == 0) || first_flight(ssl, fd, c))
            greet(a, ssl, g, c);
        (void)SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return r;
}

void answer_deinit(struct answer *a)
{
    X509_free(a->leaf);
    sk_X509_pop_free(a->chain, X509_free);
    buf_deinit(&a->body);
}
