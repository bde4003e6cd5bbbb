/*
 * The state folder: made if it is missing, given to the user that the processes become, and held
 * by one gate at a time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "gate/parent/parent.h"

static const char LOCK[] = "gate.lock";

static int state_fail(struct buf *error, const char *folder, int e)
{
    buf_printf(error, "%s: the state folder cannot be used: %s", folder, strerror(e));
    return -e;
}

/* May `user` pass through all the folders above this one? */
static bool reachable(const char *folder, const struct passwd *user)
{
    char path[PATH_MAX];
    size_t len = strlen(folder);

    if (len >= sizeof(path))
        return false;
    memcpy(path, folder, len + 1);
    for (char *slash = strrchr(path, '/'); slash != NULL && slash != path;
         slash = strrchr(path, '/')) {
        struct stat about;
        mode_t needed;

        *slash = '\0';
        if (stat(path, &about) < 0)
            return false;
        needed = about.st_uid == user->pw_uid   ? S_IXUSR
                 : about.st_gid == user->pw_gid ? S_IXGRP
                                                : S_IXOTH;
        if ((about.st_mode & needed) == 0)
            return false;
    }
    return true;
}

/* A folder that is somebody's is not given away, whatever was meant by --state. */
static bool ours_to_give(const char *folder)
{
    char lock[PATH_MAX];
    struct dirent *entry;
    bool empty = true;
    DIR *d;

    snprintf(lock, sizeof(lock), "%s/%s", folder, LOCK);
    if (access(lock, F_OK) == 0)
        return true;
    d = opendir(folder);
    if (d == NULL)
        return false;
    while (empty && (entry = readdir(d)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                strcmp(entry->d_name, "ca") == 0;       /* `gate ca init` came first */
    closedir(d);
    return empty;
}

static int give_away(const struct gate_config *c, struct buf *error)
{
    const struct passwd *user = getpwnam(c->user);
    const char *folder = c->state_folder;
    struct stat about;
    int r;

    if (user == NULL) {
        buf_printf(error, "there is no user \"%s\" for the gate's processes: add one, or name "
                          "another with `user` in the configuration", c->user);
        return -ENOENT;
    }
    if (stat(folder, &about) < 0)
        return state_fail(error, folder, errno);
    if (user->pw_uid == 0 || about.st_uid == user->pw_uid)
        return 0;
    if (!reachable(folder, user)) {
        log_warning("gate: %s is out of reach for the user \"%s\": the scribe stays root, without "
                    "its privileges", folder, c->user);
        return 0;
    }
    if (!ours_to_give(folder)) {
        buf_printf(error, "%s: not empty, and no gate's state folder: choose another", folder);
        return -ENOTEMPTY;
    }
    r = file_give_folder(folder, user->pw_uid, user->pw_gid);
    return r < 0 ? state_fail(error, folder, -r) : 0;
}

/* The audit log's folder belongs to whom the state folder belongs. */
static int make_audit(const struct gate_config *c, struct buf *error)
{
    struct stat state, audit;
    int r = file_make_folders(c->audit.folder);

    if (r < 0)
        return state_fail(error, c->audit.folder, -r);
    if (stat(c->state_folder, &state) < 0 || stat(c->audit.folder, &audit) < 0)
        return state_fail(error, c->audit.folder, errno);
    if (geteuid() != 0 || audit.st_uid == state.st_uid)
        return 0;
    if (!ours_to_give(c->audit.folder)) {
        buf_printf(error, "%s: the audit log's folder belongs to another user than %s",
                   c->audit.folder, c->state_folder);
        return -EPERM;
    }
    r = file_give_folder(c->audit.folder, state.st_uid, state.st_gid);
    return r < 0 ? state_fail(error, c->audit.folder, -r) : 0;
}

static int hold(struct parent *p, const char *folder, struct buf *error)
{
    CLEANUP(own_close) int fd = -1;
    char path[PATH_MAX], pid[32];
    ssize_t n;

    if (p->lock_fd >= 0)        /* handed to us by who held it */
        return 0;
    snprintf(path, sizeof(path), "%s/%s", folder, LOCK);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return state_fail(error, path, errno);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        n = pread(fd, pid, sizeof(pid) - 1, 0);
        pid[n > 0 ? n : 0] = '\0';
        buf_printf(error, "another gate%s%s%s already uses the state folder %s: stop it first, or "
                          "choose another folder with --state",
                   n > 0 ? " (process " : "", pid, n > 0 ? ")" : "", folder);
        return -EBUSY;
    }
    p->lock_fd = own_steal_fd(&fd);
    return 0;
}

static void sign_lock(const struct parent *p)
{
    char pid[32];
    int len = snprintf(pid, sizeof(pid), "%ld", (long)getpid());

    if (ftruncate(p->lock_fd, 0) < 0 || pwrite(p->lock_fd, pid, (size_t)len, 0) < 0)
        log_debug("gate: the lock does not say whose it is");
}

int state_take(struct parent *p, const struct gate_config *c, struct buf *error)
{
    int r = file_make_folders(c->state_folder);

    if (r < 0)
        return state_fail(error, c->state_folder, -r);
    if (geteuid() == 0 && (r = give_away(c, error)) < 0)
        return r;
    if ((r = hold(p, c->state_folder, error)) < 0)
        return r;
    sign_lock(p);
    return make_audit(c, error);
}
