/*
 * What each role can do no more, tried in a process of its own, with the filter of a real build
 * (calls_plain.c).  Refused: it fails and life goes on.  Killed: SIGSYS ends the process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"
#include "gate/walls/calls.h"
#include "gate/walls/landlock.h"
#include "net/addr.h"

/* What the child finds when it is behind its walls. */
struct scene {
    int pair[2];                /* a channel */
    int listener, outside;      /* a listening socket, and one that is not connected */
    struct addr at;
    const char *folder;
};

/* 0: as it should be; else the number of the step that was not. */
typedef int act_fn(const struct scene *s);

enum { NOT_BUILT = 99, LIMIT_S = 20 };

static bool landlock_there(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

static struct scene scene_new(char folder[])
{
    static const uint8_t loopback[] = { 127, 0, 0, 1 };
    struct scene s = { .folder = mkdtemp(folder), .at = addr_make(AF_INET, loopback, 0) };
    socklen_t len = sizeof(s.at.sa);

    assert_non_null(s.folder);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s.pair), 0);
    s.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s.outside = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s.listener >= 0 && s.outside >= 0);
    assert_int_equal(bind(s.listener, &s.at.sa.any, s.at.len), 0);
    assert_int_equal(listen(s.listener, 8), 0);
    assert_int_equal(getsockname(s.listener, &s.at.sa.any, &len), 0);
    return s;
}

static void scene_end(struct scene *s)
{
    close(s->pair[0]);
    close(s->pair[1]);
    close(s->listener);
    close(s->outside);
    assert_int_equal(rmdir(s->folder), 0);
}

/* Builds the walls and acts, then leaves at once: what runs at exit is for another test. */
static void child(const struct walls *w, const struct scene *s, act_fn *act)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);

    alarm(LIMIT_S);
    if (walls_build(w, &error) != 0) {
        fprintf(stderr, "%.*s\n", (int)error.len, (char *)error.data);
        _exit(NOT_BUILT);
    }
    _exit(act(s));
}

static int status_of(const struct walls *w, act_fn *act)
{
    char folder[] = "/tmp/midwatch-walls-XXXXXX";
    const char *folders[] = { folder };
    struct scene s = scene_new(folder);
    struct walls own = *w;
    int status;
    pid_t pid;

    if (own.role == WALLS_SCRIBE) {
        own.folders = folders;
        own.n_folders = 1;
    }
    if (own.user != NULL && strcmp(own.user, "nobody") == 0)
        assert_int_equal(chown(folder, getpwnam("nobody")->pw_uid, (gid_t)-1), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child(&own, &s, act);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    scene_end(&s);
    return status;
}

static void expect_well(enum walls_role role, act_fn *act)
{
    int status = status_of(&(struct walls){ .role = role }, act);

    if (WIFSIGNALED(status))
        fail_msg("role %d: ended by signal %d", role, WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void expect_killed(enum walls_role role, act_fn *act)
{
    int status = status_of(&(struct walls){ .role = role }, act);

    if (WIFEXITED(status))
        fail_msg("role %d: still alive, step %d", role, WEXITSTATUS(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void *thread_main(void *context)
{
    int *number = context;
    void *piece = malloc(4 << 20);

    *number = piece != NULL ? 7 : 0;
    free(piece);
    return NULL;
}

static int act_work(const struct scene *s)
{
    struct epoll_event want = { .events = EPOLLIN }, got;
    int e = epoll_create1(EPOLL_CLOEXEC), number = 0;
    struct timespec now, pause = { 0, 1000 };
    struct stat about;
    pthread_t thread;
    char byte = 'x';
    void *memory;

    if (e < 0 || epoll_ctl(e, EPOLL_CTL_ADD, s->pair[1], &want) < 0)
        return 1;
    if (send(s->pair[0], &byte, 1, MSG_NOSIGNAL) != 1 || epoll_wait(e, &got, 1, 1000) != 1 ||
        recv(s->pair[1], &byte, 1, 0) != 1)
        return 2;
    if (clock_gettime(CLOCK_MONOTONIC, &now) < 0 || nanosleep(&pause, NULL) < 0)
        return 3;
    if (getrandom(&number, sizeof(number), 0) != sizeof(number) || eventfd(0, EFD_CLOEXEC) < 0)
        return 4;
    memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, 4096, PROT_READ) < 0 ||
        madvise(memory, 1 << 20, MADV_DONTNEED) < 0 || munmap(memory, 1 << 20) < 0)
        return 5;
    if (pthread_create(&thread, NULL, thread_main, &number) != 0 ||
        pthread_join(thread, NULL) != 0 || number != 7)
        return 6;
    if (fstat(s->pair[0], &about) < 0 || !S_ISSOCK(about.st_mode))
        return 7;
    return fcntl(s->pair[0], F_GETFL) < 0 ? 8 : 0;
}

static int act_no_files(const struct scene *s)
{
    struct stat about;
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

    (void)s;
    if (fd >= 0 || errno != EACCES)
        return 1;
    if (stat("/etc/passwd", &about) == 0 || errno != EACCES)
        return 2;
    if (open("/tmp/midwatch-walls-new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0)
        return 3;
    return access("/etc/resolv.conf", R_OK) == 0 ? 4 : 0;
}

static int act_own_files(const struct scene *s)
{
    char first[256], second[256];
    int fd;

    snprintf(first, sizeof(first), "%s/first", s->folder);
    snprintf(second, sizeof(second), "%s/second", s->folder);
    fd = open(first, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "line\n", 5) != 5 || fsync(fd) < 0 || ftruncate(fd, 2) < 0)
        return 1;
    close(fd);
    if (rename(first, second) < 0 || chmod(second, 0640) < 0 || unlink(second) < 0)
        return 2;
    return 0;
}

static int act_foreign_files(const struct scene *s)
{
    (void)s;
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
        return 1;
    return mkdir("/tmp/midwatch-walls-new", 0700) == 0 || errno != EACCES ? 2 : 0;
}

static int act_connect(const struct scene *s)
{
    CLEANUP(own_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CLEANUP(own_close) int six = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CLEANUP(own_close) int other = -1;

    if (fd < 0 || (six < 0 && errno != EAFNOSUPPORT))
        return 1;
    if (connect(fd, &s->at.sa.any, s->at.len) < 0)
        return 2;
    other = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    return other < 0 ? 3 : 0;
}

static int act_connect_inherited(const struct scene *s)
{
    return connect(s->outside, &s->at.sa.any, s->at.len) < 0 ? 1 : 2;
}

static int act_no_new_listener(const struct scene *s)
{
    struct addr any = s->at;

    addr_set_port(&any, 0);
    if (bind(s->outside, &any.sa.any, any.len) == 0 || errno != EPERM)
        return 1;
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT ? 2 : 0;
}

static int act_socket(const struct scene *s)
{
    (void)s;
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 2;
}

static int act_packet_socket(const struct scene *s)
{
    (void)s;
    return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? 1 : 2;
}

static int act_exec(const struct scene *s)
{
    char path[] = "/bin/true", *args[] = { path, NULL }, *none[] = { NULL };

    (void)s;
    execve(path, args, none);
    return 1;
}

static int act_fork(const struct scene *s)
{
    (void)s;
    return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) == 0 ? 0 : 1;
}

static int act_ptrace(const struct scene *s)
{
    (void)s;
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? 1 : 2;
}

static int act_peek(const struct scene *s)
{
    char byte;
    struct iovec to = { &byte, 1 }, from = { (void *)(uintptr_t)s, 1 };

    return process_vm_readv(getppid(), &to, 1, &from, 1, 0) < 0 ? 1 : 2;
}

static int act_mount(const struct scene *s)
{
    return mount("none", s->folder, "tmpfs", 0, NULL) < 0 ? 1 : 2;
}

static int act_bpf(const struct scene *s)
{
    (void)s;
    return syscall(SYS_bpf, 0, NULL, 0) < 0 ? 1 : 2;
}

static int act_keyctl(const struct scene *s)
{
    (void)s;
    return syscall(SYS_keyctl, 0, 0, 0, 0, 0) < 0 ? 1 : 2;
}

static int act_signal(const struct scene *s)
{
    (void)s;
    return kill(getppid(), 0) < 0 ? 1 : 2;
}

static int act_root(const struct scene *s)
{
    (void)s;
    return setuid(0) < 0 ? 1 : 2;
}

static int act_code(const struct scene *s)
{
    (void)s;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED ? 1 : 2;
}

static int act_make_code(const struct scene *s)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)s;
    return mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 ? 1 : 2;
}

/* What no later call shows: asked for where asking is still allowed. */
static int act_low(const struct scene *s)
{
    struct rlimit core;

    (void)s;
    return getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0 || core.rlim_max != 0;
}

/* Root without capabilities: its own files and nothing else. */
static int act_bare_root(const struct scene *s)
{
    if (getuid() != 0)
        return 1;
    if (fchown(s->pair[0], 65534, 65534) == 0)
        return 2;
    return act_own_files(s);
}

static int act_nobody(const struct scene *s)
{
    if (getuid() == 0 || geteuid() == 0 || getgid() == 0)
        return 1;
    return act_own_files(s);
}

static const enum walls_role roles[] = { WALLS_WORKER, WALLS_FORGE, WALLS_SCRIBE };

static void test_work_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        expect_well(roles[i], act_work);
        expect_well(roles[i], act_low);
    }
    expect_well(WALLS_WORKER, act_connect);
    expect_well(WALLS_SCRIBE, act_connect);
    expect_well(WALLS_SCRIBE, act_own_files);
}

static void test_files_are_out_of_reach(void **state)
{
    (void)state;
    expect_well(WALLS_WORKER, act_no_files);
    expect_well(WALLS_FORGE, act_no_files);
    if (landlock_there())
        expect_well(WALLS_SCRIBE, act_foreign_files);
    else
        print_message("no Landlock here: the scribe's walls were not tried\n");
}

static void test_nobody_runs_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        expect_killed(roles[i], act_exec);
        expect_killed(roles[i], act_fork);
        expect_killed(roles[i], act_code);
        expect_killed(roles[i], act_make_code);
    }
}

static void test_nobody_touches_others(void **state)
{
    static act_fn *const acts[] = { act_ptrace, act_peek,   act_mount, act_bpf,
                                    act_keyctl, act_signal, act_root };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        for (size_t k = 0; k < ARRAY_LEN(acts); k++)
            expect_killed(roles[i], acts[k]);
}

static void test_network(void **state)
{
    (void)state;
    expect_killed(WALLS_FORGE, act_socket);
    expect_killed(WALLS_FORGE, act_connect_inherited);
    expect_well(WALLS_WORKER, act_no_new_listener);
    expect_killed(WALLS_WORKER, act_packet_socket);
    expect_killed(WALLS_SCRIBE, act_packet_socket);
}

static void test_user(void **state)
{
    int status;

    (void)state;
    if (geteuid() != 0)
        skip();
    status = status_of(&(struct walls){ .role = WALLS_SCRIBE, .user = "nobody" }, act_nobody);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    status = status_of(&(struct walls){ .role = WALLS_SCRIBE }, act_bare_root);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    status = status_of(&(struct walls){ .role = WALLS_WORKER, .user = "no-such-user" }, act_work);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), NOT_BUILT);
}

static void test_a_missing_folder_is_an_error(void **state)
{
    const char *folders[] = { "/nonexistent/midwatch" };
    struct landlock_wish wish = { .folders = folders, .n_folders = 1 };
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);

    (void)state;
    if (!landlock_there())
        skip();
    assert_int_equal(landlock_confine(&wish, &error), -ENOENT);
    assert_non_null(strstr((char *)error.data, "/nonexistent/midwatch"));
}

/* A misspelt name would silently allow nothing. */
static void test_names_are_system_calls(void **state)
{
    size_t n;
    const struct calls_name *names = calls_free(&n);
    const char *const *files;

    (void)state;
    for (size_t i = 0; i < n; i++)
        if (seccomp_syscall_resolve_name(names[i].name) == __NR_SCMP_ERROR)
            fail_msg("%s is no system call", names[i].name);
    files = calls_files(&n);
    for (size_t i = 0; i < n; i++)
        if (seccomp_syscall_resolve_name(files[i]) == __NR_SCMP_ERROR)
            fail_msg("%s is no system call", files[i]);
    assert_int_equal(seccomp_syscall_resolve_name("no_such_call"), __NR_SCMP_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_goes_on),
        cmocka_unit_test(test_files_are_out_of_reach),
        cmocka_unit_test(test_nobody_runs_programs),
        cmocka_unit_test(test_nobody_touches_others),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_a_missing_folder_is_an_error),
        cmocka_unit_test(test_names_are_system_calls),
    };

    return cmocka_run_group_tests_name("gate/walls", tests, NULL, NULL);
}
