/*
 * Weighing evidence that somebody stands in the middle.
 *
 * Each piece has a weight in decibans: ten times the decimal logarithm of how much likelier it
 * is with somebody in the middle than without.  10 is ten times likelier, 20 a hundred times,
 * negative speaks against.  Weights add up; the sum begins below zero, since most connections
 * are not read.  Weak pieces (under 10) count for at most 9 together, so that no heap of hints
 * becomes more than a hint.  The table and its reasons: docs/weighing.md.
 */
#ifndef TRUST_WEIGH_H
#define TRUST_WEIGH_H

#include <midwatch/trust.h>

enum {
    WEIGH_PRIOR = -10,
    WEIGH_STRONG = 10, /* from here on a piece is not weak */
    WEIGH_WEAK_MOST = 9,
    WEIGH_LIKELY = 10, /* sums from which on the words change */
    WEIGH_CERTAIN = 30,
    WEIGH_PROOF = 1000,
};

struct weighing {
    int strong, weak; /* sums of the pieces so far */
    bool proven, refuted;
};

/* A piece of evidence as it is usually weighed; the judge may know better. */
int weigh_of(enum mw_code code);

/* What would disprove it; NULL for what nothing could, or what is no evidence. */
const char *weigh_disproof(enum mw_code code);

void weigh_add(struct weighing *w, int decibans);
int weigh_sum(const struct weighing *w);

/* How sure one piece, or a sum, makes us. */
enum mw_certainty weigh_piece_certainty(int decibans);

/* false: on the whole nobody was found. */
bool weigh_certainty(const struct weighing *w, enum mw_certainty *out);

#endif
