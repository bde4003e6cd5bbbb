/*
 * The sanitizers look for leaks when a process ends: from a process of their own that shares its
 * memory, with ptrace(2), and with the maps in /proc.  Such builds are for tests.
 */
#include "gate/walls/calls.h"

static const char *const names[] = {
    "clone",         "ptrace",     "wait4",      "prctl",    "mmap",       "mprotect",
    "open",          "openat",     "readlink",   "readlinkat", "getdents64", "getdents", "stat",
    "lstat",         "newfstatat", "statx",      "access",   "kill",       "tgkill",
    "process_vm_readv", "pipe",    "sched_getaffinity", "lseek", "ioctl",  "getcwd",
    "personality",   "prlimit64",
};
static const char *const readable[] = { "/proc", "/usr", "/lib" };

const struct calls_build *calls_build(void)
{
    static const struct calls_build build = { names, ARRAY_LEN(names), readable,
                                              ARRAY_LEN(readable), true };

    return &build;
}
