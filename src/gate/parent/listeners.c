#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"
#include "gate/parent/parent.h"

enum { BACKLOG = 4096 };

static int option_set(int fd, int level, int name)
{
    int one = 1;

    return setsockopt(fd, level, name, &one, sizeof(one)) < 0 ? -errno : 0;
}

/* Connections to addresses that are not ours: tproxy(8) needs the socket to say it wants them. */
static int make_transparent(int fd, int family)
{
    return family == AF_INET ? option_set(fd, SOL_IP, IP_TRANSPARENT)
                             : option_set(fd, SOL_IPV6, IPV6_TRANSPARENT);
}

static int listen_once(int *out, struct addr *at, enum gate_entrance entrance)
{
    CLEANUP(own_close) int fd = socket(addr_family(at), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                       0);
    int r;

    if (fd < 0)
        return -errno;
    if ((r = option_set(fd, SOL_SOCKET, SO_REUSEADDR)) < 0 ||
        (r = option_set(fd, SOL_SOCKET, SO_REUSEPORT)) < 0)
        return r;
    if (addr_family(at) == AF_INET6 && (r = option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY)) < 0)
        return r;
    if (entrance == GATE_ENTRANCE_TPROXY && (r = make_transparent(fd, addr_family(at))) < 0)
        return r;
    if (bind(fd, &at->sa.any, at->len) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, &at->sa.any, &at->len) < 0)
        return -errno;
    *out = own_steal_fd(&fd);
    return 0;
}

/* SO_REUSEPORT lets the same user listen twice: another gate on this port would take half of our
 * clients.  So the address is taken once without it, to see whether it is free. */
static int address_free(const struct addr *at)
{
    CLEANUP(own_close) int fd = socket(addr_family(at), SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || option_set(fd, SOL_SOCKET, SO_REUSEADDR) < 0 ||
        (addr_family(at) == AF_INET6 && option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0))
        return -errno;
    return bind(fd, &at->sa.any, at->len) < 0 || listen(fd, 1) < 0 ? -errno : 0;
}

/* ---------------------------------------------------- sockets that were open before ---- */

static int given_use(int fd, const struct gate_listener *l)
{
    int is_listening = 0, r = 0;
    socklen_t len = sizeof(is_listening);

    if (l->entrance == GATE_ENTRANCE_TPROXY)
        r = make_transparent(fd, addr_family(&l->at));
    if (r == 0 && (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) < 0 ||
                   (is_listening == 0 && listen(fd, BACKLOG) < 0)))
        r = -errno;
    return r;
}

static bool may_be_joined(int fd)
{
    int on = 0;
    socklen_t len = sizeof(on);

    return getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, &len) == 0 && on != 0;
}

/* Sockets of the kind that fits, as many as there are; workers without one of their own bind
 * beside them, or share where the socket does not allow that.  *n: how many there were. */
static int bind_given(struct parent *p, struct bound *b, const struct gate_listener *l,
                      unsigned *n)
{
    int fd, r = 0;

    *n = 0;
    while (*n < p->workers && (fd = given_take(p, l, &b->at)) >= 0) {
        b->fds[(*n)++] = fd;
        r = given_use(fd, l);
        if (r < 0)
            return r;
    }
    if (*n == 0)
        return 0;
    for (unsigned i = *n; r == 0 && i < p->workers; i++) {
        /* It may also belong to another user, and then cannot be joined. */
        if (may_be_joined(b->fds[0]) && listen_once(&b->fds[i], &b->at, l->entrance) == 0)
            continue;
        b->fds[i] = fcntl(b->fds[i % *n], F_DUPFD_CLOEXEC, 0);
        r = b->fds[i] < 0 ? -errno : 0;
    }
    return r;
}

/* ------------------------------------------------------------------------- all of them ---- */

static int bind_one(struct parent *p, struct bound *b, const struct gate_listener *l,
                    struct buf *error)
{
    unsigned n;
    int r = bind_given(p, b, l, &n);

    if (r == 0 && n == 0) {
        b->at = l->at;
        r = addr_port(&l->at) != 0 ? address_free(&l->at) : 0;
        for (unsigned i = 0; r == 0 && i < p->workers; i++)
            r = listen_once(&b->fds[i], &b->at, l->entrance);
    }
    if (r == 0)
        return 0;
    buf_printf(error, "cannot listen on %s: %s", l->text, strerror(-r));
    if (r == -EADDRINUSE)
        buf_str(error, "; another program does, perhaps another gate");
    else if (r == -EACCES || r == -EPERM)
        buf_str(error, l->entrance == GATE_ENTRANCE_TPROXY
                           ? "; transparent listeners need root or CAP_NET_ADMIN"
                           : "; ports below 1024 need root or CAP_NET_BIND_SERVICE");
    return r;
}

int listeners_bind(struct parent *p, struct buf *error)
{
    int r = 0;

    p->n_bounds = p->config->n_listeners;
    p->bounds = calloc(p->n_bounds + 1, sizeof(*p->bounds));
    if (p->bounds == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < p->n_bounds; i++)
        for (size_t n = 0; n < PROCESS_MAX_WORKERS; n++)
            p->bounds[i].fds[n] = -1;
    for (size_t i = 0; r == 0 && i < p->n_bounds; i++)
        r = bind_one(p, &p->bounds[i], &p->config->listeners[i], error);
    return r;
}

void listeners_close(struct parent *p)
{
    for (size_t i = 0; p->bounds != NULL && i < p->n_bounds; i++)
        for (size_t n = 0; n < PROCESS_MAX_WORKERS; n++) {
            own_close(&p->bounds[i].fds[n]);
            p->bounds[i].fds[n] = -1;
        }
}

void listener_url(struct buf *out, const struct parent *p, size_t i)
{
    char at[ADDR_TEXT];

    addr_text(&p->bounds[i].at, true, at);
    buf_printf(out, "%s://%s", gate_entrance_name(p->config->listeners[i].entrance), at);
}
