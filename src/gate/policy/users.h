/*
 * Who may sign in: lines "name:hash[:group,group…]", hashes as crypt(5) has them.
 */
#ifndef GATE_POLICY_USERS_H
#define GATE_POLICY_USERS_H

#include "base/ucl.h"
#include "gate/policy/config.h"

enum { USERS_MAX = 100000, USERS_MAX_GROUPS = 64, USERS_MAX_PASSWORD = 512 };

struct user {
    const char *name, *hash;
    const char *const *groups;  /* NULL-terminated */
};

/* The latest passwords, good ones and wrong ones, so that a hash made to be slow is worked out once
 * and not for every connection.  Wrong ones never push good ones out. */
struct sign_ins;

struct users {
    struct user *items;         /* by name */
    size_t n;
    struct sign_ins *known;     /* of the arena; NULL: there are no users */
};

/* 0, -ENOMEM, or UCL_WRONG with file:line:column.  Hashes without salt or stretching (DES, MD5,
 * plain text) are refused. */
MW_MUST_CHECK int users_read(struct users *u, struct mw_span text, const char *file,
                             struct arena *arena, struct buf *error);

/* See gate_config_sign_in().  A name that is not there costs what a wrong password costs. */
MW_MUST_CHECK enum sign_in users_sign_in(const struct users *u, struct mw_span name,
                                         struct mw_span password, const struct user **found,
                                         struct sign_in_question **ask);

/* Works the answer out: slow, for any thread.  It reads what the users never change. */
void sign_in_work(struct sign_in_question *q);

/* After that, in the users' own thread: it is remembered, and the question freed.  -ENOMEM: there
 * was no answer. */
MW_MUST_CHECK int sign_in_done(struct sign_in_question *q);
void sign_in_free(struct sign_in_question *q);  /* NULL ok; nobody wants to know any more */

/* Wipes what is remembered of passwords. */
void users_wipe(struct users *u);

#endif
