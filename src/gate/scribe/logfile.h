/*
 * One file of the audit log, as its writer holds it: appended to by whole lines, each written
 * completely or undone.
 * Life:   log_file_make() or log_file_take() -> log_file_write()* -> log_file_let_go()
 * Who holds a file has its lock (flock), so that another gate does not write into it.
 */
#ifndef GATE_SCRIBE_LOGFILE_H
#define GATE_SCRIBE_LOGFILE_H

#include <sys/types.h>

#include "gate/scribe/folder.h"

struct log_file {
    int fd;                     /* -1: none */
    char name[LOG_NAME];
    uint64_t number;
    struct mw_wall began;
    off_t size;                 /* up to the end of its last whole line */
    ino_t inode;
    uint64_t seq;               /* of its last whole line; 0: it has none */
    uint8_t hash[LINE_HASH];
    bool undo;                  /* what stands behind `size` is to be cut off first */
    bool newline;               /* the last line lacks its newline */
    struct {                    /* what a killed writer left of a line, to be closed off */
        uint64_t bytes;         /* 0: nothing */
        uint8_t sha256[LINE_HASH];
    } torn;
};

enum log_end {
    LOG_OPEN,                   /* may be written on */
    LOG_CLOSED,                 /* its last line says that it is finished */
    LOG_NO_LINE,                /* nothing was ever acknowledged in it */
    LOG_DAMAGED,                /* its end is no whole line of ours, and not for being torn */
};

/* A new, empty file, locked. */
MW_MUST_CHECK int log_file_make(struct log_file *f, const char *folder, struct mw_wall now,
                                uint64_t number);

/* An existing one, with its end looked at.  -EWOULDBLOCK: somebody holds it. */
MW_MUST_CHECK int log_file_take(struct log_file *f, const char *folder,
                                const struct folder_file *file, enum log_end *end);

/* Its end alone, whoever writes; *f holds no descriptor. */
MW_MUST_CHECK int log_file_peek(struct log_file *f, const char *folder,
                                const struct folder_file *file, enum log_end *end);

/* Its last bytes, at most as many as `out` takes. */
MW_MUST_CHECK int log_file_tail(struct buf *out, const char *folder, const char *name);

/* Appends a sealed line (newline included) whose link is given.  < 0: nothing of it is there. */
MW_MUST_CHECK int log_file_write(struct log_file *f, struct mw_span line,
                                 const struct line_link *link);

/* Is it still the file that was written, no shorter and no longer? */
bool log_file_untouched(const struct log_file *f, const char *folder);

void log_file_let_go(struct log_file *f);

#endif
