#include "gate/selftest/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"
#include "gate/selftest/client.h"

enum { PIECE = 16384, BACKLOG = 64 };

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* ------------------------------------------------------------------ with TLS ---- */

static SSL_CTX *context_new(const struct origin_plan *p)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(ctx, p->max);
    if (p->asks)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_use_certificate(ctx, mill_cert_x509(p->chain[0])) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, mill_cert_key(p->chain[0])) != 1)
        return NULL;
    for (size_t i = 1; i < p->n; i++)
        if (SSL_CTX_add1_chain_cert(ctx, mill_cert_x509(p->chain[i])) != 1)
            return NULL;
    return ctx;
}

/* RFC 5246 section 7.4.1.1: a HelloRequest, and whether a ClientHello follows. */
static bool renegotiate(SSL *ssl)
{
    char byte;

    if (SSL_renegotiate(ssl) != 1 || SSL_do_handshake(ssl) != 1)
        return false;
    (void)SSL_peek(ssl, &byte, 1);      /* the client's answer, if it gives one */
    return SSL_renegotiate_pending(ssl) == 0 && SSL_is_init_finished(ssl) == 1;
}

static void serve_web(int fd, const struct origin_plan *p)
{
    SSL_CTX *ctx = context_new(p);
    SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
    char text[4096], path[1024] = "", answer[4096];
    const char *more = "";
    int n;

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1)
        return;
    n = SSL_read(ssl, text, sizeof(text) - 1);
    if (n <= 0)
        return;
    text[n] = '\0';
    if (p->kind == ORIGIN_RENEGOTIATES && renegotiate(ssl))
        more = " renegotiated";
    if (sscanf(text, "GET %1000s", path) != 1)
        return;
    n = snprintf(answer, sizeof(answer), "you asked for %s%s\n", path, more);
    n = snprintf(text, sizeof(text),
                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                 "Connection: close\r\n\r\n%s", n, answer);
    (void)SSL_write(ssl, text, n);
    (void)SSL_shutdown(ssl);
    (void)SSL_read(ssl, text, sizeof(text));    /* until the other side closes */
}

/* --------------------------------------------------------------- without TLS ---- */

static void serve_listens(int fd, int tell)
{
    uint8_t bytes[PIECE] = { 0 };
    size_t n = 0;

    /* One record: its length stands in its header. */
    while (n < 5 || n < 5U + (size_t)(bytes[3] << 8 | bytes[4])) {
        ssize_t got = n < sizeof(bytes) ? recv(fd, bytes + n, sizeof(bytes) - n, 0) : 0;

        if (got <= 0)
            break;
        n += (size_t)got;
    }
    (void)write_all(tell, bytes, n);
}

static void splice_both(int a, int b)
{
    struct pollfd fds[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
    uint8_t bytes[PIECE];

    while (poll(fds, 2, CALL_WAIT_S * 1000) > 0)
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0)
                continue;
            n = recv(fds[i].fd, bytes, sizeof(bytes), 0);
            if (n <= 0 || !write_all(fds[1 - i].fd, bytes, (size_t)n))
                return;
        }
}

static void serve_loops(int fd, const struct origin_plan *p)
{
    const struct gate g = { .port = p->to };
    const char *colon = strrchr(p->target, ':');
    char host[256];
    int64_t port;
    int status, there;

    if (colon == NULL || text_number(span_str(colon + 1), 1, UINT16_MAX, &port) != 0)
        return;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - p->target), p->target);
    there = tunnel_open(&g, host, (uint16_t)port, &status);
    if (there >= 0)
        splice_both(fd, there);
}

/* renegotiation_info (RFC 5746 section 3.2) out of a ServerHello of TLS 1.2: the lengths of
 * record, message and extensions shrink with it. */
static size_t strike_out(uint8_t *b, size_t n)
{
    static const uint8_t extension[] = { 0xff, 0x01, 0x00, 0x01, 0x00 };
    size_t record = n > 5 ? (size_t)(b[3] << 8 | b[4]) : 0, at, extensions;

    if (record < 42 || n < record + 5 || b[5] != SSL3_MT_SERVER_HELLO)
        return n;
    extensions = 5 + 4 + 2 + 32 + 1 + b[43] + 3;
    for (at = extensions + 2; at + sizeof(extension) <= 5 + record; at++)
        if (memcmp(b + at, extension, sizeof(extension)) == 0) {
            memmove(b + at, b + at + sizeof(extension), n - at - sizeof(extension));
            b[4] = (uint8_t)(b[4] - sizeof(extension));
            b[8] = (uint8_t)(b[8] - sizeof(extension));
            b[extensions + 1] = (uint8_t)(b[extensions + 1] - sizeof(extension));
            return n - sizeof(extension);
        }
    return n;
}

static void serve_strips(int fd, const struct origin_plan *p, int tell)
{
    uint8_t bytes[PIECE];
    int there = local_connect(p->to);
    ssize_t n = there >= 0 ? recv(fd, bytes, sizeof(bytes), 0) : 0;

    if (n <= 0 || !write_all(there, bytes, (size_t)n))
        return;
    n = recv(there, bytes, sizeof(bytes), 0);
    if (n <= 0 || !write_all(fd, bytes, strike_out(bytes, (size_t)n)))
        return;
    n = recv(fd, bytes, sizeof(bytes), 0);
    if (n > 0)
        (void)write_all(tell, bytes, (size_t)n);
}

/* ------------------------------------------------------------------ processes ---- */

static void serve(int fd, const struct origin_plan *p, int tell)
{
    struct timeval limit = { .tv_sec = CALL_WAIT_S };

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    switch (p->kind) {
    case ORIGIN_WEB:
    case ORIGIN_RENEGOTIATES:
        serve_web(fd, p);
        break;
    case ORIGIN_LISTENS:
        serve_listens(fd, tell);
        break;
    case ORIGIN_LOOPS:
        serve_loops(fd, p);
        break;
    case ORIGIN_STRIPS:
        serve_strips(fd, p, tell);
        break;
    }
}

static void run(int listener, const struct origin_plan *p, int tell)
{
    int fd;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        pid_t pid = fork();

        if (pid == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(listener);
            serve(fd, p, tell);
            _exit(0);
        }
        close(fd);
    }
    _exit(0);
}

int origin_start(struct origin *o, const struct origin_plan *plan)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    CLEANUP(own_close) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CLEANUP(own_close) int tell = -1;
    socklen_t len = sizeof(at);
    int ends[2];

    *o = (struct origin){ .told = -1 };
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(listener, BACKLOG) < 0 || getsockname(listener, (struct sockaddr *)&at, &len) < 0 ||
        pipe(ends) < 0)
        return -errno;
    o->told = ends[0];
    tell = ends[1];
    o->port = ntohs(at.sin_port);
    o->pid = fork();
    if (o->pid == 0)
        run(listener, plan, tell);
    if (o->pid < 0) {
        int r = -errno;

        close(o->told);
        *o = (struct origin){ .told = -1 };
        return r;
    }
    return 0;
}

void origin_stop(struct origin *o)
{
    if (o->pid > 0) {
        kill(o->pid, SIGKILL);
        (void)stand_wait(o->pid);
    }
    if (o->told >= 0)
        close(o->told);
    *o = (struct origin){ .told = -1 };
}

void origin_hear(const struct origin *o, struct buf *out)
{
    struct pollfd p = { .fd = o->told, .events = POLLIN };
    uint8_t bytes[PIECE];
    ssize_t n = poll(&p, 1, CALL_WAIT_S * 1000) == 1 ? read(o->told, bytes, sizeof(bytes)) : 0;

    if (n > 0)
        buf_add(out, span_of(bytes, (size_t)n));
}
