/*
 * What a process gives up before it reads its first byte from the network: its privileges, its
 * file system and every system call it does not need.  A refused call kills the process, which
 * is one line in the log and a restart.
 * Source: seccomp(2), landlock(7), prctl(2) PR_SET_NO_NEW_PRIVS, capabilities(7).
 */
#ifndef GATE_WALLS_WALLS_H
#define GATE_WALLS_WALLS_H

#include "base/buf.h"

enum walls_role { WALLS_WORKER, WALLS_FORGE, WALLS_SCRIBE };

struct walls {
    enum walls_role role;
    const char *user;           /* to become, if we are root; NULL: stay, without
                                 * capabilities */
    const char *const *folders; /* may be read and written below; the rest of the file system is
                                 * out of reach */
    size_t n_folders;
};

/* 0; or < 0 with `error`: which wall could not be built.  A kernel without Landlock is a
 * warning in the log, nothing else is forgiven. */
MW_MUST_CHECK int walls_build(const struct walls *w, struct buf *error);

#endif
