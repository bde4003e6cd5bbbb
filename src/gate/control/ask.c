/*
 * The other end of the control socket: one question, one answer, without a loop.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "gate/control/control.h"

enum { PATIENCE_S = 20, ANSWER_PIECE = 64 * 1024 };

static int ask_connect(int *out, const char *folder, struct buf *error)
{
    CLEANUP(own_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const struct timeval patience = { PATIENCE_S, 0 };

    if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/control.sock", folder) >=
        (int)sizeof(at.sun_path)) {
        buf_printf(error, "%s: the path is too long for a gate's state folder", folder);
        return -ENAMETOOLONG;
    }
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0) {
        buf_printf(error, "no socket: %s", strerror(errno));
        return -errno;
    }
    if (connect(fd, (const void *)&at, sizeof(at)) == 0) {
        *out = own_steal_fd(&fd);
        return 0;
    }
    if (errno == ENOENT || errno == ECONNREFUSED)
        buf_printf(error, "no gate runs with the state folder %s; name its folder with --state, or "
                          "start it with: midwatch gate", folder);
    else if (errno == EACCES || errno == EPERM)
        buf_printf(error, "%s: only root and the gate's own user may ask; try with sudo",
                   at.sun_path);
    else
        buf_printf(error, "%s: %s", at.sun_path, strerror(errno));
    return -errno;
}

static int ask_send(int fd, struct mw_span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes = span_cut(bytes, (size_t)n, bytes.len);
    }
    return 0;
}

static int ask_receive(int fd, struct buf *answer)
{
    for (;;) {
        uint8_t *to = buf_reserve(answer, ANSWER_PIECE);
        ssize_t n;

        if (to == NULL)
            return buf_error(answer);
        n = recv(fd, to, ANSWER_PIECE, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (n == 0)
            return answer->len > 0 ? 0 : -EPROTO;
        buf_took(answer, (size_t)n);
    }
}

int control_ask(const char *state_folder, const char *json, struct buf *answer, struct buf *error)
{
    CLEANUP(own_close) int fd = -1;
    int r = ask_connect(&fd, state_folder, error);

    if (r < 0)
        return r;
    r = ask_send(fd, span_str(json));
    if (r == 0)
        r = ask_send(fd, SPAN_LIT("\n"));
    if (r == 0)
        r = ask_receive(fd, answer);
    if (r == -EPROTO)
        buf_str(error, "the gate gave no answer: it may just be restarting; try again");
    else if (r < 0)
        buf_printf(error, "the gate gave no whole answer: %s", strerror(-r));
    return r;
}
