/*
 * Verdicts as JUnit XML, for fleets and CI: one test case a target, one failure per error,
 * an unreachable target is an error.
 */
#ifndef CHECK_JUNIT_H
#define CHECK_JUNIT_H

#include <midwatch/trust.h>

#include "base/buf.h"

/* The testcase elements are collected first (junit_case), since the suite's attributes count
 * them: junit_write() puts the document together. */
struct junit {
    struct buf cases;
    size_t n, failures, errors;
};

void junit_init(struct junit *j);
void junit_deinit(struct junit *j);
void junit_case(struct junit *j, const struct mw_verdict *v, double seconds);
void junit_write(const struct junit *j, struct mw_wall at, struct buf *out);

#endif
