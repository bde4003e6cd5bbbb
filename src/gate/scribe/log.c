#include "gate/scribe/log_private.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/own.h"

/* Renders, seals and writes one line. */
static int add_line(struct audit_log *l, const struct audit_record *r, const struct log_note *note)
{
    const struct render how = { .format = l->format, .gateway = l->gateway, .note = note };
    CLEANUP(buf_deinit) struct buf line = BUF_INIT(LOG_LINE_MAX);
    struct line_link link = { .seq = l->file.seq + 1 };
    struct mw_span closers;
    int e;

    memcpy(link.prev, l->file.hash, LINE_HASH);
    render_record(&line, &how, r, &closers);
    e = line_seal(&line, &link, closers, note != NULL ? l->signer : NULL, l->file.name);
    if (e == 0)
        e = log_file_write(&l->file, buf_span(&line), &link);
    if (e < 0)
        return e;
    l->unsigned_lines++;
    buf_truncate(&l->last, 0);
    buf_add(&l->last, buf_span(&line));
    if (l->on_line != NULL)
        l->on_line(l->context, span_cut(buf_span(&line), 0, line.len - 1));
    return 0;
}

void audit_log_watch(struct audit_log *l, audit_line_fn *on_line, void *context)
{
    l->on_line = on_line;
    l->context = context;
}

int log_note_add(struct audit_log *l, const struct log_note *note, const char *detail,
                 struct mw_wall now)
{
    char what[32];
    const struct audit_record r = {
        .kind = AUDIT_EVENT,
        .began_ms = now.s * 1000,
        .ended_ms = now.s * 1000,
        .what = what,
        .detail = detail,
    };

    snprintf(what, sizeof(what), "log-%s", note->kind);
    return add_line(l, &r, note);
}

void log_alarm(struct audit_log *l, const char *file, const char *format, ...)
{
    size_t len = strlen(l->alarm);
    char why[ALARM_MAX / 2];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    log_error("audit log: %s: %s", file, why);
    if (strstr(l->alarm, why) == NULL) /* not what is waiting to be written already */
        snprintf(l->alarm + len, sizeof(l->alarm) - len, "%s%s: %s", len > 0 ? "; " : "", file,
                 why);
}

int log_close_torn(struct audit_log *l, struct mw_wall now)
{
    const struct log_note note = {
        .kind = "torn",
        .bytes = l->file.torn.bytes,
        .bytes_sha256 = l->file.torn.sha256,
        .why = "the writer was killed in the middle of a line that it had not acknowledged",
    };

    return l->file.torn.bytes == 0 ? 0 : log_note_add(l, &note, "a torn line was closed off", now);
}

static int write_alarm(struct audit_log *l, struct mw_wall now)
{
    const struct log_note note = { .kind = "alarm", .why = l->alarm };
    int r = log_note_add(l, &note, l->alarm, now);

    if (r == 0)
        l->alarm[0] = '\0';
    return r;
}

int log_ready(struct audit_log *l, struct mw_wall now)
{
    CLEANUP(own_close) int lock = -1;
    int r = 0;

    if (l->file.fd < 0) {
        r = folder_lock(&lock, l->folder);
        if (r == 0)
            r = log_file_begin(l, now);
    }
    if (r == 0)
        r = log_close_torn(l, now);
    if (r == 0 && l->alarm[0] != '\0')
        r = write_alarm(l, now);
    return r;
}

int audit_log_add(struct audit_log *l, const struct audit_record *r, struct mw_wall now)
{
    int e;

    if (seen_has(l->seen, r->worker, r->serial))
        return -EALREADY;
    e = log_ready(l, now);
    if (e == 0)
        e = add_line(l, r, NULL);
    if (e < 0)
        return e;
    seen_add(l->seen, r->worker, r->serial);
    if (l->unsigned_lines >= CHECKPOINT_LINES && log_checkpoint(l, "checkpoint", now) < 0)
        log_warning("audit log: the checkpoint is late"); /* the line itself is written */
    return 0;
}

struct mw_span audit_log_last(const struct audit_log *l)
{
    struct mw_span s = buf_span(&l->last);

    return span_cut(s, 0, s.len > 0 ? s.len - 1 : 0);
}
