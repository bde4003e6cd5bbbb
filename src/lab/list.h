/*
 * The lab's cases as people and programs read them.
 */
#ifndef LAB_LIST_H
#define LAB_LIST_H

#include "base/buf.h"

/* An array of {name, host, port, wrong, group, expect: {verdict, findings, not}, options}.
 * folder: of a running lab, which fills in ports and {words}; NULL: ports are null and words
 * stay.  0, or -errno with one line in `error` (256 bytes). */
MW_MUST_CHECK int list_json(struct buf *out, const char *folder, char *error);

/* A table for reading, group by group. */
MW_MUST_CHECK int list_text(struct buf *out);

#endif
