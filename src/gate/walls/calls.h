/*
 * Which system calls each role may make.  calls.c is the list, calls_plain.c and
 * calls_sanitized.c are twins of which the build takes one: what the sanitizers' runtime needs
 * besides.
 */
#ifndef GATE_WALLS_CALLS_H
#define GATE_WALLS_CALLS_H

#include "gate/walls/walls.h"

/* Which roles a call is for. */
enum { CALLS_WORKER = 1 << WALLS_WORKER, CALLS_FORGE = 1 << WALLS_FORGE,
       CALLS_SCRIBE = 1 << WALLS_SCRIBE, CALLS_NET = CALLS_WORKER | CALLS_SCRIBE,
       CALLS_ALL = CALLS_WORKER | CALLS_FORGE | CALLS_SCRIBE };

/* A call that is allowed whatever its arguments are. */
struct calls_name {
    const char *name;
    unsigned roles;
};
const struct calls_name *calls_free(size_t *n);

/* Calls that name a file: refused with EACCES for who has no folder, so that a library that looks
 * for a file goes on without it. */
const char *const *calls_files(size_t *n);

/* What the build itself asks for. */
struct calls_build {
    const char *const *names;   /* allowed besides, whatever their arguments are */
    size_t n_names;
    const char *const *readable;        /* folders that may be read */
    size_t n_readable;
    bool own_folder;            /* and the program's own folder, for its symbols */
};
const struct calls_build *calls_build(void);

/* The filter, in force from its return on.  0, or -errno with `error`. */
MW_MUST_CHECK int calls_confine(enum walls_role role, bool files, struct buf *error);

#endif
