#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

#include "base/own.h"

enum sock_error sock_error_of(int error)
{
    switch (error) {
    case 0:
        return SOCK_OK;
    case ECONNREFUSED:
        return SOCK_REFUSED;
    case ETIMEDOUT:
        return SOCK_TIMEOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ENETDOWN:
    case EHOSTDOWN:
    case EACCES:                /* a broadcast address, or a firewall's rule */
    case EPERM:
        return SOCK_NO_ROUTE;
    case ECONNRESET:
    case EPIPE:
        return SOCK_RESET;
    default:
        return SOCK_BROKEN;
    }
}

const char *sock_error_text(enum sock_error error)
{
    static const char *const texts[] = {
        [SOCK_OK] = "connected",       [SOCK_REFUSED] = "refused",
        [SOCK_TIMEOUT] = "timed out",  [SOCK_NO_ROUTE] = "no route",
        [SOCK_RESET] = "reset",        [SOCK_CLOSED] = "closed",
        [SOCK_BROKEN] = "broken",
    };

    return texts[error];
}

/* Set one by one: not every system has SOCK_NONBLOCK and SOCK_CLOEXEC. */
static int sock_open(int *out, int family, int type)
{
    CLEANUP(own_close) int fd = socket(family, type, 0);
    int flags;

    if (fd < 0)
        return -errno;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    *out = own_steal_fd(&fd);
    return 0;
}

int sock_tcp_begin(int *out, const struct addr *to)
{
    CLEANUP(own_close) int fd = -1;
    int one = 1, r;

    r = sock_open(&fd, addr_family(to), SOCK_STREAM);
    if (r < 0)
        return r;
    /* A handshake is small messages in turns: waiting to fill segments only costs time. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, &to->sa.any, to->len) < 0 && errno != EINPROGRESS && errno != EINTR)
        return -errno;
    *out = own_steal_fd(&fd);
    return 0;
}

enum sock_error sock_connected(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return SOCK_BROKEN;
    return sock_error_of(error);
}

int sock_udp(int *out, const struct addr *to)
{
    CLEANUP(own_close) int fd = -1;
    int r;

    r = sock_open(&fd, addr_family(to), SOCK_DGRAM);
    if (r < 0)
        return r;
    if (connect(fd, &to->sa.any, to->len) < 0)
        return -errno;
    *out = own_steal_fd(&fd);
    return 0;
}

int sock_listen(int *out, struct addr *at, int backlog)
{
    CLEANUP(own_close) int fd = -1;
    int one = 1, r;

    r = sock_open(&fd, addr_family(at), SOCK_STREAM);
    if (r < 0)
        return r;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, &at->sa.any, at->len) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, &at->sa.any, &at->len) < 0)
        return -errno;
    *out = own_steal_fd(&fd);
    return 0;
}

static enum io sock_failed(int error, enum io want, enum sock_error *why)
{
    if (error == EAGAIN || error == EINTR)
        return want;
    *why = sock_error_of(error);
    return IO_FAILED;
}

enum io sock_read(int fd, void *to, size_t room, size_t *n, enum sock_error *error)
{
    ssize_t got = recv(fd, to, room, 0);

    *n = 0;
    *error = SOCK_OK;
    if (got < 0)
        return sock_failed(errno, IO_WANT_READ, error);
    *n = (size_t)got;
    if (got == 0 && room > 0) {
        *error = SOCK_CLOSED;
        return IO_CLOSED;
    }
    return IO_OK;
}

enum io sock_write(int fd, struct mw_span bytes, size_t *n, enum sock_error *error)
{
    ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

    *n = 0;
    *error = SOCK_OK;
    if (sent < 0)
        return sock_failed(errno, IO_WANT_WRITE, error);
    *n = (size_t)sent;
    return IO_OK;
}
