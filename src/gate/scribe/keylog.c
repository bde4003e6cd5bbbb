#include "gate/scribe/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"

int keylog_init(struct keylog *k, const char *state_folder)
{
    char path[PATH_MAX];

    *k = (struct keylog){ .fd = -1, .capture = CAPTURE_NONE };
    if (snprintf(path, sizeof(path), "%s/unlock", state_folder) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    k->folder = strdup(path);
    return k->folder != NULL ? 0 : -ENOMEM;
}

static void close_file(struct keylog *k)
{
    own_close(&k->fd);
    k->fd = -1;
    k->date[0] = '\0';
    capture_close(&k->capture);
}

void keylog_deinit(struct keylog *k)
{
    close_file(k);
    free(k->folder);
    k->folder = NULL;
}

void keylog_unlock(struct keylog *k, const struct gate_unlock *u)
{
    k->unlock = *u;
    k->written = k->dropped = 0;
    close_file(k);
    k->capture = CAPTURE_NONE;
}

/* A file a day, so that old ones can be thrown away whole. */
static int open_file(struct keylog *k, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf day = BUF_INIT(32);
    char path[PATH_MAX];
    int r;

    wall_format_date(&day, now);
    if (buf_error(&day) != 0)
        return buf_error(&day);
    if (k->fd >= 0 && strcmp(k->date, (const char *)day.data) == 0)
        return 0;
    own_close(&k->fd);
    k->fd = -1;
    r = file_make_folders(k->folder);
    if (r < 0)
        return r;
    if (snprintf(path, sizeof(path), "%s/keys-%s.log", k->folder, (const char *)day.data) >=
        (int)sizeof(path))
        return -ENAMETOOLONG;
    k->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (k->fd < 0)
        return -errno;
    snprintf(k->date, sizeof(k->date), "%s", (const char *)day.data);
    return 0;
}

int keylog_take(struct keylog *k, const struct gate_keylog *line, struct mw_wall now)
{
    char text[KEYLOG_LINE_MAX + 2];
    int r, len;

    if (!unlock_covers(&k->unlock, line->client, line->host, now)) {
        k->dropped++;
        return 1;
    }
    r = open_file(k, now);
    if (r < 0)
        return r;
    len = snprintf(text, sizeof(text), "%s\n", line->line);
    if (len >= (int)sizeof(text))
        return -EMSGSIZE;
    if (write(k->fd, text, (size_t)len) != len)
        r = -EIO;
    if (r == 0 && k->unlock.packets)
        r = capture_secret(&k->capture, k->folder, span_of(text, (size_t)len), now);
    explicit_bzero(text, sizeof(text));
    if (r >= 0)
        k->written++;
    return r < 0 ? r : 0;
}

int keylog_packet(struct keylog *k, const struct gate_packet *p, struct mw_wall now)
{
    int r;

    if (!k->unlock.packets || !unlock_covers(&k->unlock, p->client, p->host, now)) {
        k->dropped++;
        return 1;
    }
    r = capture_packet(&k->capture, k->folder, p, now);
    return r < 0 ? r : 0;
}

void keylog_tell(const struct keylog *k, struct buf *out)
{
    buf_printf(out, "%" PRIu64 " lines", k->written);
    if (k->unlock.packets)
        buf_printf(out, " and %" PRIu64 " packets", k->capture.packets);
    buf_str(out, " were written");
    if (k->capture.dropped > 0)
        buf_printf(out, ", %" PRIu64 " packets were dropped", k->capture.dropped);
}

bool keylog_tick(struct keylog *k, struct mw_wall now)
{
    if (k->unlock.until.s == 0 || now.s < k->unlock.until.s)
        return false;
    k->unlock.until.s = 0;
    close_file(k);
    return true;
}
