#define _GNU_SOURCE
#include "gate/walls/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"

static const struct calls_name free_calls[] = {
    /* bytes */
    { "read", CALLS_ALL },
    { "readv", CALLS_ALL },
    { "write", CALLS_ALL },
    { "writev", CALLS_ALL },
    { "close", CALLS_ALL },
    { "close_range", CALLS_ALL },
    { "dup", CALLS_ALL },
    { "dup2", CALLS_ALL },
    { "dup3", CALLS_ALL },
    { "fcntl", CALLS_ALL },
    { "fstat", CALLS_ALL },
    { "lseek", CALLS_ALL },
    { "pread64", CALLS_ALL },
    { "pipe2", CALLS_ALL },
    { "splice", CALLS_WORKER },
    { "tee", CALLS_WORKER },
    { "vmsplice", CALLS_WORKER },
    /* the loop */
    { "epoll_create1", CALLS_ALL },
    { "epoll_ctl", CALLS_ALL },
    { "epoll_wait", CALLS_ALL },
    { "epoll_pwait", CALLS_ALL },
    { "epoll_pwait2", CALLS_ALL },
    { "eventfd2", CALLS_ALL },
    { "timerfd_create", CALLS_ALL },
    { "timerfd_settime", CALLS_ALL },
    { "timerfd_gettime", CALLS_ALL },
    { "poll", CALLS_ALL },
    { "ppoll", CALLS_ALL },
    { "select", CALLS_ALL },
    { "pselect6", CALLS_ALL },
    /* sockets that exist: the forge has its channels */
    { "sendmsg", CALLS_ALL },
    { "recvmsg", CALLS_ALL },
    { "sendto", CALLS_ALL },
    { "recvfrom", CALLS_ALL },
    { "sendmmsg", CALLS_NET },
    { "recvmmsg", CALLS_NET },
    { "getsockopt", CALLS_ALL },
    { "setsockopt", CALLS_ALL },
    { "getsockname", CALLS_ALL },
    { "getpeername", CALLS_ALL },
    { "shutdown", CALLS_ALL },
    /* new ones; socket() itself depends on the family */
    { "connect", CALLS_NET },
    { "accept", CALLS_NET },
    { "accept4", CALLS_NET },
    { "bind", CALLS_SCRIBE },
    { "listen", CALLS_SCRIBE },
    /* memory; mmap and mprotect depend on their arguments */
    { "brk", CALLS_ALL },
    { "munmap", CALLS_ALL },
    { "mremap", CALLS_ALL },
    { "madvise", CALLS_ALL },
    { "mlock", CALLS_ALL },
    { "mlock2", CALLS_ALL },
    { "munlock", CALLS_ALL },
    { "membarrier", CALLS_ALL },
    /* threads; clone depends on its flags */
    { "futex", CALLS_ALL },
    { "rseq", CALLS_ALL },
    { "set_robust_list", CALLS_ALL },
    { "set_tid_address", CALLS_ALL },
    { "sched_yield", CALLS_ALL },
    { "sched_getaffinity", CALLS_ALL },
    { "getcpu", CALLS_ALL },
    /* time and chance */
    { "clock_gettime", CALLS_ALL },
    { "clock_getres", CALLS_ALL },
    { "clock_nanosleep", CALLS_ALL },
    { "nanosleep", CALLS_ALL },
    { "gettimeofday", CALLS_ALL },
    { "time", CALLS_ALL },
    { "getrandom", CALLS_ALL },
    /* what it is */
    { "getpid", CALLS_ALL },
    { "getppid", CALLS_ALL },
    { "gettid", CALLS_ALL },
    { "getuid", CALLS_ALL },
    { "geteuid", CALLS_ALL },
    { "getgid", CALLS_ALL },
    { "getegid", CALLS_ALL },
    { "getrusage", CALLS_ALL },
    { "sysinfo", CALLS_ALL },
    { "uname", CALLS_ALL },
    /* signals and the end */
    { "rt_sigaction", CALLS_ALL },
    { "rt_sigprocmask", CALLS_ALL },
    { "rt_sigreturn", CALLS_ALL },
    { "rt_sigpending", CALLS_ALL },
    { "sigaltstack", CALLS_ALL },
    { "restart_syscall", CALLS_ALL },
    { "exit", CALLS_ALL },
    { "exit_group", CALLS_ALL },
    /* files that are open, and the scribe's own */
    { "fsync", CALLS_SCRIBE },
    { "fdatasync", CALLS_SCRIBE },
    { "ftruncate", CALLS_SCRIBE },
    { "fallocate", CALLS_SCRIBE },
    { "fadvise64", CALLS_SCRIBE },
    { "pwrite64", CALLS_SCRIBE },
    { "preadv", CALLS_SCRIBE },
    { "pwritev", CALLS_SCRIBE },
    { "flock", CALLS_SCRIBE },
    { "fchmod", CALLS_SCRIBE },
    { "fchown", CALLS_SCRIBE },
    { "fstatfs", CALLS_SCRIBE },
    { "getdents64", CALLS_SCRIBE },
    { "umask", CALLS_SCRIBE },
    { "statfs", CALLS_SCRIBE },
    { "chmod", CALLS_SCRIBE },
    { "fchmodat", CALLS_SCRIBE },
    { "mkdir", CALLS_SCRIBE },
    { "mkdirat", CALLS_SCRIBE },
    { "rmdir", CALLS_SCRIBE },
    { "unlink", CALLS_SCRIBE },
    { "unlinkat", CALLS_SCRIBE },
    { "rename", CALLS_SCRIBE },
    { "renameat", CALLS_SCRIBE },
    { "renameat2", CALLS_SCRIBE },
    { "link", CALLS_SCRIBE },
    { "linkat", CALLS_SCRIBE },
    { "symlink", CALLS_SCRIBE },
    { "symlinkat", CALLS_SCRIBE },
    { "utimensat", CALLS_SCRIBE },
};

static const char *const file_calls[] = {
    "open", "openat", "openat2", "stat", "lstat", "statx", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat", "getcwd",
};

const struct calls_name *calls_free(size_t *n)
{
    *n = ARRAY_LEN(free_calls);
    return free_calls;
}

const char *const *calls_files(size_t *n)
{
    *n = ARRAY_LEN(file_calls);
    return file_calls;
}

/* Rules are added until the first failure, which is remembered. */
struct filter {
    scmp_filter_ctx ctx;
    int error;
    const char *failed;
};

static void filter_deinit(struct filter *f)
{
    if (f->ctx != NULL)
        seccomp_release(f->ctx);
}

/* Calls of other processors, or newer than the library, resolve to none: nothing to allow. */
static void filter_add(struct filter *f, uint32_t action, const char *name, unsigned n,
                       const struct scmp_arg_cmp *args)
{
    int call = seccomp_syscall_resolve_name(name), r;

    if (f->error != 0 || call == __NR_SCMP_ERROR)
        return;
    r = seccomp_rule_add_array(f->ctx, action, call, n, args);
    if (r != 0) {
        f->error = r;
        f->failed = name;
    }
}

static void filter_allow(struct filter *f, const char *name)
{
    filter_add(f, SCMP_ACT_ALLOW, name, 0, NULL);
}

/* Allowed if (argument & mask) == value. */
static void filter_allow_masked(struct filter *f, const char *name, unsigned arg, uint64_t mask,
                                uint64_t value)
{
    struct scmp_arg_cmp cmp = { arg, SCMP_CMP_MASKED_EQ, mask, value };

    filter_add(f, SCMP_ACT_ALLOW, name, 1, &cmp);
}

static void filter_allow_equal(struct filter *f, const char *name, unsigned arg, uint64_t value)
{
    /* The kernel reads these arguments as 32 bits; the upper half is whatever it was. */
    filter_allow_masked(f, name, arg, UINT32_MAX, value);
}

static void filter_refuse(struct filter *f, const char *name, int error)
{
    filter_add(f, SCMP_ACT_ERRNO((unsigned)error), name, 0, NULL);
}

/* Fails with `error` if (argument & mask) == value. */
static void filter_refuse_masked(struct filter *f, const char *name, unsigned arg, uint64_t mask,
                                 uint64_t value, int error)
{
    struct scmp_arg_cmp cmp = { arg, SCMP_CMP_MASKED_EQ, mask, value };

    filter_add(f, SCMP_ACT_ERRNO((unsigned)error), name, 1, &cmp);
}

static bool build_allows(const char *name)
{
    const struct calls_build *b = calls_build();

    for (size_t i = 0; i < b->n_names; i++)
        if (strcmp(b->names[i], name) == 0)
            return true;
    return false;
}

/* Families that libraries try on their own fail; any other kills. */
static void filter_sockets(struct filter *f, enum walls_role role)
{
    if (role == WALLS_FORGE)
        return;
    filter_allow_equal(f, "socket", 0, AF_INET);
    filter_allow_equal(f, "socket", 0, AF_INET6);
    filter_refuse_masked(f, "socket", 0, UINT32_MAX, AF_NETLINK, EAFNOSUPPORT);
    if (role == WALLS_SCRIBE) {
        filter_allow_equal(f, "socket", 0, AF_UNIX);
    } else {
        filter_refuse_masked(f, "socket", 0, UINT32_MAX, AF_UNIX, EAFNOSUPPORT);
        filter_refuse(f, "bind", EPERM);
    }
}

/* Calls whose arguments matter. */
static void filter_careful(struct filter *f)
{
    static const unsigned long requests[] = { FIONBIO, FIONREAD, FIOCLEX, FIONCLEX };
    static const unsigned long about[] = { TCGETS, TIOCGWINSZ };

    if (!build_allows("mmap")) {
        filter_allow_masked(f, "mmap", 2, PROT_EXEC, 0);
        filter_allow_masked(f, "mprotect", 2, PROT_EXEC, 0);
    }
    if (!build_allows("clone"))
        filter_allow_masked(f, "clone", 0, CLONE_THREAD, CLONE_THREAD);
    /* Its flags are in memory, where no filter sees them; libc then takes clone(). */
    filter_refuse(f, "clone3", ENOSYS);
    if (!build_allows("ioctl")) {
        for (size_t i = 0; i < ARRAY_LEN(requests); i++)
            filter_allow_equal(f, "ioctl", 1, requests[i]);
        for (size_t i = 0; i < ARRAY_LEN(about); i++)
            filter_refuse_masked(f, "ioctl", 1, UINT32_MAX, about[i], ENOTTY);
    }
    if (!build_allows("prctl"))
        filter_allow_equal(f, "prctl", 0, PR_SET_NAME);
    if (!build_allows("prlimit64"))     /* asking, not setting */
        filter_allow_masked(f, "prlimit64", 2, UINT64_MAX, 0);
    if (!build_allows("tgkill"))        /* abort() */
        filter_allow_equal(f, "tgkill", 0, (uint64_t)getpid());
}

static void filter_files(struct filter *f, bool files)
{
    if (files) {
        for (size_t i = 0; i < ARRAY_LEN(file_calls); i++)
            if (!build_allows(file_calls[i]))
                filter_allow(f, file_calls[i]);
        if (!build_allows("newfstatat"))
            filter_allow(f, "newfstatat");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(file_calls); i++)
        if (!build_allows(file_calls[i]))
            filter_refuse(f, file_calls[i], EACCES);
    if (!build_allows("newfstatat")) {
        /* What libc makes of fstat(). */
        filter_allow_masked(f, "newfstatat", 3, AT_EMPTY_PATH, AT_EMPTY_PATH);
        filter_refuse_masked(f, "newfstatat", 3, AT_EMPTY_PATH, 0, EACCES);
    }
}

static int filter_attributes(scmp_filter_ctx ctx)
{
    static const struct {
        enum scmp_filter_attr attribute;
        uint32_t value;
    } wanted[] = {
        { SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS },
        { SCMP_FLTATR_CTL_NNP, 1 },
        { SCMP_FLTATR_CTL_TSYNC, 1 },
        /* Without it older kernels switch a mitigation on that costs every memory access, meant
         * for programs that run foreign code. */
        { SCMP_FLTATR_CTL_SSB, 1 },
        { SCMP_FLTATR_CTL_OPTIMIZE, 2 },        /* a tree, not a chain */
    };

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        int r = seccomp_attr_set(ctx, wanted[i].attribute, wanted[i].value);

        if (r != 0)
            return r;
    }
    return 0;
}

int calls_confine(enum walls_role role, bool files, struct buf *error)
{
    CLEANUP(filter_deinit) struct filter f = { .ctx = seccomp_init(SCMP_ACT_KILL_PROCESS) };
    const struct calls_build *b = calls_build();

    if (f.ctx == NULL) {
        buf_str(error, "seccomp: no memory for the filter");
        return -ENOMEM;
    }
    f.error = filter_attributes(f.ctx);
    f.failed = "its attributes";
    for (size_t i = 0; i < ARRAY_LEN(free_calls); i++)
        if ((free_calls[i].roles & (1U << role)) != 0 && !build_allows(free_calls[i].name))
            filter_allow(&f, free_calls[i].name);
    for (size_t i = 0; i < b->n_names; i++)
        filter_allow(&f, b->names[i]);
    filter_sockets(&f, role);
    filter_careful(&f);
    filter_files(&f, files);
    if (f.error == 0) {
        f.failed = "loading it";
        f.error = seccomp_load(f.ctx);
    }
    if (f.error != 0)
        buf_printf(error, "seccomp: the filter of system calls cannot be built (%s: %s)", f.failed,
                   strerror(-f.error));
    return f.error;
}
