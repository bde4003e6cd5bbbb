/*
 * Inside the audit log: what log.c (adding), log_begin.c (opening, new files, those that others
 * left) and log_keep.c (checkpoints, rotation, retention) share.
 */
#ifndef GATE_SCRIBE_LOG_PRIVATE_H
#define GATE_SCRIBE_LOG_PRIVATE_H

#include "gate/scribe/log.h"
#include "gate/scribe/logfile.h"
#include "gate/scribe/render.h"
#include "gate/scribe/seen.h"

enum {
    CHECKPOINT_LINES = 1024,
    CHECKPOINT_S = 5,
    TIDY_S = 60,                /* how often old files and those of others are looked at */
    ALARM_MAX = 512,
};

struct audit_log {
    char *folder, *gateway;
    enum gate_log_format format;
    int64_t rotate_bytes, rotate_s, keep_s;
    struct log_key *signer;
    struct verifier *verifier;  /* of the signer's own keys */
    struct log_file file;       /* fd -1: none; the next line begins one */
    unsigned unsigned_lines;    /* since the last checkpoint */
    struct mw_wall checkpoint, tidied;
    char alarm[ALARM_MAX];      /* to be written before anything else; "" none */
    struct seen *seen;
    struct buf last;            /* the last line, newline included */
    audit_line_fn *on_line;
    void *context;
};

/* Writes a note about the log itself; signed. */
MW_MUST_CHECK int log_note_add(struct audit_log *l, const struct log_note *note,
                               const char *detail, struct mw_wall now);

/* Says what a killed writer left of a line, if it left something. */
MW_MUST_CHECK int log_close_torn(struct audit_log *l, struct mw_wall now);

/* A file is there and nothing is pending in it. */
MW_MUST_CHECK int log_ready(struct audit_log *l, struct mw_wall now);

/* Says so in the log as soon as it can be written; verify shows it for as long as it is kept. */
void log_alarm(struct audit_log *l, const char *file, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Under the folder's lock. */
MW_MUST_CHECK int log_file_begin(struct audit_log *l, struct mw_wall now);
MW_MUST_CHECK int log_adopt(struct audit_log *l, bool may_continue, struct mw_wall now);

/* The folder's head, rebuilt if it is missing or wrong (which raises an alarm unless there are no
 * files). */
MW_MUST_CHECK int log_head(struct audit_log *l, struct head *h);

MW_MUST_CHECK int log_checkpoint(struct audit_log *l, const char *kind, struct mw_wall now);

#endif
