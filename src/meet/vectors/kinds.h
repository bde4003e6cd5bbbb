/*
 * The kinds of vectors that midwatch-vectors can run.
 */
#ifndef MEET_VECTORS_KINDS_H
#define MEET_VECTORS_KINDS_H

#include "meet/vectors/run.h"

struct kind {
    const char *name;
    const char *signs[3];       /* fields that only a case of this kind has, all of them */
    int (*run)(struct run *r, const json_t *c);
};

extern const struct kind kinds[];
extern const size_t n_kinds;

const struct kind *kind_find(const char *name);             /* NULL: no such kind */
/* What a case, or the object of lists that a file is, looks like.  NULL: none that we know. */
const struct kind *kind_of(const json_t *first);

int run_crypto_basics(struct run *r, const json_t *c);
int run_deserialization(struct run *r, const json_t *c);
int run_hpke(struct run *r, const json_t *c);
int run_key_schedule(struct run *r, const json_t *c);
int run_message_protection(struct run *r, const json_t *c);
int run_messages(struct run *r, const json_t *c);
int run_passive_client(struct run *r, const json_t *c);
int run_psk_secret(struct run *r, const json_t *c);
int run_secret_tree(struct run *r, const json_t *c);
int run_sframe(struct run *r, const json_t *c);
int run_transcript_hashes(struct run *r, const json_t *c);
int run_tree_math(struct run *r, const json_t *c);
int run_tree_operations(struct run *r, const json_t *c);
int run_tree_validation(struct run *r, const json_t *c);
int run_treekem(struct run *r, const json_t *c);
int run_welcome(struct run *r, const json_t *c);

#endif
