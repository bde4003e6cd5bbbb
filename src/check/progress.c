#include "check/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 30 };

void progress_init(struct progress *p, size_t total)
{
    *p = (struct progress){ .total = total, .wanted = total > 1 && isatty(STDERR_FILENO) };
}

void progress_step(struct progress *p, bool is_odd)
{
    p->done++;
    p->odd += is_odd;
}

void progress_show(struct progress *p)
{
    char bar[BAR + 1];
    size_t full = p->total > 0 ? BAR * p->done / p->total : BAR;

    if (!p->wanted || p->done >= p->total)
        return;
    for (size_t i = 0; i < BAR; i++)
        bar[i] = i < full ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(stderr, "\r\033[K[%s] %zu of %zu, %zu not private", bar, p->done, p->total, p->odd);
    fflush(stderr);
    p->shown = true;
}

void progress_hide(struct progress *p)
{
    if (!p->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = false;
}
