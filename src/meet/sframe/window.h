/*
 * Which counters of one sender's stream were seen: the latest, and 128 up to it.  All-zero: none.
 * (The way of RFC 3711 3.3.2, as RFC 9605 9.3 suggests.)
 */
#ifndef MEET_SFRAME_WINDOW_H
#define MEET_SFRAME_WINDOW_H

#include <midwatch/sframe.h>

struct sframe_window {
    uint64_t top;               /* the latest */
    uint64_t seen[2];           /* bit n: top - n was seen */
};

/* 0, MW_SFRAME_E_REPLAYED or MW_SFRAME_E_OLD. */
int sframe_window_check(const struct sframe_window *w, uint64_t counter);

/* Only after a check that said 0, and after the tag was found right. */
void sframe_window_mark(struct sframe_window *w, uint64_t counter);

#endif
