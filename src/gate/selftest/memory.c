#include "gate/selftest/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

enum { CHUNK = 1 << 20, OVERLAP = 256 };

/* A sanitizer's shadow is terabytes of nothing; no heap of ours is that large. */
static const uint64_t LARGEST = 1ULL << 30;

static void count_in(struct mw_span bytes, struct mw_span needle, size_t *count)
{
    const uint8_t *at = bytes.data, *end = bytes.data + bytes.len;

    while ((at = memmem(at, (size_t)(end - at), needle.data, needle.len)) != NULL) {
        (*count)++;
        at += needle.len;
    }
}

/* Pieces overlap by less than a needle, so that none is counted twice and none is missed. */
static void look_through(int fd, uint64_t from, uint64_t to, const struct mw_span *needles,
                         size_t n, size_t *counts, uint8_t *room)
{
    while (from < to) {
        size_t most = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
        ssize_t got = pread(fd, room, most, (off_t)from);
        size_t step;

        if (got <= 0)
            return;
        for (size_t i = 0; i < n; i++)
            count_in(span_of(room, (size_t)got), needles[i], &counts[i]);
        step = (size_t)got;
        if (from + step < to && step > OVERLAP)
            step -= needles[0].len - 1;
        from += step;
    }
}

int memory_find(pid_t pid, const struct mw_span *needles, size_t n, size_t counts[MEMORY_NEEDLES])
{
    CLEANUP(own_fclose) FILE *maps = NULL;
    CLEANUP(own_close) int fd = -1;
    CLEANUP(own_free) uint8_t *room = malloc(CHUNK);
    char path[64], line[1024];

    if (room == NULL)
        return -ENOMEM;
    memset(counts, 0, MEMORY_NEEDLES * sizeof(*counts));
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    maps = fopen(path, "re");
    if (maps == NULL)
        return -errno;
    while (fgets(line, sizeof(line), maps) != NULL) {
        char *at;
        uint64_t from = strtoull(line, &at, 16), to;

        if (*at != '-')
            continue;
        to = strtoull(at + 1, &at, 16);
        if (strncmp(at, " rw", 3) == 0 && to > from && to - from <= LARGEST)
            look_through(fd, from, to, needles, n, counts, room);
    }
    return 0;
}
