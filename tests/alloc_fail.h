/*
 * Makes the Nth allocation fail, for every N: what a program does when memory runs out is
 * code like any other, and this runs it.
 * How:    the test is linked with --wrap for malloc and its kin (mw_alloc_test()), which
 *         reaches our own objects; alloc_fail_openssl() adds libcrypto's through its hooks.
 *         Leaks are the leak sanitizer's to find.
 * Thread: one.
 */
#ifndef TESTS_ALLOC_FAIL_H
#define TESTS_ALLOC_FAIL_H

#include <stdbool.h>
#include <stddef.h>

/* From now on OpenSSL's allocations count and fail too.  Only before its first one; false: too
 * late.  (alloc_fail_openssl.c, for tests that link libcrypto.) */
bool alloc_fail_openssl(void);

/* Counts from here on; the nth allocation from now fails once, 0: none does. */
void alloc_fail_arm(size_t nth);

/* Stops counting.  true: the failure happened. */
bool alloc_fail_disarm(void);

/* Calls run(context, armed) with the first allocation failing, then the second, and so on,
 * until a run needs fewer allocations than that: the last call had no failure.  run() asserts
 * what must hold, arming by itself: it calls alloc_fail_arm(nth) where the interesting part
 * begins and alloc_fail_disarm() where it ends, and returns what the latter did.
 * Returns how many allocations failed, one a run. */
size_t alloc_fail_each(bool (*run)(void *context, size_t nth), void *context);

/* Likewise, but only every step-th, where trying all would take minutes; ALLOC_FAIL_STEP in the
 * environment replaces the step. */
size_t alloc_fail_some(bool (*run)(void *context, size_t nth), void *context, size_t step);

#endif
