/*
 * A client for measuring proxies by: it opens TLS connections through one and asks for things.
 * What it costs itself does not matter; whoever runs it reads the proxy's own processor time.
 *
 * usage: gate_load WHAT COUNT PARALLEL PROXY HOST:PORT PATH ROOTS
 *   WHAT   connect  COUNT new connections, a full handshake and one GET each
 *          request  COUNT GETs, one after the other, on PARALLEL connections
 *          bulk     COUNT GETs of PATH, reading the whole body
 *          idle     COUNT connections with one GET each, held until standard input ends
 *          idle2    the same over HTTP/2
 *          half     COUNT TCP connections through the proxy that never say anything more
 *          price    COUNT full handshakes with the server itself, verifying nothing; prints the
 *                   processor nanoseconds that one costs its client
 *   PROXY  one word with a space: "connect 127.0.0.1:3128": CONNECT HOST:PORT; "address …":
 *          CONNECT 127.0.0.1:PORT, for one that cannot resolve HOST; "tls …": it is TLS itself,
 *          for price the server
 *   ROOTS  certificates (PEM) the client trusts; "-": it verifies nothing
 * Prints "ready" once idle connections stand, and the bytes received at the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

struct plan {
    const char *what, *path;
    char proxy_kind[16], host[256], target[300], authority[300];
    struct sockaddr_in proxy;
    long count;
    SSL_CTX *ctx;
};

static void die(const char *what)
{
    fprintf(stderr, "gate_load: %s: %s\n", what, errno != 0 ? strerror(errno) : "");
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int tcp(const struct plan *p)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    char answer[4096], ask[700];
    size_t len = 0;

    if (fd < 0 || connect(fd, (const struct sockaddr *)&p->proxy, sizeof(p->proxy)) < 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (strcmp(p->proxy_kind, "tls") == 0)
        return fd;
    snprintf(ask, sizeof(ask), "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", p->target, p->target);
    if (send(fd, ask, strlen(ask), 0) < 0)
        die("send");
    /* One byte at a time: what follows the answer is TLS's. */
    while (len < sizeof(answer) - 1 && (len < 4 || memcmp(answer + len - 4, "\r\n\r\n", 4) != 0)) {
        if (recv(fd, answer + len, 1, 0) != 1)
            die("the proxy's answer");
        len++;
    }
    answer[len] = '\0';
    if (strncmp(answer, "HTTP/1.", 7) != 0 || strncmp(answer + 8, " 200", 4) != 0) {
        fprintf(stderr, "gate_load: the proxy said %.60s\n", answer);
        exit(1);
    }
    return fd;
}

static SSL *tls(const struct plan *p, int fd)
{
    SSL *ssl = SSL_new(p->ctx);

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, p->host) != 1 ||
        SSL_set1_host(ssl, p->host) != 1)
        die("SSL");
    errno = 0;
    if (SSL_connect(ssl) != 1)
        die("handshake");
    return ssl;
}

/* One GET; the body's length. */
static uint64_t get(const struct plan *p, SSL *ssl, bool last)
{
    static char buffer[65536];
    char ask[900], *end, *length;
    int n, have = 0;
    uint64_t body, total;

    n = snprintf(ask, sizeof(ask), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", p->path, p->authority,
                 last ? "Connection: close\r\n" : "");
    if (SSL_write(ssl, ask, n) != n)
        die("write");
    do {
        n = SSL_read(ssl, buffer + have, (int)sizeof(buffer) - 1 - have);
        if (n <= 0)
            die("read");
        have += n;
        buffer[have] = '\0';
        end = strstr(buffer, "\r\n\r\n");
    } while (end == NULL);
    length = strcasestr(buffer, "content-length:");
    if (strncmp(buffer, "HTTP/1.1 200", 12) != 0 || length == NULL) {
        fprintf(stderr, "gate_load: the answer was %.80s\n", buffer);
        exit(1);
    }
    body = strtoull(length + 15, NULL, 10);
    total = (uint64_t)(have - (end + 4 - buffer));
    while (total < body) {
        n = SSL_read(ssl, buffer, sizeof(buffer));
        if (n <= 0)
            die("read");
        total += (uint64_t)n;
    }
    return body;
}

static void read_all(SSL *ssl, uint8_t *to, int len)
{
    for (int have = 0, n; have < len; have += n) {
        n = SSL_read(ssl, to + have, len - have);
        if (n <= 0)
            die("read");
    }
}

static int frame(uint8_t *to, int at, uint8_t type, uint8_t flags, uint8_t stream, int len)
{
    const uint8_t head[9] = { 0, (uint8_t)(len >> 8), (uint8_t)len, type, flags, 0, 0, 0, stream };

    memcpy(to + at, head, sizeof(head));
    return at + (int)sizeof(head);
}

/* One GET over HTTP/2 (RFC 9113), its head spelt out: fields 2, 7, 4 and 1 of HPACK's table. */
static void get2(const struct plan *p, SSL *ssl)
{
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    uint8_t ask[800], head[9], body[65536];
    int path = (int)strlen(p->path), host = (int)strlen(p->authority), at = sizeof(magic) - 1, len;
    bool ended = false;

    if (path > 126 || host > 126)
        die("PATH or HOST is too long for this");
    memcpy(ask, magic, sizeof(magic) - 1);
    at = frame(ask, at, 4, 0, 0, 0);
    at = frame(ask, at, 1, 5, 1, 6 + path + host);
    ask[at++] = 0x82;
    ask[at++] = 0x87;
    ask[at++] = 0x04;
    ask[at++] = (uint8_t)path;
    memcpy(ask + at, p->path, (size_t)path);
    at += path;
    ask[at++] = 0x01;
    ask[at++] = (uint8_t)host;
    memcpy(ask + at, p->authority, (size_t)host);
    at += host;
    if (SSL_write(ssl, ask, at) != at)
        die("write");
    while (!ended) {
        read_all(ssl, head, sizeof(head));
        len = head[0] << 16 | head[1] << 8 | head[2];
        if (len > (int)sizeof(body) || head[3] == 3 || head[3] == 7)
            die("an answer over HTTP/2");
        read_all(ssl, body, len);
        if (head[3] == 4 && (head[4] & 1) == 0) { /* SETTINGS wants its ACK */
            at = frame(ask, 0, 4, 1, 0, 0);
            if (SSL_write(ssl, ask, at) != at)
                die("write");
        }
        ended = head[3] <= 1 && head[8] == 1 && (head[4] & 1) != 0;
    }
}

static uint64_t price(const struct plan *p)
{
    struct timespec from, to;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (long i = 0; i < p->count; i++) {
        int fd = tcp(p);
        SSL *ssl = tls(p, fd);

        SSL_free(ssl);
        close(fd);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    return (uint64_t)((to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec) /
           (uint64_t)p->count;
}

static void hang_up(SSL *ssl, int fd)
{
    if (ssl != NULL)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
}

static uint64_t run(const struct plan *p)
{
    uint64_t bytes = 0;
    bool idle2 = strcmp(p->what, "idle2") == 0, idle = idle2 || strcmp(p->what, "idle") == 0;
    bool half = strcmp(p->what, "half") == 0;

    if (strcmp(p->what, "price") == 0)
        return price(p);
    if (strcmp(p->what, "connect") == 0) {
        for (long i = 0; i < p->count; i++) {
            int fd = tcp(p);
            SSL *ssl = tls(p, fd);

            bytes += get(p, ssl, false);
            hang_up(ssl, fd);
        }
    } else if (idle || half) {
        for (long i = 0; i < p->count; i++) {
            int fd = tcp(p);

            if (idle2)
                get2(p, tls(p, fd));
            else if (idle)
                bytes += get(p, tls(p, fd), false);
        }
        puts("ready");
        fflush(stdout);
        while (getchar() != EOF)
            continue;
    } else {
        int fd = tcp(p);
        SSL *ssl = tls(p, fd);

        for (long i = 0; i < p->count; i++)
            bytes += get(p, ssl, false);
        hang_up(ssl, fd);
    }
    return bytes;
}

static long number(const char *text, int64_t max, const char *what)
{
    int64_t n = 0;

    if (text_number(span_str(text), 0, max, &n) != 0)
        die(what);
    return (long)n;
}

static void proxy_read(struct plan *p, const char *text)
{
    const char *space = strchr(text, ' '), *colon = strrchr(text, ':');
    char address[INET_ADDRSTRLEN];

    if (space == NULL || colon == NULL || colon < space ||
        space - text >= (int)sizeof(p->proxy_kind) || colon - space > (int)sizeof(address))
        die("PROXY");
    snprintf(p->proxy_kind, sizeof(p->proxy_kind), "%.*s", (int)(space - text), text);
    snprintf(address, sizeof(address), "%.*s", (int)(colon - space - 1), space + 1);
    if (inet_pton(AF_INET, address, &p->proxy.sin_addr) != 1)
        die("PROXY");
    p->proxy.sin_family = AF_INET;
    p->proxy.sin_port = htons((uint16_t)number(colon + 1, UINT16_MAX, "PROXY"));
}

static void plan_read(struct plan *p, char **argv)
{
    char *colon;

    p->what = argv[1];
    p->count = number(argv[2], INT32_MAX, "COUNT");
    proxy_read(p, argv[4]);
    snprintf(p->target, sizeof(p->target), "%s", argv[5]);
    /* With its port (RFC 9110 section 7.2): some proxies dial what Host says. */
    snprintf(p->authority, sizeof(p->authority), "%s", argv[5]);
    snprintf(p->host, sizeof(p->host), "%s", argv[5]);
    colon = strrchr(p->host, ':');
    if (colon == NULL)
        die("HOST:PORT");
    *colon = '\0';
    if (strcmp(p->proxy_kind, "address") == 0)
        snprintf(p->target, sizeof(p->target), "127.0.0.1:%s", colon + 1);
    p->path = argv[6];
    p->ctx = SSL_CTX_new(TLS_client_method());
    if (p->ctx == NULL)
        die("SSL_CTX");
    SSL_CTX_set_mode(p->ctx, SSL_MODE_AUTO_RETRY);
    if (strcmp(p->what, "idle2") == 0 &&
        SSL_CTX_set_alpn_protos(p->ctx, (const unsigned char *)"\2h2", 3) != 0)
        die("ALPN");
    if (strcmp(argv[7], "-") != 0) {
        if (SSL_CTX_load_verify_locations(p->ctx, argv[7], NULL) != 1)
            die(argv[7]);
        SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER, NULL);
    }
}

int main(int argc, char **argv)
{
    struct plan p = { .count = 0 };
    struct rlimit files = { 19000, 19000 };
    long parallel, failed = 0;
    int status;

    if (argc != 8) {
        fputs("usage: gate_load WHAT COUNT PARALLEL \"connect|address|tls ADDR:PORT\" HOST:PORT "
              "PATH ROOTS\n",
              stderr);
        return 2;
    }
    (void)setrlimit(RLIMIT_NOFILE, &files);
    plan_read(&p, argv);
    parallel = number(argv[3], 10000, "PARALLEL");
    if (parallel <= 1) {
        printf("%llu\n", (unsigned long long)run(&p));
        return 0;
    }
    for (long i = 0; i < parallel; i++)
        if (fork() == 0) {
            (void)run(&p);
            _exit(0);
        }
    while (wait(&status) > 0)
        failed += status != 0;
    return failed != 0;
}
