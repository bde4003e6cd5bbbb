#include "gate/scribe/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "gate/scribe/pcapng.h"

enum {
    FILES_A_DAY = 1000,
    BLOCK_BYTES = PACKET_DATA_MAX + 4096,
};

void capture_close(struct capture *c)
{
    own_close(&c->fd);
    c->fd = -1;
}

/* All of it or nothing: a full disk leaves no half block, which would hide the ones after. */
static int append(struct capture *c, struct mw_span bytes)
{
    ssize_t n = write(c->fd, bytes.data, bytes.len);

    if (n == (ssize_t)bytes.len) {
        c->bytes += bytes.len;
        return 0;
    }
    n = n < 0 ? -errno : -ENOSPC;
    if (ftruncate(c->fd, (off_t)c->bytes) < 0)
        c->full = true;
    return (int)n;
}

static int open_new(const char *folder, const char *date)
{
    char path[PATH_MAX];

    for (unsigned i = 1; i <= FILES_A_DAY; i++) {
        int fd;

        if (snprintf(path, sizeof(path), "%s/packets-%s-%u.pcapng", folder, date, i) >=
            (int)sizeof(path))
            return -ENAMETOOLONG;
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

static int open_file(struct capture *c, const char *folder, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf day = BUF_INIT(32), head = BUF_INIT(256);
    int r;

    if (c->fd >= 0)
        return 0;
    wall_format_date(&day, now);
    pcapng_begin(&head);
    if (buf_error(&day) != 0 || buf_error(&head) != 0)
        return -ENOMEM;
    r = file_make_folders(folder);
    if (r == 0)
        r = open_new(folder, (const char *)day.data);
    if (r < 0)
        return r;
    c->fd = r;
    r = append(c, buf_span(&head));
    if (r < 0)
        capture_close(c);
    return r;
}

static int add(struct capture *c, const char *folder, const struct buf *block,
               struct mw_wall now)
{
    int r;

    if (buf_error(block) != 0)
        return buf_error(block);
    if (!c->full && c->bytes + block->len > CAPTURE_MAX_BYTES) {
        c->full = true;
        log_warning("gate scribe: the unlock's packet capture is full: what comes is dropped");
    }
    if (c->full) {
        c->dropped++;
        return 1;
    }
    r = open_file(c, folder, now);
    return r == 0 ? append(c, buf_span(block)) : r;
}

int capture_secret(struct capture *c, const char *folder, struct mw_span line, struct mw_wall now)
{
    CLEANUP(buf_wipe) struct buf block = BUF_INIT(BLOCK_BYTES);

    pcapng_secrets(&block, line);
    return add(c, folder, &block, now);
}

int capture_packet(struct capture *c, const char *folder, const struct gate_packet *p,
                   struct mw_wall now)
{
    CLEANUP(buf_wipe) struct buf block = BUF_INIT(BLOCK_BYTES);
    int r;

    pcapng_packet(&block, p);
    r = add(c, folder, &block, now);
    if (r == 0)
        c->packets++;
    return r;
}
