#include "lab/tls_stream.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>

struct tls_stream {
    SSL *ssl;
    BIO *in, *out;              /* the SSL's */
    bool ready;
};

int tls_stream_new(struct tls_stream **out, SSL_CTX *ctx, bool client, const char *server_name)
{
    struct tls_stream *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return -ENOMEM;
    t->ssl = SSL_new(ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (t->ssl == NULL || t->in == NULL || t->out == NULL) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        free(t);
        return -ENOMEM;
    }
    BIO_set_mem_eof_return(t->in, -1);
    BIO_set_mem_eof_return(t->out, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    if (client)
        SSL_set_connect_state(t->ssl);
    else
        SSL_set_accept_state(t->ssl);
    if (server_name != NULL && *server_name != '\0')
        SSL_set_tlsext_host_name(t->ssl, server_name);
    *out = t;
    return 0;
}

void tls_stream_free(struct tls_stream *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    free(t);
}

SSL *tls_stream_ssl(const struct tls_stream *t)
{
    return t->ssl;
}

bool tls_stream_ready(const struct tls_stream *t)
{
    return t->ready;
}

static void drain(struct tls_stream *t, struct buf *out)
{
    size_t n = BIO_ctrl_pending(t->out);
    uint8_t *to = n > 0 ? buf_reserve(out, n) : NULL;

    if (to != NULL && BIO_read(t->out, to, (int)n) > 0)
        buf_took(out, n);
}

/* The result of an SSL call: 0 also for "needs more". */
static int outcome(struct tls_stream *t, int result)
{
    int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, result);

    ERR_clear_error();
    return error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ ||
                   error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_ZERO_RETURN
               ? 0
               : -EPROTO;
}

int tls_stream_feed(struct tls_stream *t, struct mw_span in, struct buf *out)
{
    int r = 0;

    if (in.len > INT_MAX || (in.len > 0 && BIO_write(t->in, in.data, (int)in.len) <= 0))
        return -ENOMEM;
    if (!t->ready) {
        int done = SSL_do_handshake(t->ssl);

        t->ready = done > 0;
        r = outcome(t, done);
    }
    drain(t, out);
    return r < 0 ? r : buf_error(out);
}

int tls_stream_read(struct tls_stream *t, struct buf *plain, bool *ended)
{
    for (;;) {
        uint8_t *to = buf_reserve(plain, 16384);
        size_t n = 0;
        int got;

        if (to == NULL)
            return buf_error(plain);
        got = SSL_read_ex(t->ssl, to, 16384, &n);
        if (got <= 0) {
            *ended = (SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
            return outcome(t, got);
        }
        buf_took(plain, n);
    }
}

int tls_stream_write(struct tls_stream *t, struct mw_span plain, struct buf *out)
{
    size_t n = 0;
    int r = plain.len > 0 ? outcome(t, SSL_write_ex(t->ssl, plain.data, plain.len, &n)) : 0;

    drain(t, out);
    return r < 0 ? r : buf_error(out);
}

void tls_stream_close(struct tls_stream *t, struct buf *out)
{
    if (t->ready)
        SSL_shutdown(t->ssl);
    ERR_clear_error();
    drain(t, out);
}
