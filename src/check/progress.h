/*
 * How far along many hosts are, on a terminal's last line and nowhere else.
 */
#ifndef CHECK_PROGRESS_H
#define CHECK_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    bool shown;                 /* the terminal's last line is ours */
    bool wanted;
    size_t done, total, odd;    /* odd: not private */
};

/* Wanted for more than one target when standard error is a terminal. */
void progress_init(struct progress *p, size_t total);
void progress_step(struct progress *p, bool is_odd);
void progress_show(struct progress *p);
void progress_hide(struct progress *p); /* before anything else is printed */

#endif
