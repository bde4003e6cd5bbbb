/*
 * Looks for bytes in another process's memory, as who has broken into it would.
 * Source: proc_pid_maps(5), proc_pid_mem(5).
 */
#ifndef GATE_SELFTEST_MEMORY_H
#define GATE_SELFTEST_MEMORY_H

#include <sys/types.h>

#include "base/span.h"

enum { MEMORY_NEEDLES = 8 };

/* How often each needle is in what the process may write to.  -EACCES, -EPERM: it is closed to
 * us, as it should be to all but root. */
MW_MUST_CHECK int memory_find(pid_t pid, const struct mw_span *needles, size_t n,
                              size_t counts[MEMORY_NEEDLES]);

#endif
