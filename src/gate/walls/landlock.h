/*
 * Which files a process can reach at all, whoever it runs as.
 * Source: landlock(7); what older headers than the kernel do not know is spelt here.
 */
#ifndef GATE_WALLS_LANDLOCK_H
#define GATE_WALLS_LANDLOCK_H

#include "base/buf.h"

struct landlock_wish {
    const char *const *folders; /* read, write, create, rename, remove */
    size_t n_folders;
    const char *const *readable;
    size_t n_readable;          /* those that do not exist are left out */
    bool connect, bind;         /* TCP, on kernels that can refuse it */
};

/* In force from its return on, for this thread and what it starts.  -ENOSYS, -EOPNOTSUPP: this
 * kernel has none.  Else -errno with `error`. */
MW_MUST_CHECK int landlock_confine(const struct landlock_wish *w, struct buf *error);

#endif
