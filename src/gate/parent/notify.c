#include "gate/parent/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "base/text.h"

enum { SAY_S = 1 };

static const char SOCKET_NAME[] = "NOTIFY_SOCKET", WATCHDOG_NAME[] = "WATCHDOG_USEC";

static char *taken_from_environment(const char *name)
{
    const char *value = getenv(name);
    char *copy = value != NULL && value[0] != '\0' ? strdup(value) : NULL;

    (void)unsetenv(name);
    return copy;
}

/* "@…" is an abstract name, whose first byte is NUL. */
static int socket_open(const char *name)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const struct timeval patience = { SAY_S, 0 };
    CLEANUP(own_close) int fd = -1;
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len >= sizeof(to.sun_path))
        return -EINVAL;
    memcpy(to.sun_path, name, len);
    if (name[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (const void *)&to,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        return -errno;
    return own_steal_fd(&fd);
}

void notify_begin(struct notify *n)
{
    int64_t us;

    *n = (struct notify){ .fd = -1, .socket = taken_from_environment(SOCKET_NAME),
                          .watchdog = taken_from_environment(WATCHDOG_NAME) };
    (void)unsetenv("WATCHDOG_PID");
    if (n->socket == NULL)
        return;
    n->fd = socket_open(n->socket);
    if (n->fd < 0) {
        log_warning("gate: the service manager's socket %s: %s", n->socket, strerror(-n->fd));
        n->fd = -1;
        return;
    }
    /* Twice in the time it allows. */
    if (n->watchdog != NULL && text_number(span_str(n->watchdog), 1, INT64_MAX, &us) == 0)
        n->watchdog_ms = us / 2000 > 0 ? us / 2000 : 1;
}

void notify_end(struct notify *n)
{
    own_close(&n->fd);
    free(n->socket);
    free(n->watchdog);
    *n = (struct notify){ .fd = -1 };
}

/* flags: MSG_DONTWAIT for what is said again soon; the rest may wait for SAY_S. */
static void say(const struct notify *n, struct buf *text, int flags)
{
    if (n->fd >= 0 && buf_error(text) == 0 &&
        send(n->fd, text->data, text->len, MSG_NOSIGNAL | flags) < 0)
        log_debug("gate: the service manager does not listen: %s", strerror(errno));
    buf_deinit(text);
}

void notify_ready(const struct notify *n, const char *status)
{
    struct buf text = BUF_INIT(4096);

    buf_printf(&text, "READY=1\nSTATUS=%s\n", status);
    say(n, &text, 0);
}

void notify_reloading(const struct notify *n)
{
    struct buf text = BUF_INIT(4096);

    buf_printf(&text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n", mono_now().ns / 1000);
    say(n, &text, 0);
}

void notify_stopping(const struct notify *n)
{
    struct buf text = BUF_INIT(4096);

    buf_str(&text, "STOPPING=1\nSTATUS=Waiting for the last sessions\n");
    say(n, &text, 0);
}

void notify_alive(const struct notify *n)
{
    struct buf text = BUF_INIT(64);

    buf_str(&text, "WATCHDOG=1\n");
    say(n, &text, MSG_DONTWAIT);
}

void notify_successor(const struct notify *n, pid_t pid)
{
    struct buf text = BUF_INIT(64);

    buf_printf(&text, "MAINPID=%ld\n", (long)pid);
    say(n, &text, 0);
}

void notify_export(const struct notify *n, bool there)
{
    if (!there) {
        (void)unsetenv(SOCKET_NAME);
        (void)unsetenv(WATCHDOG_NAME);
        return;
    }
    if (n->socket != NULL)
        (void)setenv(SOCKET_NAME, n->socket, 1);
    if (n->watchdog != NULL)
        (void)setenv(WATCHDOG_NAME, n->watchdog, 1);
}
