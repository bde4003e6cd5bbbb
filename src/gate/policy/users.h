/*
 * Who may sign in: lines "name:hash[:group,group…]", hashes as crypt(5) has them.
 */
#ifndef GATE_POLICY_USERS_H
#define GATE_POLICY_USERS_H

#include "base/ucl.h"

enum { USERS_MAX = 100000, USERS_MAX_GROUPS = 64, USERS_MAX_PASSWORD = 512 };

struct user {
    const char *name, *hash;
    const char *const *groups;  /* NULL-terminated */
};

/* Latest good passwords, so that a hash made to be slow is worked out once and not for every
 * connection. */
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

/* The user, if this is the password.  A name that is not there costs what a wrong password
 * costs. */
const struct user *users_sign_in(const struct users *u, struct mw_span name,
                                 struct mw_span password);

/* Wipes what is remembered of passwords. */
void users_wipe(struct users *u);

#endif
