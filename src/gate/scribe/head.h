/*
 * AUDIT_FOLDER/head: how far each open file of the log had come at its last checkpoint, signed
 * and replaced in one step.  A chain alone does not show that its end was cut off; this does.
 * Writers hold AUDIT_FOLDER/lock, for two gates may overlap in an upgrade.
 *
 *     midwatch audit head 1
 *     oldest 3
 *     newest 7
 *     file audit-20261122T020000Z-7.jsonl 120 <64 hex>
 *     signature <base64, over all the bytes before this line>
 */
#ifndef GATE_SCRIBE_HEAD_H
#define GATE_SCRIBE_HEAD_H

#include "gate/scribe/line.h"

enum { HEAD_FILES = 16, LOG_NAME = 64 };

struct head_file {
    char name[LOG_NAME];
    uint64_t seq;               /* of its last line at the checkpoint; 0: about to be made */
    uint8_t hash[LINE_HASH];
};

struct head {
    uint64_t oldest, newest;    /* numbers of files: all between exist; 0: none yet */
    struct head_file files[HEAD_FILES];         /* those that are not closed */
    size_t n;
};

/* -ENOENT: there is none; > 0: it is damaged, or its signature is wrong (v NULL: not looked
 * at). */
MW_MUST_CHECK int head_load(struct head *out, const char *folder, const struct verifier *v);
MW_MUST_CHECK int head_store(const struct head *h, const char *folder, const struct log_key *s);

struct head_file *head_find(struct head *h, const char *name);
/* The entry of that name, made if it is missing.  NULL: HEAD_FILES are open. */
struct head_file *head_put(struct head *h, const char *name);
void head_drop(struct head *h, const char *name);

#endif
