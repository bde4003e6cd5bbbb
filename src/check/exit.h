/*
 * What the exit status of `midwatch check` says.
 */
#ifndef CHECK_EXIT_H
#define CHECK_EXIT_H

#include <midwatch/trust.h>

enum check_exit {
    CHECK_PRIVATE = 0,  /* every target is private */
    CHECK_FINDINGS = 1, /* inspected, untrusted or blocked */
    CHECK_USAGE = 2,    /* the command, a file or a target makes no sense; or we broke */
    CHECK_UNTESTED = 3, /* unreachable: nothing to judge */

    /* With --exit-class, in place of CHECK_FINDINGS, by the gravest finding: */
    CHECK_CLASS_NAME = 10,
    CHECK_CLASS_REVOKED = 11,
    CHECK_CLASS_AUTHORITY = 12,
    CHECK_CLASS_CHAIN = 13,
    CHECK_CLASS_CLOCK = 14,
    CHECK_CLASS_PIN = 15,
    CHECK_CLASS_INTERCEPTION = 16,
};

/* by_class: the user asked for --exit-class. */
int exit_of_verdict(const struct mw_verdict *v, bool by_class);

/* The worse of two: usage, then findings (a lower class before a higher), then untested, then
 * private. */
int exit_worse(int a, int b);

#endif
