#include "gate/worker/leg.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/pages.h"
#include "gate/worker/wipe.h"

enum { WIDE_BYTES = 64 * 1024, NARROW_BYTES = 16 * 1024 };

void leg_open(struct leg *l, int fd)
{
    *l = (struct leg){ .fd = fd };
}

void leg_close(struct leg *l)
{
    /* Freed without a shutdown, OpenSSL takes its session for broken and no longer resumes it;
     * that a peer hung up says nothing about the session (RFC 8446 section 6.1). */
    if (l->tls != NULL && l->shaken && l->failure != LEG_ALERTED && l->failure != LEG_PROTOCOL)
        SSL_set_shutdown(leg_ssl(l), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(leg_ssl(l));
    l->tls = NULL;
    if (l->tap != NULL)
        l->tap->on_close(l->tap);
    l->tap = NULL;
    free(l->early);
    l->early = NULL;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

void leg_move(struct leg *to, struct leg *from)
{
    *to = *from;
    leg_open(from, -1);
    if (to->tls == NULL)
        return;
    SSL_set_app_data(leg_ssl(to), to);
    BIO_set_data(SSL_get_rbio(leg_ssl(to)), to);
}

int leg_unread(struct leg *l, struct mw_span bytes)
{
    if (bytes.len == 0)
        return 0;
    l->early = malloc(bytes.len);
    if (l->early == NULL)
        return -ENOMEM;
    memcpy(l->early, bytes.data, bytes.len);
    l->early_from = 0;
    l->early_len = bytes.len;
    return 0;
}

/* ------------------------------------------------------------------- the socket ---- */

static enum leg_failure failure_of(int error)
{
    return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT ? LEG_RESET : LEG_BROKEN;
}

static enum io leg_failed(struct leg *l, int error)
{
    l->error = error;
    if (l->failure == LEG_WELL)
        l->failure = failure_of(error);
    return IO_FAILED;
}

static size_t early_take(struct leg *l, void *to, size_t room)
{
    size_t n = l->early_len - l->early_from < room ? l->early_len - l->early_from : room;

    memcpy(to, l->early + l->early_from, n);
    l->early_from += n;
    if (l->early_from == l->early_len) {
        free(l->early);
        l->early = NULL;
    }
    return n;
}

static enum io socket_read(struct leg *l, void *to, size_t room, size_t *n)
{
    ssize_t got;

    *n = 0;
    if (l->early != NULL) {
        *n = early_take(l, to, room);
        return IO_OK;
    }
    if (l->empty)
        return IO_WANT_READ;
    do
        got = recv(l->fd, to, room, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno != EAGAIN)
        return leg_failed(l, errno);
    /* Less than there was room for: nothing is left.  What comes later wakes us. */
    l->empty = got < (ssize_t)room;
    if (got < 0)
        return IO_WANT_READ;
    *n = (size_t)got;
    if (got > 0)
        return IO_OK;
    l->fin_in = true;
    return IO_CLOSED;
}

static enum io socket_write(struct leg *l, struct mw_span bytes, size_t *n)
{
    ssize_t put;

    *n = 0;
    do
        put = send(l->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put < 0)
        return errno == EAGAIN ? IO_WANT_WRITE : leg_failed(l, errno);
    *n = (size_t)put;
    return IO_OK;
}

void leg_wake(struct leg *l)
{
    l->empty = false;
}

bool leg_holds(const struct leg *l)
{
    if (l->early != NULL)
        return true;
    return l->tls != NULL && l->packed == NULL && SSL_has_pending(l->tls) == 1;
}

/* --------------------------------------------------------------- under OpenSSL ---- */

static int bio_read(BIO *bio, char *to, int room)
{
    struct leg *l = BIO_get_data(bio);
    size_t n;
    enum io io = socket_read(l, to, (size_t)room, &n);

    BIO_clear_retry_flags(bio);
    if (io == IO_WANT_READ)
        BIO_set_retry_read(bio);
    if (io != IO_OK)
        return io == IO_CLOSED ? 0 : -1;
    if (l->tap != NULL)
        l->tap->on_bytes(l->tap, true, span_of(to, n));
    return (int)n;
}

static int bio_write(BIO *bio, const char *from, int len)
{
    struct leg *l = BIO_get_data(bio);
    size_t n;
    enum io io = socket_write(l, span_of(from, (size_t)len), &n);

    BIO_clear_retry_flags(bio);
    if (io == IO_WANT_WRITE)
        BIO_set_retry_write(bio);
    if (l->tap != NULL && n > 0)
        l->tap->on_bytes(l->tap, false, span_of(from, n));
    return io == IO_OK ? (int)n : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int leg_context_init(struct leg_context *c)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "midwatch leg");

    if (m == NULL || BIO_meth_set_read(m, bio_read) != 1 || BIO_meth_set_write(m, bio_write) != 1 ||
        BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
        BIO_meth_free(m);
        return -ENOMEM;
    }
    c->bio = m;
    return 0;
}

void leg_context_deinit(struct leg_context *c)
{
    BIO_meth_free(c->bio);
    c->bio = NULL;
}

struct leg *leg_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* Alerts are how a client says what it does not like: the pin learner lives on them. */
static void on_info(const SSL *ssl, int where, int value)
{
    struct leg *l = leg_of(ssl);

    if ((where & SSL_CB_ALERT) == 0 || l == NULL || (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
        return;
    if ((where & SSL_CB_READ) != 0)
        l->alert_in = (uint8_t)(value & 0xff);
    else
        l->alert_out = (uint8_t)(value & 0xff);
}

void leg_context_use(struct leg_context *c, SSL_CTX *ctx)
{
    SSL_CTX_set_app_data(ctx, c);
    SSL_CTX_set_info_callback(ctx, on_info);
}

int leg_secure(struct leg *l, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);
    struct leg_context *c = SSL_CTX_get_app_data(ctx);
    BIO *bio = ssl != NULL ? BIO_new(c->bio) : NULL;

    if (bio == NULL) {
        SSL_free(ssl);
        ERR_clear_error();
        return -ENOMEM;
    }
    BIO_set_data(bio, l);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, l);
    l->tls = ssl;
    return 0;
}

static enum io leg_io(struct leg *l, int result)
{
    int error = SSL_get_error(leg_ssl(l), result);
    unsigned long code;

    if (error == SSL_ERROR_WANT_READ)
        return IO_WANT_READ;
    if (error == SSL_ERROR_WANT_WRITE)
        return IO_WANT_WRITE;
    if (error == SSL_ERROR_ZERO_RETURN) {
        l->fin_in = true;
        return IO_CLOSED;
    }
    code = ERR_peek_error();
    if (l->failure == LEG_WELL) {
        if (l->alert_in != 0)
            l->failure = LEG_ALERTED;
        else if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
            l->failure = LEG_NO_MEMORY;
        else if (l->fin_in)
            l->failure = LEG_CUT;
        else
            l->failure = LEG_PROTOCOL;
    }
    if (code != 0) {
        const char *reason = ERR_reason_error_string(code);

        snprintf(l->why, sizeof(l->why), "%s", reason != NULL ? reason : "");
    }
    ERR_clear_error();
    return IO_FAILED;
}

enum io leg_handshake(struct leg *l)
{
    SSL *ssl = leg_ssl(l);
    int r = SSL_do_handshake(ssl);

    if (r == 1) {
        const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

        l->shaken = true;
        l->resumed = SSL_session_reused(ssl) == 1;
        l->version = (uint16_t)SSL_version(ssl);
        l->suite = cipher != NULL ? SSL_CIPHER_get_protocol_id(cipher) : 0;
        if (l->tap != NULL)
            l->tap->on_bytes(l->tap, false, (struct mw_span){ NULL, 0 });
        return IO_OK;
    }
    return leg_io(l, r);
}

/* A wide buffer saves system calls where there is much to read, and costs memory and wiping where
 * there is not. */
static void width_set(struct leg *l, bool wide)
{
    if (l->wide != wide)
        SSL_set_default_read_buffer_len(leg_ssl(l), wide ? WIDE_BYTES : 0);
    l->wide = wide;
}

enum io leg_read(struct leg *l, void *to, size_t room, size_t *n)
{
    enum io io;
    int r;

    if (l->tls == NULL)
        return socket_read(l, to, room, n);
    r = SSL_read_ex(leg_ssl(l), to, room, n);
    if (r == 1) {
        l->streak += l->streak < WIDE_BYTES ? (uint32_t)*n : 0;
        if (l->streak >= WIDE_BYTES)
            width_set(l, true);
        return IO_OK;
    }
    *n = 0;
    io = leg_io(l, r);
    if (io == IO_WANT_READ) {
        if (l->streak < NARROW_BYTES)
            width_set(l, false);
        l->streak = 0;
    }
    return io;
}

enum io leg_write(struct leg *l, struct mw_span bytes, size_t *n)
{
    int r;

    if (l->tls == NULL)
        return socket_write(l, bytes, n);
    r = SSL_write_ex(leg_ssl(l), bytes.data, bytes.len, n);
    if (r == 1)
        return IO_OK;
    *n = 0;
    return leg_io(l, r);
}

enum io leg_finish(struct leg *l)
{
    int r;

    if (l->fin_out || l->fd < 0)
        return IO_OK;
    if (l->tls != NULL && l->shaken && l->failure == LEG_WELL) {
        r = SSL_shutdown(leg_ssl(l));
        if (r < 0) {
            enum io io = leg_io(l, r);

            if (io == IO_WANT_WRITE)
                return io;
        }
    }
    l->fin_out = true;
    if (shutdown(l->fd, SHUT_WR) < 0 && errno != ENOTCONN)
        return leg_failed(l, errno);
    return IO_OK;
}

void leg_reset(struct leg *l)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    /* leg_close() then resets, whatever is still unsent. */
    (void)setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    l->fin_out = true;
}

/* The SSL lies on pages of its own (wipe_malloc()), and nobody but OpenSSL looks into it, when it
 * is called with it. */
static void ssl_pack(struct leg *l)
{
    size_t room = wipe_pages(l->tls), size;
    uint8_t *pages = (uint8_t *)l->tls;

    if (room == 0 || !pages_fit())
        return;
    size = pages_measure(pages, room);
    if (size > room / 2)
        return;
    l->packed = malloc(size);
    if (l->packed == NULL)
        return;
    l->packed_size = pages_pack(pages, room, l->packed);
    pages_drop(pages, room);
}

void leg_rest(struct leg *l)
{
    if (l->tls == NULL || l->packed != NULL || !l->shaken || l->failure != LEG_WELL)
        return;
    /* Not while there is something in them, nor half a record decrypted. */
    if (SSL_has_pending(l->tls) == 0 && SSL_free_buffers(l->tls) == 1)
        ssl_pack(l);
}

void leg_unrest(struct leg *l)
{
    (void)pages_unpack((uint8_t *)l->tls, l->packed);
    explicit_bzero(l->packed, l->packed_size);  /* keys */
    free(l->packed);
    l->packed = NULL;
}

const char *leg_failure_text(const struct leg *l)
{
    switch (l->failure) {
    case LEG_WELL:
        return "";
    case LEG_RESET:
        return l->error == ETIMEDOUT ? "stopped answering" : "reset the connection";
    case LEG_CUT:
        return "closed in the middle";
    case LEG_ALERTED:
        return SSL_alert_desc_string_long(l->alert_in);
    case LEG_PROTOCOL:
        return l->why[0] != '\0' ? l->why : "broke the TLS protocol";
    case LEG_BROKEN:
        return strerror(l->error);
    case LEG_NO_MEMORY:
        return "out of memory";
    }
    return "";
}
