#include "probe/once.h"

#include <errno.h>
#include <stdlib.h>

struct once_wait {
    struct once *once;
    struct once_wait *next;
    once_fn *fn;
    void *context;
};

int once_join(struct once *o, struct once_wait **wait, once_fn *fn, void *context)
{
    struct once_wait *w, **last;

    if (o->told)
        return -EALREADY;
    w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    *w = (struct once_wait){ .once = o, .fn = fn, .context = context };
    for (last = &o->waits; *last != NULL; last = &(*last)->next)
        ;
    *last = w;
    *wait = w;
    return 0;
}

void once_leave(struct once_wait *wait)
{
    if (wait == NULL)
        return;
    for (struct once_wait **at = &wait->once->waits; *at != NULL; at = &(*at)->next) {
        if (*at == wait) {
            *at = wait->next;
            free(wait);
            return;
        }
    }
}

void once_tell(struct once *o)
{
    o->told = true;
    while (o->waits != NULL) { /* whoever is told may make others leave */
        struct once_wait *w = o->waits;

        o->waits = w->next;
        w->fn(w->context);
        free(w);
    }
}

void once_deinit(struct once *o)
{
    while (o->waits != NULL)
        once_leave(o->waits);
}
