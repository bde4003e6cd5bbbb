#define _GNU_SOURCE     /* memfd_create(2), file seals */
#include "gate/wire/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/own.h"

/* Whoever maps the page relies on its size: nobody may cut it short under them. */
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

int counters_new(int *fd)
{
    CLEANUP(own_close)
    int made = memfd_create("midwatch-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (made < 0 || ftruncate(made, sizeof(struct gate_counters)) < 0 ||
        fcntl(made, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    *fd = own_steal_fd(&made);
    return 0;
}

int counters_map(struct gate_counters **out, int fd)
{
    struct stat st;
    void *at;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size != sizeof(struct gate_counters))     /* of another version */
        return -EINVAL;
    at = mmap(NULL, sizeof(struct gate_counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    *out = at;
    return 0;
}

void counters_unmap(struct gate_counters *c)
{
    if (c != NULL)
        (void)munmap(c, sizeof(*c));
}
