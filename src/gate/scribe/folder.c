#include "gate/scribe/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"

#define NAME_HEAD SPAN_LIT("audit-")
#define NAME_TAIL SPAN_LIT(".jsonl")

enum { STAMP = 16, LOCK_TRIES = 200, LOCK_PAUSE_MS = 10 };  /* "20261122T020000Z" */

int log_name(char name[LOG_NAME], struct mw_wall now, uint64_t number)
{
    CLEANUP(buf_deinit) struct buf stamp = BUF_INIT(64), text = BUF_INIT(64);

    wall_format(&stamp, now);
    for (size_t i = 0; i < stamp.len; i++)
        if (stamp.data[i] != '-' && stamp.data[i] != ':')
            buf_u8(&text, stamp.data[i]);
    if (buf_error(&stamp) != 0 || buf_error(&text) != 0)
        return -ENOMEM;
    snprintf(name, LOG_NAME, "audit-%s-%" PRIu64 ".jsonl", (const char *)text.data, number);
    return 0;
}

static bool two_digits(const uint8_t *at, int *out)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9')
        return false;
    *out = (at[0] - '0') * 10 + (at[1] - '0');
    return true;
}

static bool stamp_read(struct mw_span s, struct mw_wall *out)
{
    int v[7];
    static const size_t at[] = { 0, 2, 4, 6, 9, 11, 13 };

    if (s.len != STAMP || s.data[8] != 'T' || s.data[15] != 'Z')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        if (!two_digits(s.data + at[i], &v[i]))
            return false;
    if (v[2] < 1 || v[2] > 12 || v[3] < 1 || v[3] > 31)
        return false;
    *out = wall_from_utc(v[0] * 100 + v[1], v[2], v[3], v[4], v[5], v[6]);
    return true;
}

bool log_name_read(struct folder_file *out, const char *name)
{
    struct mw_span s = span_str(name);
    struct folder_file got = { 0 };
    int64_t number;

    if (s.len >= LOG_NAME || s.len < NAME_HEAD.len + STAMP + 2 + NAME_TAIL.len ||
        !span_eq(span_cut(s, 0, NAME_HEAD.len), NAME_HEAD) ||
        !span_eq(span_cut(s, s.len - NAME_TAIL.len, s.len), NAME_TAIL))
        return false;
    memcpy(got.name, name, s.len + 1);
    s = span_cut(s, NAME_HEAD.len, s.len - NAME_HEAD.len - NAME_TAIL.len);
    if (!stamp_read(span_cut(s, 0, STAMP), &got.began) || s.data[STAMP] != '-' ||
        text_number(span_cut(s, STAMP + 1, s.len), 1, INT64_MAX, &number) != 0)
        return false;
    got.number = (uint64_t)number;
    *out = got;
    return true;
}

static int by_number(const void *a, const void *b)
{
    const struct folder_file *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return strcmp(x->name, y->name);
}

void folder_deinit(struct folder *f)
{
    free(f->files);
    f->files = NULL;
    f->n = 0;
}

static int folder_add(struct folder *f, size_t *room, const struct folder_file *file)
{
    if (f->n == FOLDER_FILES)
        return -EOVERFLOW;
    if (f->n == *room) {
        size_t more = *room == 0 ? 16 : *room * 2;
        struct folder_file *grown = realloc(f->files, more * sizeof(*grown));

        if (grown == NULL)
            return -ENOMEM;
        f->files = grown;
        *room = more;
    }
    f->files[f->n++] = *file;
    return 0;
}

int folder_list(struct folder *out, const char *path)
{
    struct folder got = { 0 };
    struct folder_file file;
    struct dirent *e;
    DIR *d = opendir(path);
    size_t room = 0;
    int r = 0;

    if (d == NULL)
        return -errno;
    errno = 0;
    while (r == 0 && (e = readdir(d)) != NULL) {
        if (log_name_read(&file, e->d_name))
            r = folder_add(&got, &room, &file);
        errno = 0;
    }
    if (r == 0 && errno != 0)
        r = -errno;
    closedir(d);
    if (r < 0) {
        folder_deinit(&got);
        return r;
    }
    if (got.n > 0)
        qsort(got.files, got.n, sizeof(got.files[0]), by_number);
    *out = got;
    return 0;
}

int folder_lock(int *fd, const char *path)
{
    CLEANUP(own_close) int got = -1;
    char name[PATH_MAX];

    if (snprintf(name, sizeof(name), "%s/lock", path) >= (int)sizeof(name))
        return -ENAMETOOLONG;
    got = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (got < 0)
        return -errno;
    for (int tries = 0; flock(got, LOCK_EX | LOCK_NB) < 0; tries++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (tries == LOCK_TRIES)
            return -EAGAIN;
        poll(NULL, 0, LOCK_PAUSE_MS);
    }
    *fd = own_steal_fd(&got);
    return 0;
}
