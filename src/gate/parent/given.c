/*
 * Listening sockets that were open before the gate began.
 * Source: sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES; the first is number 3.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/text.h"
#include "gate/parent/parent.h"

enum { LISTEN_FDS_START = 3, GIVEN_MAX = 64 * PROCESS_MAX_WORKERS };

/* "http", or the beginning of "http://…". */
static bool entrance_of(struct given *g, const char *name)
{
    for (int e = GATE_ENTRANCE_HTTP; e <= GATE_ENTRANCE_REDIRECT; e++) {
        const char *known = gate_entrance_name((enum gate_entrance)e);
        size_t len = strlen(known);

        if (strncmp(name, known, len) == 0 && (name[len] == '\0' || name[len] == ':')) {
            g->entrance = (enum gate_entrance)e;
            return true;
        }
    }
    return false;
}

int given_add(struct parent *p, int fd, const char *name)
{
    struct given g = { .fd = fd }, *more;
    int type = 0, flags = fcntl(fd, F_GETFL);
    socklen_t len = sizeof(type);

    g.at.len = sizeof(g.at.sa);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        getsockname(fd, &g.at.sa.any, &g.at.len) < 0)
        return -errno;
    if (type != SOCK_STREAM || (addr_family(&g.at) != AF_INET && addr_family(&g.at) != AF_INET6))
        return -EPROTOTYPE;
    if (p->n_given >= GIVEN_MAX)
        return -ENOSPC;
    g.has_entrance = entrance_of(&g, name);
    more = realloc(p->given, (p->n_given + 1) * sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    p->given = more;
    p->given[p->n_given++] = g;
    return 0;
}

static bool is_meant_for_us(int64_t *n)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    int64_t who;

    return pid != NULL && fds != NULL && text_number(span_str(pid), 1, INT32_MAX, &who) == 0 &&
           who == getpid() && text_number(span_str(fds), 0, GIVEN_MAX, n) == 0;
}

int given_from_systemd(struct parent *p)
{
    CLEANUP(own_free) char *names = NULL;
    const char *text = getenv("LISTEN_FDNAMES");
    struct mw_span rest, name;
    int64_t n = 0;
    int r = 0;

    if (!is_meant_for_us(&n))
        n = 0;
    names = strdup(text != NULL ? text : "");
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (names == NULL)
        return -ENOMEM;
    rest = span_str(names);
    for (int64_t i = 0; r == 0 && i < n; i++) {
        CLEANUP(own_free) char *one = NULL;
        int fd = LISTEN_FDS_START + (int)i;

        if (!span_field(&rest, ':', &name))
            name = SPAN_LIT("");
        one = span_dup(name);
        r = one != NULL ? given_add(p, fd, one) : -ENOMEM;
        if (r < 0 && r != -ENOMEM) {
            log_error("gate: descriptor %d of LISTEN_FDS is no socket to listen on: %s", fd,
                      strerror(-r));
            r = 0;
        }
    }
    return r;
}

/* Port 0 of the configuration: whichever was got the last time. */
static bool fits(const struct given *g, const struct gate_listener *l, const struct addr *at)
{
    struct addr wanted = at->len > 0 ? *at : l->at;

    if (g->fd < 0 || (g->has_entrance && g->entrance != l->entrance))
        return false;
    if (addr_port(&wanted) == 0)
        addr_set_port(&wanted, addr_port(&g->at));
    return addr_eq(&g->at, &wanted);
}

int given_take(struct parent *p, const struct gate_listener *l, struct addr *at)
{
    for (size_t i = 0; i < p->n_given; i++) {
        struct given *g = &p->given[i];

        if (!fits(g, l, at))
            continue;
        *at = g->at;
        return own_steal_fd(&g->fd);
    }
    return -1;
}

void given_close(struct parent *p)
{
    for (size_t i = 0; i < p->n_given; i++) {
        char at[ADDR_TEXT];

        if (p->given[i].fd < 0)
            continue;
        if (p->takeover_fd < 0) {
            addr_text(&p->given[i].at, true, at);
            log_warning("gate: a socket was handed over that listens on %s, but no listener of "
                        "the configuration does: add one with `listen`", at);
        }
        own_close(&p->given[i].fd);
    }
    free(p->given);
    p->given = NULL;
    p->n_given = 0;
}
