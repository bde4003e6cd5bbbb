/*
 * Scope cleanup for what libc hands out.
 *
 *     CLEANUP(own_free) char *text = NULL;
 *     ...
 *     return own_steal(&text);     the last line: the caller owns it now
 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_free(void *at)
{
    void **p = at;

    free(*p);
}

static inline void own_fclose(FILE **at)
{
    if (*at != NULL)
        fclose(*at);
}

static inline void own_close(int *at)
{
    if (*at >= 0)
        close(*at);
}

/* Takes the descriptor out of *at, so that its cleanup finds none. */
static inline int own_steal_fd(int *at)
{
    int fd = *at;

    *at = -1;
    return fd;
}

/* Takes the pointer out of *at, so that its cleanup finds NULL. */
static inline void *own_steal(void *at)
{
    void **p = at;
    void *v = *p;

    *p = NULL;
    return v;
}

#endif
