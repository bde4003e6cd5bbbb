/*
 * A clock that a test can step, for a program built with this file in it: both clocks are the
 * system's plus what the file named by STEPPED_CLOCK holds, seconds as an int64_t.  All the
 * program's processes and libraries see each step at once.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t none;
static const volatile int64_t *offset_s = &none;

/* Before main(), and so before there are walls. */
__attribute__((constructor)) static void clock_open(void)
{
    const char *path = getenv("STEPPED_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at;

    if (fd < 0)
        return;
    at = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        offset_s = at;
}

/* In place of libc's, for libraries too. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *t)
{
    long r = syscall(SYS_clock_gettime, clock, t);

    if (r == 0)
        t->tv_sec += (time_t)*offset_s;
    return (int)r;
}
