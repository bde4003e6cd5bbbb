#include "gate/scribe/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/own.h"

/* How far back a last whole line is looked for: more than a torn line and its neighbours take. */
enum { TAIL_MAX = 1 << 20 };

static int path_of(char path[PATH_MAX], const char *folder, const char *name)
{
    return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int open_and_lock(int *out, const char *folder, const char *name, int flags)
{
    CLEANUP(own_close) int fd = -1;
    char path[PATH_MAX];
    int r = path_of(path, folder, name);

    if (r < 0)
        return r;
    fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || ((flags & O_APPEND) != 0 && flock(fd, LOCK_EX | LOCK_NB) < 0))
        return -errno;
    *out = own_steal_fd(&fd);
    return 0;
}

int log_file_make(struct log_file *f, const char *folder, struct mw_wall now, uint64_t number)
{
    struct log_file got = { .fd = -1, .number = number, .began = now };
    struct stat st;
    int r;

    r = log_name(got.name, now, number);
    if (r == 0)
        r = open_and_lock(&got.fd, folder, got.name, O_RDWR | O_APPEND | O_CREAT | O_EXCL);
    if (r < 0)
        return r;
    if (fstat(got.fd, &st) < 0) {
        r = -errno;
        close(got.fd);
        return r;
    }
    got.inode = st.st_ino;
    *f = got;
    return 0;
}

/* ------------------------------------------------------------------------ its end ---- */

static int read_at(int fd, struct buf *out, off_t from, size_t len)
{
    uint8_t *to = buf_reserve(out, len);
    size_t got = 0;

    if (to == NULL)
        return len == 0 ? 0 : buf_error(out);
    while (got < len) {
        ssize_t n = pread(fd, to + got, len - got, from + (off_t)got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break; /* cut meanwhile; the caller sees a shorter tail */
        got += (size_t)n;
    }
    buf_took(out, got);
    return 0;
}

static bool contains(struct mw_span s, struct mw_span what)
{
    for (size_t i = 0; i + what.len <= s.len; i++)
        if (memcmp(s.data + i, what.data, what.len) == 0)
            return true;
    return false;
}

/* Goes back from the end, segment by segment, to the last whole line.  What lies behind it was
 * torn if every piece of it can be. */
static int end_find(struct log_file *f, struct mw_span tail, bool whole, enum log_end *end)
{
    size_t stop = tail.len;
    bool complete = false;      /* a newline ends the segment */

    *end = LOG_OPEN;
    for (;;) {
        size_t start = stop;
        struct line_link link;
        struct mw_span line;
        int r;

        while (start > 0 && tail.data[start - 1] != '\n')
            start--;
        line = span_cut(tail, start, stop - start);
        r = line.len > 0 && (start > 0 || whole) ? line_read(&link, line) : LINE_NO_CHAIN;
        if (r < 0)
            return r;
        if (r == 0) {
            size_t after = stop + (complete ? 1 : 0);

            f->seq = link.seq;
            memcpy(f->hash, link.hash, LINE_HASH);
            f->newline = !complete;
            f->size -= (off_t)(tail.len - after);
            f->torn.bytes = tail.len - after;
            if (*end == LOG_OPEN && link.is_signed &&
                contains(line, SPAN_LIT("\"log\":{\"note\":\"closed\"")))
                *end = f->torn.bytes == 0 ? LOG_CLOSED : LOG_DAMAGED;
            return sha256_of(span_cut(tail, after, tail.len), f->torn.sha256);
        }
        if (start > 0 || whole ? !line_is_torn(line) : complete)
            *end = LOG_DAMAGED;
        if (start == 0)
            break;
        stop = start - 1;
        complete = true;
    }
    if (!whole)
        *end = LOG_DAMAGED;
    else if (*end == LOG_OPEN)
        *end = LOG_NO_LINE;
    return 0;
}

static int read_tail(int fd, struct buf *out, off_t *from, ino_t *inode)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    *inode = st.st_ino;
    *from = st.st_size > (off_t)out->max ? st.st_size - (off_t)out->max : 0;
    return read_at(fd, out, *from, (size_t)(st.st_size - *from));
}

int log_file_tail(struct buf *out, const char *folder, const char *name)
{
    CLEANUP(own_close) int fd = -1;
    off_t from;
    ino_t inode;
    int r = open_and_lock(&fd, folder, name, O_RDONLY);

    return r < 0 ? r : read_tail(fd, out, &from, &inode);
}

static int end_look(struct log_file *f, int fd, enum log_end *end)
{
    CLEANUP(buf_deinit) struct buf tail = BUF_INIT(TAIL_MAX);
    off_t from = 0;
    int r = read_tail(fd, &tail, &from, &f->inode);

    if (r < 0)
        return r;
    f->size = from + (off_t)tail.len;
    return end_find(f, buf_span(&tail), from == 0, end);
}

static int look(struct log_file *f, const char *folder, const struct folder_file *file, int flags,
                enum log_end *end)
{
    struct log_file got = { .fd = -1, .number = file->number, .began = file->began };
    CLEANUP(own_close) int fd = -1;
    int r = open_and_lock(&fd, folder, file->name, flags);

    if (r < 0)
        return r;
    memcpy(got.name, file->name, sizeof(got.name));
    r = end_look(&got, fd, end);
    if (r < 0)
        return r;
    if ((flags & O_APPEND) != 0)
        got.fd = own_steal_fd(&fd);
    *f = got;
    return 0;
}

int log_file_take(struct log_file *f, const char *folder, const struct folder_file *file,
                  enum log_end *end)
{
    return look(f, folder, file, O_RDWR | O_APPEND, end);
}

int log_file_peek(struct log_file *f, const char *folder, const struct folder_file *file,
                  enum log_end *end)
{
    return look(f, folder, file, O_RDONLY, end);
}

/* ------------------------------------------------------------------------ writing ---- */

static int write_all(int fd, struct mw_span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes = span_cut(bytes, (size_t)n, bytes.len);
    }
    return 0;
}

/* A disk that filled up in the middle of a line took a part of it. */
static int undo(struct log_file *f)
{
    while (ftruncate(f->fd, f->size + (off_t)f->torn.bytes) < 0)
        if (errno != EINTR)
            return -errno;
    f->undo = false;
    return 0;
}

int log_file_write(struct log_file *f, struct mw_span line, const struct line_link *link)
{
    CLEANUP(buf_deinit) struct buf both = BUF_INIT(LOG_LINE_MAX + 1);
    bool apart = f->newline || f->torn.bytes > 0;
    int r = f->undo ? undo(f) : 0;

    if (r < 0)
        return r;
    if (apart) {
        buf_u8(&both, '\n');
        buf_add(&both, line);
        if (buf_error(&both) != 0)
            return buf_error(&both);
        line = buf_span(&both);
    }
    r = write_all(f->fd, line);
    if (r < 0) {
        f->undo = true;
        if (undo(f) < 0)
            log_error("%s: a part of a line could not be cut off yet", f->name);
        return r;
    }
    f->size += (off_t)f->torn.bytes + (off_t)line.len;
    f->seq = link->seq;
    memcpy(f->hash, link->hash, LINE_HASH);
    f->newline = false;
    f->torn.bytes = 0;
    return 0;
}

bool log_file_untouched(const struct log_file *f, const char *folder)
{
    char path[PATH_MAX];
    struct stat st;

    return path_of(path, folder, f->name) == 0 && lstat(path, &st) == 0 &&
           st.st_ino == f->inode && (f->undo || st.st_size == f->size + (off_t)f->torn.bytes);
}

void log_file_let_go(struct log_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}
