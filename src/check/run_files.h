/*
 * What a run reads from files before it starts.
 */
#ifndef CHECK_RUN_FILES_H
#define CHECK_RUN_FILES_H

#include "check/pem.h"

enum {
    RUN_FILES_ARENA_BYTES = 128 << 20,
    RUN_FILE_BYTES = 64 << 20,
};

/* PEM (or one DER) from the file that `option` named.  0, -ENOMEM, or > 0 with a line. */
MW_MUST_CHECK int run_file(const char *option, const char *path, const char *label,
                           struct arena *arena, struct pem_list *out, struct buf *error);

/* Why mw_judge() refused to judge: rc < 0 or > 0, in words. */
const char *run_judge_error(int rc);

#endif
