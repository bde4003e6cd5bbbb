#include "gate/control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "gate/control/conn.h"

enum { BACKLOG = 16 };

/* --------------------------------------------------------------- listening ---- */

static int accept_one(int fd)
{
    CLEANUP(own_close) int got = accept(fd, NULL, NULL);
    int flags;

    if (got < 0)
        return -errno;
    flags = fcntl(got, F_GETFL);
    if (flags < 0 || fcntl(got, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(got, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return own_steal_fd(&got);
}

static void on_unix(void *context, unsigned events)
{
    struct control *c = context;
    int fd = accept_one(c->unix_fd);

    (void)events;
    if (fd >= 0)
        conn_open(c, fd, false);
}

static void on_admin(void *context, unsigned events)
{
    struct control *c = context;
    int fd = accept_one(c->admin_fd);

    (void)events;
    if (fd >= 0)
        conn_open(c, fd, true);
}

static int socket_new(int family)
{
    CLEANUP(own_close) int fd = socket(family, SOCK_STREAM, 0);
    int flags;

    if (fd < 0)
        return -errno;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return own_steal_fd(&fd);
}

/* A socket beside the name, with its mode, renamed over it: there is never a moment without one
 * that answers, also while an old gate hands over to a new one. */
static int unix_listen(const struct control *c, const struct sockaddr_un *beside)
{
    CLEANUP(own_close) int fd = socket_new(AF_UNIX);

    if (fd < 0)
        return fd;
    (void)unlink(beside->sun_path);
    if (bind(fd, (const void *)beside, sizeof(*beside)) < 0)
        return -errno;
    if (chmod(beside->sun_path, 0600) < 0 || listen(fd, BACKLOG) < 0 ||
        rename(beside->sun_path, c->path) < 0) {
        int e = errno;

        (void)unlink(beside->sun_path);
        return -e;
    }
    return own_steal_fd(&fd);
}

static int unix_open(struct control *c, const char *folder, struct buf *error)
{
    struct sockaddr_un beside = { .sun_family = AF_UNIX };
    size_t room = strlen(folder) + sizeof("/control.sock");
    struct stat made;
    int r;

    if (room > sizeof(beside.sun_path)) {
        buf_printf(error, "%s: the state folder's path is too long for a control socket; "
                          "%zu characters are the most", folder,
                   sizeof(beside.sun_path) - sizeof("/control.sock"));
        return -ENAMETOOLONG;
    }
    c->path = malloc(room);
    if (c->path == NULL)
        return -ENOMEM;
    snprintf(c->path, room, "%s/control.sock", folder);
    snprintf(beside.sun_path, sizeof(beside.sun_path), "%s/control.new", folder);
    c->unix_fd = r = unix_listen(c, &beside);
    if (r >= 0 && stat(c->path, &made) < 0)
        r = -errno;
    if (r < 0) {
        buf_printf(error, "%s: the control socket cannot be made: %s", c->path, strerror(-r));
        return r;
    }
    c->path_dev = made.st_dev;
    c->path_inode = made.st_ino;
    r = watch_new(&c->unix_watch, c->loop, c->unix_fd, on_unix, c);
    return r == 0 ? watch_want(c->unix_watch, WATCH_READ) : r;
}

static int admin_listen(const struct addr *at)
{
    CLEANUP(own_close) int fd = socket_new(addr_family(at));
    int one = 1;

    if (fd < 0)
        return fd;
    /* The port may be shared with the gate that this one takes over from. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0 ||
        bind(fd, &at->sa.any, at->len) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return own_steal_fd(&fd);
}

static void admin_close(struct control *c)
{
    watch_free(c->admin_watch);
    c->admin_watch = NULL;
    if (c->admin_fd >= 0)
        close(c->admin_fd);
    c->admin_fd = -1;
    c->admin_at = (struct addr){ .len = 0 };
}

static int admin_open(struct control *c, const struct addr *at, struct buf *error)
{
    CLEANUP(own_close) int fd = -1;
    char text[ADDR_TEXT];
    struct watch *watch;
    int r;

    fd = r = admin_listen(at);
    if (r >= 0)
        r = watch_new(&watch, c->loop, fd, on_admin, c);
    if (r < 0) {
        addr_text(at, true, text);
        buf_printf(error, "%s: the endpoint for metrics and health cannot listen there: %s", text,
                   strerror(-r));
        return r;
    }
    admin_close(c);
    c->admin_fd = own_steal_fd(&fd);
    c->admin_watch = watch;
    c->admin_at = *at;
    return watch_want(watch, WATCH_READ);
}

int control_reload(struct control *c, const struct gate_config *config, struct buf *error)
{
    if (config->admin.at.len == 0) {
        admin_close(c);
        return 0;
    }
    if (c->admin_fd >= 0 && addr_eq(&c->admin_at, &config->admin.at))
        return 0;
    return admin_open(c, &config->admin.at, error);
}

/* -------------------------------------------------------------------- life ---- */

int control_new(struct control **out, uv_loop_t *loop, const struct control_options *o,
                struct buf *error)
{
    struct control *c = calloc(1, sizeof(*c));
    int r;

    if (c == NULL)
        return -ENOMEM;
    c->loop = loop;
    c->events = o->events;
    c->context = o->context;
    c->counters = o->counters;
    c->workers = o->workers;
    c->unix_fd = c->admin_fd = -1;
    /* Answers to questions of a former life find nobody. */
    c->next_id = (uint64_t)mono_now().ns;
    r = unix_open(c, o->config->state_folder, error);
    if (r == 0)
        r = control_reload(c, o->config, error);
    if (r < 0) {
        if (error->len == 0)
            buf_printf(error, "the control socket: %s", strerror(-r));
        control_free(c);
        return r;
    }
    *out = c;
    return 0;
}

static void path_remove(const struct control *c)
{
    struct stat there;

    if (c->path != NULL && stat(c->path, &there) == 0 && there.st_dev == c->path_dev &&
        there.st_ino == c->path_inode)
        (void)unlink(c->path);
}

void control_free(struct control *c)
{
    if (c == NULL)
        return;
    conn_close_all(c);
    admin_close(c);
    watch_free(c->unix_watch);
    if (c->unix_fd >= 0) {
        close(c->unix_fd);
        path_remove(c);
    }
    free(c->path);
    free(c);
}

void control_answer(struct control *c, uint64_t id, int from, struct mw_span json)
{
    conn_answer(c, id, from, json);
}

void control_gone(struct control *c, unsigned worker)
{
    if (worker < c->workers && worker < ARRAY_LEN(c->gone))
        conn_gone(c, worker);
}

void control_audit(struct control *c, bool failing, const char *why)
{
    c->audit_failing = failing;
    snprintf(c->audit_why, sizeof(c->audit_why), "%s", failing && why != NULL ? why : "");
}
