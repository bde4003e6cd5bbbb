#define _GNU_SOURCE
#include "gate/walls/walls.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/walls/calls.h"
#include "gate/walls/landlock.h"

static int walls_fail(struct buf *error, const char *what, int e)
{
    buf_printf(error, "walls: %s: %s", what, strerror(e));
    return -e;
}

/* Without a core file nobody finds keys and other people's bytes on a disk. */
static int keep_memory(struct buf *error)
{
    struct rlimit none = { 0, 0 };

    if (setrlimit(RLIMIT_CORE, &none) < 0)
        return walls_fail(error, "RLIMIT_CORE", errno);
    return 0;
}

static int become_user(const char *user, struct buf *error)
{
    const struct passwd *p;

    if (user == NULL || geteuid() != 0)
        return 0;
    errno = 0;
    p = getpwnam(user);
    if (p == NULL) {
        buf_printf(error, "walls: there is no user \"%s\" to run as; add one, or name another with "
                          "`user` in the config", user);
        return errno != 0 ? -errno : -ENOENT;
    }
    if (setgroups(0, NULL) < 0)
        return walls_fail(error, "setgroups", errno);
    if (setresgid(p->pw_gid, p->pw_gid, p->pw_gid) < 0)
        return walls_fail(error, "setresgid", errno);
    if (setresuid(p->pw_uid, p->pw_uid, p->pw_uid) < 0)
        return walls_fail(error, "setresuid", errno);
    if (p->pw_uid != 0 && setuid(0) == 0)
        return walls_fail(error, "still able to become root", EPERM);
    return 0;
}

/* capset(2): also root's, should there be no other user to become. */
static int drop_capabilities(struct buf *error)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return walls_fail(error, "PR_CAP_AMBIENT_CLEAR_ALL", errno);
    if (syscall(SYS_capset, &header, none) < 0)
        return walls_fail(error, "capset", errno);
    return 0;
}

static int stay_low(const struct walls *w, struct buf *error)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return walls_fail(error, "PR_SET_NO_NEW_PRIVS", errno);
    /* Others of the same user cannot attach to it or read its memory. */
    if (w->role != WALLS_SCRIBE && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return walls_fail(error, "PR_SET_DUMPABLE", errno);
    return 0;
}

/* The folder of the running program, "" if that cannot be told. */
static void program_folder(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
}

static int leave_files(const struct walls *w, struct buf *error)
{
    const struct calls_build *b = calls_build();
    const char *readable[16];
    char own[PATH_MAX] = "";
    size_t n = 0;
    struct landlock_wish wish = { .folders = w->folders,
                                  .n_folders = w->n_folders,
                                  .readable = readable,
                                  .connect = w->role != WALLS_FORGE,
                                  .bind = w->role == WALLS_SCRIBE };
    int r;

    for (; n < b->n_readable && n < ARRAY_LEN(readable) - 1; n++)
        readable[n] = b->readable[n];
    if (b->own_folder) {
        program_folder(own);
        readable[n++] = own;
    }
    wish.n_readable = n;
    r = landlock_confine(&wish, error);
    if (r != -ENOSYS && r != -EOPNOTSUPP)
        return r;
    log_warning("walls: this kernel has no Landlock: files are kept from this process only by "
                "their permissions; boot with lsm=landlock,… for the second wall");
    return 0;
}

int walls_build(const struct walls *w, struct buf *error)
{
    int r = keep_memory(error);

    if (r == 0)
        r = become_user(w->user, error);
    if (r == 0)
        r = drop_capabilities(error);
    if (r == 0)
        r = stay_low(w, error);
    if (r == 0)
        r = leave_files(w, error);
    if (r == 0)
        r = calls_confine(w->role, w->n_folders > 0, error);
    return r;
}
