#include "gate/scribe/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/own.h"

enum { CHUNK = 64 * 1024 };

int lines_open(struct lines *l, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    *l = (struct lines){ .fd = fd, .in = BUF_INIT(2 * (LOG_LINE_MAX + CHUNK)) };
    return 0;
}

void lines_close(struct lines *l)
{
    own_close(&l->fd);
    l->fd = -1;
    buf_deinit(&l->in);
}

/* 1: something came; 0: nothing now. */
static int fill(struct lines *l)
{
    uint8_t *to;
    ssize_t n;

    buf_drop(&l->in, l->done);
    l->done = 0;
    to = buf_reserve(&l->in, CHUNK);
    if (to == NULL)
        return buf_error(&l->in);
    do
        n = read(l->fd, to, CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    buf_took(&l->in, (size_t)n);
    l->bytes += (uint64_t)n;
    return n > 0;
}

int lines_next(struct lines *l, struct mw_span *line, bool *newline, bool rest)
{
    for (;;) {
        struct mw_span left = span_cut(buf_span(&l->in), l->done, l->in.len);
        const uint8_t *end = left.len > 0 ? memchr(left.data, '\n', left.len) : NULL;
        size_t len = end != NULL ? (size_t)(end - left.data) : left.len;
        int r = 0;

        if (end == NULL && len <= LOG_LINE_MAX) {
            r = fill(l);
            if (r < 0)
                return r;
            if (r > 0)
                continue;
            if (len == 0 || !rest)
                return 0;
            left = buf_span(&l->in); /* fill() moved it */
        }
        *line = span_cut(left, 0, len);
        *newline = end != NULL;
        l->done += len + (end != NULL ? 1 : 0);
        return 1;
    }
}
