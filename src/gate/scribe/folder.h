/*
 * The audit folder: which files are there, in the order of their numbers, and the lock that
 * whoever makes, closes or removes one holds.
 */
#ifndef GATE_SCRIBE_FOLDER_H
#define GATE_SCRIBE_FOLDER_H

#include "gate/scribe/head.h"

enum { FOLDER_FILES = 100000 };

struct folder_file {
    uint64_t number;
    struct mw_wall began;       /* as its name says */
    char name[LOG_NAME];
};

struct folder {
    struct folder_file *files;  /* oldest first */
    size_t n;
};

MW_MUST_CHECK int folder_list(struct folder *out, const char *path);
void folder_deinit(struct folder *f);   /* an all-zero one is fine; usable with CLEANUP */

/* audit-YYYYMMDDTHHMMSSZ-N.jsonl; -ENOMEM. */
MW_MUST_CHECK int log_name(char name[LOG_NAME], struct mw_wall now, uint64_t number);
bool log_name_read(struct folder_file *out, const char *name);

/* Waits two seconds for it at most (-EAGAIN); *fd is the caller's, closing it lets go. */
MW_MUST_CHECK int folder_lock(int *fd, const char *path);

#endif
