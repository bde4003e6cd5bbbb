/* Opening the log, and beginning a file of it. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "gate/scribe/log_private.h"

/* How much of the newest files is read for the records they hold. */
enum { MEMORY_BYTES = 4 << 20, MEMORY_FILES = 2 };

/* ---------------------------------------------------------------------------- the head ---- */

static int head_rebuild(struct audit_log *l, struct head *h)
{
    CLEANUP(folder_deinit) struct folder folder = { 0 };
    int r = folder_list(&folder, l->folder);

    *h = (struct head){ 0 };
    if (r == 0 && folder.n > 0) {
        h->oldest = folder.files[0].number;
        h->newest = folder.files[folder.n - 1].number;
    }
    return r;
}

int log_head(struct audit_log *l, struct head *h)
{
    int r = head_load(h, l->folder, l->verifier);

    if (r == 0 || (r < 0 && r != -ENOENT))
        return r;
    log_alarm(l, "head", r > 0 ? "it was changed, or signed with another key"
                               : "it was removed, and files may have been with it");
    return head_rebuild(l, h);
}

/* ------------------------------------------------------------------------- a new file ---- */

/* Entries of files that were about to be made when their writer was killed.  Whoever makes one
 * holds the lock, and we do. */
static void drop_unmade(struct audit_log *l, struct head *h)
{
    for (size_t i = 0; i < h->n;) {
        struct folder_file file;
        struct log_file f;
        enum log_end end;
        char path[PATH_MAX];
        int r;

        if (h->files[i].seq != 0 || !log_name_read(&file, h->files[i].name)) {
            i++;
            continue;
        }
        r = log_file_peek(&f, l->folder, &file, &end);
        if (r == 0 && end != LOG_NO_LINE) { /* it was made; only the head had not heard of it */
            h->files[i].seq = f.seq;
            memcpy(h->files[i].hash, f.hash, LINE_HASH);
            i++;
            continue;
        }
        if (r == 0 && snprintf(path, sizeof(path), "%s/%s", l->folder, file.name) <
                          (int)sizeof(path))
            unlink(path);
        if (file.number == h->newest)
            h->newest--;
        head_drop(h, file.name);
    }
}

/* The file before the new one, and how far it has come.  number 0: there is none. */
static int find_before(struct audit_log *l, struct log_file *before, uint64_t *highest)
{
    CLEANUP(folder_deinit) struct folder folder = { 0 };
    enum log_end end;
    int r = folder_list(&folder, l->folder);

    *highest = 0;
    before->number = 0;
    if (r < 0 || folder.n == 0)
        return r;
    *highest = folder.files[folder.n - 1].number;
    return log_file_peek(before, l->folder, &folder.files[folder.n - 1], &end);
}

static int write_first_line(struct audit_log *l, const struct log_file *before,
                            struct mw_wall now)
{
    const struct log_note note = {
        .kind = "file",
        .file = before->number != 0 ? before->name : NULL,
        .number = l->file.number,
        .seq = before->number != 0 ? before->seq : 0,
        .hash = before->number != 0 ? before->hash : NULL,
        .key = log_key_public(l->signer),
    };
    int r;

    if (before->number != 0)
        memcpy(l->file.hash, before->hash, LINE_HASH);
    r = log_note_add(l, &note, "a file of the audit log begins", now);
    if (r == 0 && fdatasync(l->file.fd) < 0)
        r = -errno;
    return r;
}

/* What could not be made leaves nothing behind. */
static void unmake(struct audit_log *l, const char *name)
{
    char path[PATH_MAX];

    log_file_let_go(&l->file);
    if (snprintf(path, sizeof(path), "%s/%s", l->folder, name) < (int)sizeof(path))
        unlink(path);
}

int log_file_begin(struct audit_log *l, struct mw_wall now)
{
    struct head h;
    struct head_file *entry;
    struct log_file before = { .fd = -1 };
    char name[LOG_NAME];
    uint64_t highest, number;
    int r = log_head(l, &h);

    if (r < 0)
        return r;
    drop_unmade(l, &h);
    r = find_before(l, &before, &highest);
    if (r < 0)
        return r;
    number = (highest > h.newest ? highest : h.newest) + 1;
    r = log_name(name, now, number);
    if (r < 0)
        return r;
    entry = head_put(&h, name);
    if (entry == NULL)
        return -EMFILE;
    h.newest = number;
    if (h.oldest == 0)
        h.oldest = number;
    r = head_store(&h, l->folder, l->signer); /* first the plan: no file is ever unheard of */
    if (r == 0)
        r = log_file_make(&l->file, l->folder, now, number);
    if (r == 0)
        r = write_first_line(l, &before, now);
    if (r < 0) {
        unmake(l, name);
        return r;
    }
    entry->seq = l->file.seq;
    memcpy(entry->hash, l->file.hash, LINE_HASH);
    l->checkpoint = now;
    l->unsigned_lines = 0;
    return head_store(&h, l->folder, l->signer);
}

/* -------------------------------------------------------------- what others left open ---- */

/* A file whose writer is gone and that is not gone on with: closed off, so that it is known to
 * be whole. */
static int close_other(struct audit_log *l, struct log_file *f, struct mw_wall now)
{
    const struct log_note closed = { .kind = "closed", .why = "its writer is gone" };
    struct log_file mine = l->file;
    int r;

    l->file = *f;
    r = log_close_torn(l, now);
    if (r == 0)
        r = log_note_add(l, &closed, "a file of the audit log ends", now);
    if (r == 0 && fdatasync(l->file.fd) < 0)
        r = -errno;
    log_file_let_go(&l->file);
    f->fd = -1;
    l->file = mine;
    return r;
}

/* Has it come as far as the head says? */
static bool reaches(const struct log_file *f, const struct head_file *e)
{
    return f->seq > e->seq || (f->seq == e->seq && memcmp(f->hash, e->hash, LINE_HASH) == 0);
}

/* One open file of the head.  *dropped: it needs no entry any more. */
static int adopt_one(struct audit_log *l, const struct head_file *e, bool may_continue,
                     uint64_t newest, bool *dropped, struct mw_wall now)
{
    struct folder_file file;
    struct log_file f;
    enum log_end end;
    int r;

    *dropped = false;
    if (strcmp(e->name, l->file.name) == 0 && l->file.fd >= 0)
        return 0;
    if (!log_name_read(&file, e->name))
        return 0;
    r = log_file_take(&f, l->folder, &file, &end);
    if (r == -EWOULDBLOCK)
        return 0; /* another gate writes it */
    *dropped = true;
    if (r == -ENOENT) {
        log_alarm(l, e->name, "it was removed");
        return 0;
    }
    if (r < 0) {
        *dropped = false;
        return r;
    }
    if (end == LOG_DAMAGED || end == LOG_NO_LINE || !reaches(&f, e)) {
        log_alarm(l, e->name, "its end was cut off or changed: %" PRIu64 " lines of at least %"
                  PRIu64, f.seq, e->seq);
    } else if (end == LOG_OPEN && may_continue && file.number == newest && l->file.fd < 0) {
        l->file = f;
        *dropped = false;
        return 0;
    } else if (end == LOG_OPEN) {
        r = close_other(l, &f, now);
        *dropped = r == 0;
    }
    log_file_let_go(&f);
    return r;
}

int log_adopt(struct audit_log *l, bool may_continue, struct mw_wall now)
{
    struct head h;
    bool any = false, dropped;
    int r = log_head(l, &h);

    if (r < 0)
        return r;
    drop_unmade(l, &h);
    for (size_t i = 0; r == 0 && i < h.n;) {
        struct head_file e = h.files[i];

        r = adopt_one(l, &e, may_continue, h.newest, &dropped, now);
        if (dropped)
            head_drop(&h, e.name);
        else
            i++;
        any = any || dropped;
    }
    if (any) {
        int stored = head_store(&h, l->folder, l->signer);

        r = r == 0 ? stored : r;
    }
    return r;
}

/* ------------------------------------------------------------------------- opening ---- */

/* A line that was torn was not acknowledged: it must not pass for written. */
static void remember_lines(struct audit_log *l, struct mw_span text)
{
    struct mw_span line;
    struct line_link link;

    while (span_line(&text, &line)) {
        struct seen_id id = seen_id_read(line_record(line));

        if (id.worker != 0 && line_read(&link, line) == 0)
            seen_add(l->seen, id.worker, id.serial);
    }
}

/* The records in the newest files: a worker may send them again, not knowing that they were
 * written.  Older file first, so that the newest are remembered longest. */
static int remember(struct audit_log *l)
{
    CLEANUP(folder_deinit) struct folder folder = { 0 };
    int r = folder_list(&folder, l->folder);

    for (size_t i = folder.n > MEMORY_FILES ? folder.n - MEMORY_FILES : 0;
         r == 0 && i < folder.n; i++) {
        CLEANUP(buf_deinit) struct buf tail = BUF_INIT(MEMORY_BYTES);

        r = log_file_tail(&tail, l->folder, folder.files[i].name);
        remember_lines(l, buf_span(&tail));
    }
    return r;
}

static int open_keys(struct audit_log *l, const char *state_folder, bool *fresh,
                     struct buf *error)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(64 * 1024);
    char path[PATH_MAX];
    int r = log_key_open(&l->signer, state_folder, fresh, error);

    if (r < 0)
        return r;
    if (snprintf(path, sizeof(path), "%s/audit.pub", state_folder) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    r = file_read(path, &pem);
    if (r == 0)
        r = verifier_read(&l->verifier, buf_span(&pem), error);
    if (r < 0)
        buf_printf(error, "%s%s: needed to verify the audit log: %s", error->len > 0 ? "; " : "",
                   path, strerror(-r));
    return r;
}

/* A key that was just made becomes the key once there is a head: from then on, a missing head is
 * somebody's doing. */
static int keep_key(struct audit_log *l, const char *state_folder, struct buf *error)
{
    struct head h = { 0 };
    int loaded = head_load(&h, l->folder, l->verifier), r = 0;

    if (loaded < 0 && loaded != -ENOENT)
        return loaded;
    if (loaded != 0)
        r = head_rebuild(l, &h);
    if (loaded > 0 || h.newest > 0)
        log_alarm(l, "audit.key", "it was missing although there were files; a new one was made");
    if (r == 0)
        r = head_store(&h, l->folder, l->signer);
    return r < 0 ? r : log_key_keep(l->signer, state_folder, error);
}

/* Half-written files of those that were killed.  They harm nobody but whoever looks for meaning in
 * them, so a folder that cannot be swept is no reason not to log. */
static void sweep(const char *folder, const char *state_folder)
{
    const char *const names[][2] = { { folder, "head" },
                                     { state_folder, "audit.key" },
                                     { state_folder, "audit.pub" } };
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int r = snprintf(path, sizeof(path), "%s/%s", names[i][0], names[i][1]);

        r = r >= (int)sizeof(path) ? -ENAMETOOLONG : file_sweep(path);
        if (r < 0)
            log_warning("gate scribe: what a killed process left of %s stays: %s", path,
                        strerror(-r));
    }
}

static int open_log(struct audit_log *l, const struct gate_config *c, struct mw_wall now,
                    struct buf *error)
{
    CLEANUP(own_close) int lock = -1;
    bool fresh;
    int r;

    l->folder = strdup(c->audit.folder);
    l->gateway = strdup(c->name != NULL ? c->name : "");
    l->seen = calloc(1, sizeof(*l->seen));
    l->file.fd = -1;
    l->last = (struct buf)BUF_INIT(LOG_LINE_MAX);
    if (l->folder == NULL || l->gateway == NULL || l->seen == NULL)
        return -ENOMEM;
    audit_log_reload(l, c);
    r = file_make_folders(c->state_folder);
    if (r == 0)
        r = file_make_folders(l->folder);
    if (r == 0)
        r = folder_lock(&lock, l->folder);
    if (r == 0)
        sweep(l->folder, c->state_folder);
    if (r == 0)
        r = open_keys(l, c->state_folder, &fresh, error);
    if (r == 0 && fresh)
        r = keep_key(l, c->state_folder, error);
    if (r == 0)
        r = remember(l);
    if (r == 0)
        r = log_adopt(l, true, now);
    return r == -ENOSPC || r == -EDQUOT || r == -EFBIG ? 0 : r; /* the first line will tell */
}

int audit_log_open(struct audit_log **out, const struct gate_config *c, struct mw_wall now,
                   struct buf *error)
{
    struct audit_log *l = calloc(1, sizeof(*l));
    int r;

    if (l == NULL)
        return -ENOMEM;
    r = open_log(l, c, now, error);
    if (r < 0) {
        if (error->len == 0)
            buf_printf(error, "%s: the audit log cannot be opened: %s",
                       c->audit.folder, strerror(-r));
        log_file_let_go(&l->file);
        audit_log_close(l);
        return r;
    }
    *out = l;
    return 0;
}
