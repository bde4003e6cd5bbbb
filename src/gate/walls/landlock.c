#define _GNU_SOURCE
#include "gate/walls/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

/* Rights by the version of the interface that brought them. */
#define FS_V1 ((UINT64_C(1) << 13) - 1)
#define FS_V2 (UINT64_C(1) << 13)       /* REFER */
#define FS_V3 (UINT64_C(1) << 14)       /* TRUNCATE */
#define FS_V5 (UINT64_C(1) << 15)       /* IOCTL_DEV */
#define NET_BIND (UINT64_C(1) << 0)     /* version 4 */
#define NET_CONNECT (UINT64_C(1) << 1)
#define SCOPE_V6 UINT64_C(3)            /* abstract sockets and signals of others */

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define NEVER_RIGHTS                                                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
     FS_V5)

/* struct landlock_ruleset_attr as of version 6; older kernels are told a shorter size. */
struct ruleset {
    uint64_t fs, net, scoped;
};

static long abi_version(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static struct ruleset ruleset_for(long abi, const struct landlock_wish *w)
{
    struct ruleset r = { .fs = FS_V1 };

    if (abi >= 2)
        r.fs |= FS_V2;
    if (abi >= 3)
        r.fs |= FS_V3;
    if (abi >= 5)
        r.fs |= FS_V5;
    if (abi >= 4)
        r.net = (w->bind ? 0 : NET_BIND) | (w->connect ? 0 : NET_CONNECT);
    if (abi >= 6)
        r.scoped = SCOPE_V6;
    return r;
}

static size_t ruleset_size(long abi)
{
    if (abi >= 6)
        return sizeof(struct ruleset);
    return abi >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, net);
}

static int folder_allow(int ruleset, const char *path, uint64_t rights, struct buf *error)
{
    CLEANUP(own_close) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct landlock_path_beneath_attr under = { .allowed_access = rights, .parent_fd = fd };
    int e;

    if (fd >= 0 &&
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &under, 0) == 0)
        return 0;
    e = errno;
    buf_printf(error, "landlock: %s cannot be opened to this process: %s", path, strerror(e));
    return -e;
}

static int folders_allow(int ruleset, uint64_t all, const struct landlock_wish *w,
                         struct buf *error)
{
    for (size_t i = 0; i < w->n_folders; i++) {
        int r = folder_allow(ruleset, w->folders[i], all & ~NEVER_RIGHTS, error);

        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < w->n_readable; i++) {
        int r;

        if (access(w->readable[i], F_OK) < 0)
            continue;
        r = folder_allow(ruleset, w->readable[i], READ_RIGHTS, error);
        if (r < 0)
            return r;
    }
    return 0;
}

int landlock_confine(const struct landlock_wish *w, struct buf *error)
{
    long abi = abi_version();
    struct ruleset set;
    CLEANUP(own_close) int fd = -1;
    int r;

    if (abi < 1)
        return abi < 0 ? -errno : -ENOSYS;
    set = ruleset_for(abi, w);
    fd = (int)syscall(SYS_landlock_create_ruleset, &set, ruleset_size(abi), 0);
    if (fd < 0) {
        r = -errno;
        buf_printf(error, "landlock: no ruleset: %s", strerror(-r));
        return r;
    }
    r = folders_allow(fd, set.fs, w, error);
    if (r < 0)
        return r;
    if (syscall(SYS_landlock_restrict_self, fd, 0) < 0) {
        r = -errno;
        buf_printf(error, "landlock: not in force: %s", strerror(-r));
        return r;
    }
    return 0;
}
