#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/text.h"

int file_read_fd(int fd, struct buf *out)
{
    for (;;) {
        size_t want = out->max - out->len < 65536 ? out->max - out->len : 65536;
        uint8_t *to = buf_reserve(out, want == 0 ? 1 : want);
        ssize_t n;

        if (to == NULL) {
            char more;

            /* Exactly at the maximum is fine if nothing follows. */
            if (out->error == -EMSGSIZE && read(fd, &more, 1) == 0)
                out->error = 0;
            return out->error;
        }
        n = read(fd, to, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        buf_took(out, (size_t)n);
    }
}

int file_read(const char *path, struct buf *out)
{
    CLEANUP(own_close) int fd = -1;

    if (strcmp(path, "-") == 0)
        return file_read_fd(STDIN_FILENO, out);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return file_read_fd(fd, out);
}

static int write_all(int fd, struct mw_span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes = span_cut(bytes, (size_t)n, bytes.len);
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* The name behind the last slash; the folder before it. */
static const char *folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        snprintf(folder, PATH_MAX, ".");
    else
        snprintf(folder, PATH_MAX, "%.*s", (int)(slash - path + 1), path);
    return slash == NULL ? path : slash + 1;
}

static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    CLEANUP(own_close) int fd = -1;

    (void)folder_of(path, folder);
    fd = open(folder, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

int file_replace(const char *path, struct mw_span bytes, unsigned mode)
{
    char temporary[PATH_MAX];
    int fd, r;

    if (snprintf(temporary, sizeof(temporary), "%s.%ld.new", path, (long)getpid()) >=
        (int)sizeof(temporary))
        return -ENAMETOOLONG;
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    r = write_all(fd, bytes);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(temporary);
    return r < 0 ? r : sync_folder(path);
}

/* "NAME.PID.new", as file_replace() calls its temporary files. */
static bool is_temporary(const char *name, struct mw_span of)
{
    const struct mw_span tail = SPAN_LIT(".new");
    struct mw_span s = span_str(name);
    int64_t pid;

    return s.len > of.len + 1 + tail.len && span_eq(span_cut(s, 0, of.len), of) &&
           s.data[of.len] == '.' && span_eq(span_cut(s, s.len - tail.len, tail.len), tail) &&
           text_number(span_cut(s, of.len + 1, s.len - of.len - 1 - tail.len), 1, INT64_MAX,
                       &pid) == 0;
}

int file_sweep(const char *path)
{
    char folder[PATH_MAX];
    const char *name = folder_of(path, folder);
    DIR *d = opendir(folder);
    struct dirent *e;
    int r = 0;

    if (d == NULL)
        return -errno;
    errno = 0;
    while (r == 0 && (e = readdir(d)) != NULL) {
        if (is_temporary(e->d_name, span_str(name)) && unlinkat(dirfd(d), e->d_name, 0) < 0 &&
            errno != ENOENT)
            r = -errno;
        errno = 0;
    }
    if (r == 0 && errno != 0)
        r = -errno;
    closedir(d);
    return r;
}

int file_make_folders(const char *path)
{
    char part[PATH_MAX];
    struct stat st;
    size_t len = strlen(path);

    if (len >= sizeof(part))
        return -ENAMETOOLONG;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return -errno;
    }
    if (stat(path, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_give_folder(const char *path, uid_t user, gid_t group)
{
    CLEANUP(own_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 || fchown(fd, user, group) < 0)
        return -errno;
    return 0;
}
