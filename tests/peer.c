#include "peer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/sock.h"

struct peer {
    pthread_t thread;
    int fd;
    struct addr addr;
    char at[ADDR_TEXT];
    peer_part *part;
    void *context;
    atomic_uint count;
};

static void must(bool well)
{
    if (!well)
        abort();
}

static void *peer_run(void *context)
{
    struct peer *p = context;
    struct timeval limit = { .tv_sec = 5 };
    sigset_t pipe;
    int fd;

    /* OpenSSL writes where it may get SIGPIPE; here that is only a client that left. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    for (;;) {
        fd = accept(p->fd, NULL, NULL);
        if (fd < 0)
            return NULL;                /* peer_stop() */
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        atomic_fetch_add(&p->count, 1);
        p->part(fd, p->context);
        close(fd);
    }
}

struct peer *peer_start(peer_part *part, void *context)
{
    struct peer *p = calloc(1, sizeof(*p));
    int flags = 1;

    must(p != NULL);
    p->part = part;
    p->context = context;
    must(addr_parse(&p->addr, SPAN_LIT("127.0.0.1"), 0) == 0);
    p->fd = socket(AF_INET, SOCK_STREAM, 0);
    must(p->fd >= 0);
    setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &flags, sizeof(flags));
    must(bind(p->fd, &p->addr.sa.any, p->addr.len) == 0 && listen(p->fd, 512) == 0 &&
         getsockname(p->fd, &p->addr.sa.any, &p->addr.len) == 0);
    addr_text(&p->addr, true, p->at);
    must(pthread_create(&p->thread, NULL, peer_run, p) == 0);
    return p;
}

void peer_stop(struct peer *p)
{
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->fd);
    free(p);
}

const char *peer_at(const struct peer *p)
{
    return p->at;
}

const struct addr *peer_addr(const struct peer *p)
{
    return &p->addr;
}

unsigned peer_count(const struct peer *p)
{
    return atomic_load(&p->count);
}

size_t peer_read(int fd, void *to, size_t room)
{
    ssize_t n = recv(fd, to, room, 0);

    return n > 0 ? (size_t)n : 0;
}

void peer_send(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    ssize_t n;

    while (len > 0) {
        n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;                     /* the client had enough: its test says whether rightly */
        at += n;
        len -= (size_t)n;
    }
}

void peer_say(int fd, const char *text)
{
    peer_send(fd, text, strlen(text));
}

bool peer_expect(int fd, const char *text)
{
    size_t len = strlen(text), have = 0, n;
    char got[512] = "";

    must(len < sizeof(got));
    while (have < len) {
        n = peer_read(fd, got + have, len - have);
        if (n == 0)
            return false;
        have += n;
    }
    return memcmp(got, text, len) == 0;
}

void peer_reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void peer_wait_for_end(int fd)
{
    char bytes[4096];

    while (peer_read(fd, bytes, sizeof(bytes)) > 0)
        continue;
}

void peer_tls(int fd, void *context)
{
    SSL *ssl = SSL_new(context);
    char byte;

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1)
        (void)SSL_read(ssl, &byte, 1);
    SSL_free(ssl);
}

void peer_nobody(char at[ADDR_TEXT])
{
    struct addr a;
    int fd = -1;

    must(addr_parse(&a, SPAN_LIT("127.0.0.1"), 0) == 0 && sock_listen(&fd, &a, 1) == 0);
    addr_text(&a, true, at);
    close(fd);
}
