/*
 * A file read line by line, however long it is.
 * Life:   lines_open() -> lines_next()* -> lines_close()
 * Memory: LOG_LINE_MAX and one read; what is longer than a line may be comes in pieces.
 */
#ifndef GATE_SCRIBE_LINES_H
#define GATE_SCRIBE_LINES_H

#include "gate/scribe/line.h"

struct lines {
    int fd;
    struct buf in;
    size_t done;                /* of `in` */
    uint64_t bytes;             /* read so far */
};

MW_MUST_CHECK int lines_open(struct lines *l, const char *path);
void lines_close(struct lines *l);      /* usable with CLEANUP */

/* 1: *line, borrowed until the next call, and whether a newline followed it (not part of it); 0:
 * nothing more now, ask again when the file has grown.  rest: a last line without a newline counts
 * too.  < 0: it cannot be read. */
MW_MUST_CHECK int lines_next(struct lines *l, struct mw_span *line, bool *newline, bool rest);

#endif
