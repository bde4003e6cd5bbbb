#include "probe/site.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/response.h"

enum { PATIENCE_S = 10, HELLO_TYPE = 1, HANDSHAKE_TYPE = 22 };

/* The first ClientHello of a connection, header included. */
static void on_message(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl,
                       void *arg)
{
    struct buf *hello = arg;

    (void)version;
    (void)ssl;
    if (!sent && type == HANDSHAKE_TYPE && len > 0 && *(const uint8_t *)bytes == HELLO_TYPE &&
        hello->len == 0)
        buf_add(hello, span_of(bytes, len));
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *arg)
{
    struct {
        const unsigned char *at;
        unsigned left;
    } r = { in, in_len };
    const char *want = arg;
    size_t want_len = strlen(want);

    (void)ssl;
    while (r.left > 0 && r.at[0] < r.left) {
        if (r.at[0] == want_len && memcmp(r.at + 1, want, want_len) == 0) {
            *out = r.at + 1;
            *out_len = r.at[0];
            return SSL_TLSEXT_ERR_OK;
        }
        r.left -= 1u + r.at[0];
        r.at += 1 + r.at[0];
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static void echo_send(const struct site *s, SSL *ssl, const struct buf *hello,
                      struct mw_span target)
{
    struct echo_claim claim = { .hello = buf_span(hello), .at = wall_now() };
    struct buf json = BUF_INIT(ECHO_MAX_ANSWER), out = BUF_INIT(2 * ECHO_MAX_ANSWER);
    uint8_t other[4] = { HELLO_TYPE, 0, 0, 0 };

    if (echo_target_read(target, claim.nonce) != 0 ||
        SSL_export_keying_material(ssl, claim.exporter, sizeof claim.exporter, ECHO_EXPORTER_LABEL,
                                   strlen(ECHO_EXPORTER_LABEL), (const unsigned char *)"", 0,
                                   1) != 1)
        return;
    if (s->lie == SITE_OTHER_EXPORTER)
        claim.exporter[0] ^= 1;
    if (s->lie == SITE_OTHER_HELLO)
        claim.hello = span_of(other, sizeof other);
    if (echo_answer_write(&json, &claim, s->echo_key) != 0)
        abort();
    if (s->lie == SITE_BAD_SIGNATURE) {
        char *time = strstr((char *)json.data, "\"time\":");

        time[7] = time[7] == '2' ? '3' : '2';
    }
    if (http_response_write(&out, 200, NULL, 0, buf_span(&json), false) != 0)
        abort();
    SSL_write(ssl, out.data, (int)out.len);
    buf_deinit(&json);
    buf_deinit(&out);
}

static void talk(struct site *s, SSL *ssl, const struct buf *hello)
{
    struct http_request request = HTTP_REQUEST_INIT(1 << 16);
    uint8_t bytes[4096];
    int n;

    while ((n = SSL_read(ssl, bytes, sizeof bytes)) > 0) {
        struct mw_span in = span_of(bytes, (size_t)n);

        s->heard_bytes += (unsigned)n;
        if (s->echo_key != NULL && http_request_feed(&request, &in) == HTTP_DONE) {
            echo_send(s, ssl, hello, request.target);
            break;
        }
    }
    http_request_deinit(&request);
}

static void site_serve(void *context, int fd)
{
    struct site *s = context;
    const struct timeval limit = { .tv_sec = PATIENCE_S };
    struct buf hello = BUF_INIT(ECHO_MAX_HELLO);
    SSL *ssl;

    if (s->mute) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint8_t byte;

        while (poll(&p, 1, PATIENCE_S * 1000) > 0 && read(fd, &byte, 1) > 0)
            ;
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ssl = SSL_new(s->tls);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
        abort();
    SSL_set_msg_callback(ssl, on_message);
    SSL_set_msg_callback_arg(ssl, &hello);
    if (SSL_accept(ssl) == 1) {
        s->finished++;
        talk(s, ssl, &hello);
    }
    SSL_free(ssl);
    buf_deinit(&hello);
}

void site_start(struct site *s, X509 *leaf, EVP_PKEY *key, X509 *const *more, size_t n_more,
                const char *alpn)
{
    s->tls = SSL_CTX_new(TLS_server_method());
    if (s->tls == NULL || SSL_CTX_use_certificate(s->tls, leaf) != 1 ||
        SSL_CTX_use_PrivateKey(s->tls, key) != 1)
        abort();
    SSL_CTX_set_mode(s->tls, SSL_MODE_NO_AUTO_CHAIN);
    for (size_t i = 0; i < n_more; i++)
        if (SSL_CTX_add1_chain_cert(s->tls, more[i]) != 1)
            abort();
    if (alpn != NULL)
        SSL_CTX_set_alpn_select_cb(s->tls, on_alpn, (void *)(uintptr_t)alpn);
    serving_tcp(&s->serving, site_serve, s);
}

void site_stop(struct site *s)
{
    serving_stop(&s->serving);
    SSL_CTX_free(s->tls);
}
