/*
 * Is the log whole?  Every line's hash, the chain within and between files, every signature, and
 * how far the head says each file had come.
 * Memory: one line at a time, and the notes' own numbers.
 */
#ifndef GATE_SCRIBE_VERIFY_H
#define GATE_SCRIBE_VERIFY_H

#include "gate/scribe/folder.h"

/* line 0: the file as a whole. */
typedef void verify_problem_fn(void *context, const char *file, uint64_t line, const char *why);

struct verify {
    const struct verifier *keys;
    verify_problem_fn *on_problem;
    void *context;
    /* results */
    uint64_t problems, files, lines, torn, bytes;
    uint64_t unsigned_tail;     /* lines behind the last signature: nothing but a witness
                                 * elsewhere shows that they are all */
};

/* The folder as its head describes it.  0 whatever was found; < 0: it could not be looked at,
 * `error` says why. */
MW_MUST_CHECK int verify_folder(struct verify *v, const char *folder, struct buf *error);

/* Files alone, in any order: links between those that are given, and nothing about those that
 * are not. */
MW_MUST_CHECK int verify_files(struct verify *v, const char *const *paths, size_t n,
                               struct buf *error);

/* ------------------------------------------------------------------------- one file ---- */

/* Somebody says that this file has a line `seq` with this hash. */
struct verify_claim {
    char file[LOG_NAME];
    uint64_t seq;
    uint8_t hash[LINE_HASH];
    char who[LOG_NAME + 8];
    bool kept;
};

struct verify_file {
    struct folder_file name;
    char *path;
    uint64_t seq;               /* of the last good line */
    uint8_t hash[LINE_HASH];
    uint64_t before_number;     /* of the file that its first line names; 0: none */
    bool closed, loose_end;     /* a torn end that nobody closed off yet */
};

MW_MUST_CHECK int verify_one(struct verify *v, struct verify_file *f,
                             struct verify_claim *claims, size_t n_claims);

/* The claim of a file's first line about the file before it.  > 0: it makes none. */
MW_MUST_CHECK int verify_first_claim(struct verify_claim *out, const char *path,
                                     const char *name);

void verify_problem(struct verify *v, const char *file, uint64_t line, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
