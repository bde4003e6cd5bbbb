/* What the log needs as time goes by: checkpoints, new files, the end of old ones. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "gate/scribe/log_private.h"

void audit_log_reload(struct audit_log *l, const struct gate_config *c)
{
    l->format = c->audit.format;
    l->rotate_bytes = c->audit.rotate_bytes;
    l->rotate_s = c->audit.rotate_s;
    l->keep_s = c->audit.keep_s;
}

/* How far our file has come goes into the head; or that it is finished. */
static int tell_head(struct audit_log *l, bool closed)
{
    CLEANUP(own_close) int lock = -1;
    struct head h;
    struct head_file *e;
    int r = folder_lock(&lock, l->folder);

    if (r == 0)
        r = log_head(l, &h);
    if (r < 0)
        return r;
    if (closed) {
        head_drop(&h, l->file.name);
    } else {
        e = head_put(&h, l->file.name);
        if (e == NULL)
            return -EMFILE;
        e->seq = l->file.seq;
        memcpy(e->hash, l->file.hash, LINE_HASH);
    }
    return head_store(&h, l->folder, l->signer);
}

/* The line, then the data on the disk, then the head: the head never promises what could be lost
 * with the power. */
int log_checkpoint(struct audit_log *l, const char *kind, struct mw_wall now)
{
    const bool closed = strcmp(kind, "closed") == 0;
    const struct log_note note = { .kind = kind };
    int r = log_note_add(l, &note,
                         closed ? "a file of the audit log ends" : "all before this is signed",
                         now);

    if (r < 0)
        return r;
    if (fdatasync(l->file.fd) < 0)
        r = -errno;
    if (r == 0)
        r = tell_head(l, closed);
    if (closed) /* its line is written: nothing may follow, whatever the head heard */
        log_file_let_go(&l->file);
    if (r < 0)
        return r;
    l->checkpoint = now;
    l->unsigned_lines = 0;
    return 0;
}

/* --------------------------------------------------------------------------- retention ---- */

static int remove_file(struct audit_log *l, const struct folder_file *file, struct mw_wall now)
{
    struct log_note note = { .kind = "removed", .file = file->name, .number = file->number };
    struct head h;
    struct log_file f;
    enum log_end end;
    char path[PATH_MAX];
    int r = log_file_peek(&f, l->folder, file, &end);

    if (r < 0)
        return r;
    note.seq = f.seq;
    note.hash = f.hash;
    r = log_note_add(l, &note, "a file was removed, its time being over", now);
    if (r == 0 && fdatasync(l->file.fd) < 0)
        r = -errno;
    if (r == 0)
        r = log_head(l, &h);
    if (r < 0)
        return r;
    h.oldest = file->number + 1;
    r = head_store(&h, l->folder, l->signer);
    if (r < 0)
        return r;
    if (snprintf(path, sizeof(path), "%s/%s", l->folder, file->name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    return unlink(path) < 0 ? -errno : 0;
}

/* Files that ended longer ago than they are kept; the one after says when a file ended.  Under
 * the lock. */
static int remove_old(struct audit_log *l, struct mw_wall now)
{
    CLEANUP(folder_deinit) struct folder folder = { 0 };
    struct head h;
    int r = folder_list(&folder, l->folder);

    if (r == 0)
        r = log_head(l, &h);
    for (size_t i = 0; r == 0 && i + 1 < folder.n; i++) {
        if (wall_diff_s(folder.files[i + 1].began, now) <= l->keep_s ||
            head_find(&h, folder.files[i].name) != NULL)
            break;
        r = remove_file(l, &folder.files[i], now);
    }
    return r;
}

static int tidy(struct audit_log *l, struct mw_wall now)
{
    CLEANUP(own_close) int lock = -1;
    int r = folder_lock(&lock, l->folder);

    if (r == 0)
        r = log_adopt(l, false, now);
    if (r == 0 && l->keep_s > 0)
        r = remove_old(l, now);
    if (r == 0)
        l->tidied = now;
    return r;
}

/* --------------------------------------------------------------------------- each second ---- */

static bool is_full(const struct audit_log *l, struct mw_wall now)
{
    if (l->file.seq < 2) /* a file of nothing but its first line need not be followed by another */
        return false;
    return (l->rotate_bytes > 0 && l->file.size >= l->rotate_bytes) ||
           (l->rotate_s > 0 && wall_diff_s(l->file.began, now) >= l->rotate_s);
}

static void look_for_hands(struct audit_log *l)
{
    CLEANUP(own_close) int lock = -1;
    struct head h;

    if (l->file.fd < 0 || log_file_untouched(&l->file, l->folder))
        return;
    log_alarm(l, l->file.name, "it was changed, cut or replaced while it was being written");
    if (folder_lock(&lock, l->folder) == 0 && log_head(l, &h) == 0) {
        head_drop(&h, l->file.name);
        if (head_store(&h, l->folder, l->signer) < 0)
            log_warning("audit log: the head could not be written");
    }
    log_file_let_go(&l->file);
}

int audit_log_tick(struct audit_log *l, struct mw_wall now)
{
    int64_t since;
    int r;

    look_for_hands(l);
    r = log_ready(l, now);
    if (r < 0)
        return r;
    if (is_full(l, now)) {
        r = log_checkpoint(l, "closed", now);
        if (r == 0)
            r = log_ready(l, now);
        if (r < 0)
            return r;
    }
    since = wall_diff_s(l->tidied, now);
    if (since >= TIDY_S || since < 0) {
        r = tidy(l, now);
        if (r < 0)
            return r;
    }
    since = wall_diff_s(l->checkpoint, now);
    if (l->unsigned_lines > 0 && (since >= CHECKPOINT_S || since < 0))
        r = log_checkpoint(l, "checkpoint", now);
    return r;
}

void audit_log_close(struct audit_log *l)
{
    if (l == NULL)
        return;
    if ((l->file.fd >= 0 || l->alarm[0] != '\0') &&
        (log_ready(l, wall_now()) < 0 || log_checkpoint(l, "closed", wall_now()) < 0))
        log_error("audit log: the last checkpoint could not be written; the next start makes "
                  "up for it");
    log_file_let_go(&l->file);
    log_key_free(l->signer);
    verifier_free(l->verifier);
    buf_deinit(&l->last);
    free(l->seen);
    free(l->folder);
    free(l->gateway);
    free(l);
}
