/*
 * Whole files: read with a limit, replaced in one step.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/* Appends the file ("-": standard input) to *out.  -EMSGSIZE: larger than out's maximum;
 * -EISDIR; else what open(2) or read(2) said. */
MW_MUST_CHECK int file_read(const char *path, struct buf *out);
MW_MUST_CHECK int file_read_fd(int fd, struct buf *out);        /* the rest of an open file */

/* The file holds either what it held before or all of `bytes`, whatever is killed when:
 * a temporary file beside it is written, synced and renamed.  mode as for open(2). */
MW_MUST_CHECK int file_replace(const char *path, struct mw_span bytes, unsigned mode);

/* Removes what file_replace() of this path left beside it when it was killed.  The caller knows, by
 * a lock, that nobody is in the middle of one now. */
MW_MUST_CHECK int file_sweep(const char *path);

/* mkdir -p, new folders with mode 0700. */
MW_MUST_CHECK int file_make_folders(const char *path);

/* The folder belongs to that user from now on.  Never through a symbolic link as the last part:
 * who may write beside it could point it anywhere.  -ELOOP, -ENOTDIR: it is one, or no folder. */
MW_MUST_CHECK int file_give_folder(const char *path, uid_t user, gid_t group);

#endif
