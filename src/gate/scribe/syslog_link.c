#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gate/scribe/syslog_link.h"
#include "net/sock.h"

enum { WHY = 160, ROOTS_MAX = 4096 };

/* ------------------------------------------------------------------------------- TLS ---- */

int syslog_tls_new(SSL_CTX **out, struct mw_span roots, struct buf *error)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    BIO *bio = BIO_new_mem_buf(roots.len > 0 ? (const void *)roots.data : "", (int)roots.len);
    X509 *root;
    size_t n = 0;

    if (ctx == NULL || bio == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(ctx);
        BIO_free(bio);
        return -ENOMEM;
    }
    while (n < ROOTS_MAX && (root = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        n += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root) == 1;
        X509_free(root);
    }
    BIO_free(bio);
    ERR_clear_error(); /* the end of the text is an error to the reader */
    if (n == 0) {
        buf_str(error, "syslog over TLS needs the authorities of the collector: set syslog-roots "
                       "to a file with them (PEM)");
        SSL_CTX_free(ctx);
        return -EINVAL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    *out = ctx;
    return 0;
}

void syslog_tls_free(SSL_CTX *ctx)
{
    SSL_CTX_free(ctx);
}

/* RFC 5425 section 5.2: the certificate must be for the host that was configured. */
static int tls_open(SSL **out, SSL_CTX *ctx, int fd, const char *host)
{
    SSL *ssl = SSL_new(ctx);
    struct addr literal;
    bool good;

    if (ssl == NULL)
        return -ENOMEM;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (addr_parse(&literal, span_str(host), 0) == 0)
        good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    else
        good = SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
    if (!good || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return -ENOMEM;
    }
    SSL_set_connect_state(ssl);
    *out = ssl;
    return 0;
}

static enum io tls_io(SSL *ssl, int r, char *why)
{
    long verified = SSL_get_verify_result(ssl);
    unsigned long e;

    switch (SSL_get_error(ssl, r)) {
    case SSL_ERROR_WANT_READ:
        return IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return IO_CLOSED;
    default:
        break;
    }
    e = ERR_get_error();
    if (verified != X509_V_OK)
        snprintf(why, WHY, "its certificate: %s", X509_verify_cert_error_string(verified));
    else
        snprintf(why, WHY, "TLS: %s", e != 0 ? ERR_reason_error_string(e) : "connection lost");
    ERR_clear_error();
    return IO_FAILED;
}

/* ------------------------------------------------------------------------------- link ---- */

int syslog_link_open(struct syslog_link *l, enum syslog_kind kind, const struct addr *to,
                     SSL_CTX *ctx, const char *host)
{
    int r;

    *l = (struct syslog_link){ .fd = -1 };
    r = kind == SYSLOG_UDP ? sock_udp(&l->fd, to) : sock_tcp_begin(&l->fd, to);
    l->connected = kind == SYSLOG_UDP;
    if (r == 0 && kind == SYSLOG_TLS)
        r = tls_open(&l->ssl, ctx, l->fd, host);
    if (r < 0)
        syslog_link_close(l);
    return r;
}

void syslog_link_close(struct syslog_link *l)
{
    SSL_free(l->ssl);
    if (l->fd >= 0)
        close(l->fd);
    *l = (struct syslog_link){ .fd = -1 };
}

enum io syslog_link_begin(struct syslog_link *l, char *why)
{
    enum sock_error e;
    int r;

    if (!l->connected) {
        e = sock_connected(l->fd);
        if (e != SOCK_OK) {
            snprintf(why, WHY, "%s", sock_error_text(e));
            return IO_FAILED;
        }
        l->connected = true;
    }
    if (l->ssl == NULL || l->shaken)
        return IO_OK;
    ERR_clear_error();
    r = SSL_do_handshake(l->ssl);
    l->shaken = r == 1;
    return l->shaken ? IO_OK : tls_io(l->ssl, r, why);
}

enum io syslog_link_send(struct syslog_link *l, struct mw_span bytes, size_t *n, char *why)
{
    enum sock_error e = SOCK_OK;
    enum io io;

    *n = 0;
    if (l->ssl != NULL) {
        ERR_clear_error();
        return SSL_write_ex(l->ssl, bytes.data, bytes.len, n) == 1 ? IO_OK
                                                                   : tls_io(l->ssl, 0, why);
    }
    io = sock_write(l->fd, bytes, n, &e);
    if (io == IO_FAILED)
        snprintf(why, WHY, "%s", sock_error_text(e));
    return io;
}

enum io syslog_link_listen(struct syslog_link *l)
{
    enum sock_error e;
    uint8_t ignored[1024];
    char why[WHY];
    size_t n;

    for (int i = 0; i < 16; i++) { /* what a collector says has no meaning; a flood of it ends */
        enum io io;

        if (l->ssl != NULL) {
            ERR_clear_error();
            io = SSL_read_ex(l->ssl, ignored, sizeof(ignored), &n) == 1 ? IO_OK
                                                                        : tls_io(l->ssl, 0, why);
        } else {
            io = sock_read(l->fd, ignored, sizeof(ignored), &n, &e);
        }
        if (io != IO_OK)
            return io == IO_WANT_WRITE ? IO_WANT_READ : io;
    }
    return IO_CLOSED;
}
