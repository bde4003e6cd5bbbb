/*
 * A file of vectors: read, told apart, and each of its cases run.  It is a list of cases, one
 * case, or an object of lists of them.
 */
#ifndef MEET_VECTORS_FILE_H
#define MEET_VECTORS_FILE_H

#include "meet/vectors/kinds.h"

/* r: crypto, random and out are set; the counts are of this file when it returns.
 * kind: NULL to tell it from the content.  0, or -1 after one line on r->out: the file cannot be
 * read, is no JSON, or holds nothing that we know. */
MW_MUST_CHECK int vectors_file_run(struct run *r, const char *path, const struct kind *kind);

#endif
