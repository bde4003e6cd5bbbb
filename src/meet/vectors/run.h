/*
 * Test vectors being run: what a kind's own file (run_<kind>.c) is given.
 *
 *     int run_thing(struct run *r, const json_t *c)
 *     {
 *         struct mw_span in = run_hex(r, c, "in");            a missing field, text that is no
 *         struct mw_span want = run_hex(r, c, "out");         hex ... fail the case here
 *         uint8_t got[32];
 *
 *         if (!run_result(r, "thing", thing(r->crypto, in, got)))
 *             return 0;
 *         run_same(r, "out", want, span_of(got, sizeof(got)));
 *         return 0;
 *     }
 *
 * A case fails at its first failure, which is told with file, case, place and what differed;
 * everything after it in the case is silent, yields zeros, empty spans and false.  So whoever
 * only computes need not look at each; who loops over what was read should look at r->failed.
 * Memory: what the functions here lend is valid until the case ends.
 * Errors: a kind's function returns 0, or -errno when we are broken, which fails the case.
 */
#ifndef MEET_VECTORS_RUN_H
#define MEET_VECTORS_RUN_H

#include <jansson.h>
#include <midwatch/crypto.h>

#include "base/arena.h"

struct suited;

enum { RUN_PLACE_MAX = 96 };

struct run_counts {
    size_t passed, failed, skipped;
};

struct run {
    const struct mw_crypto *crypto;
    struct mw_random random;
    const char *file, *kind;
    const char *section;        /* in a file that is an object of lists, the list; else NULL */
    size_t index;               /* of the case, from 0; in its section */
    bool failed, skipped;       /* this case */
    char place[RUN_PLACE_MAX];  /* run_place() */
    struct arena arena;         /* emptied when the case ends */
    struct run_counts counts;   /* of this file */
    FILE *out;                  /* where failures are told */
};

/* ------------------------------------------------------------- fields of an object ---- */

/* o may be NULL once the case failed.  Hex text as bytes. */
struct mw_span run_hex(struct run *r, const json_t *o, const char *field);
/* null, or no such field: false, and *out is empty.  true: there are bytes, maybe none. */
bool run_hex_or_null(struct run *r, const json_t *o, const char *field, struct mw_span *out);
/* An entry of a list; what: how a failure names it. */
struct mw_span run_hex_of(struct run *r, const json_t *value, const char *what);
/* A private key of `size` bytes: some generators leave the leading zeros of P-521's away, which
 * are put back. */
struct mw_span run_private_key(struct run *r, const json_t *o, const char *field, size_t size);
/* A whole number from 0 to max. */
uint64_t run_number(struct run *r, const json_t *o, const char *field, uint64_t max);
const char *run_text(struct run *r, const json_t *o, const char *field);      /* "" on failure */
const json_t *run_list(struct run *r, const json_t *o, const char *field);    /* or NULL */
const json_t *run_object(struct run *r, const json_t *o, const char *field);  /* or NULL */

/* "cipher_suite".  false: the case failed, or is skipped since we have no such suite. */
bool run_suite(struct run *r, const json_t *o, struct suited *out);

/* ---------------------------------------------------------------------- judging ---- */

/* Where in the case we are, for what fails from now on: run_place(r, "epochs[%zu]", i).  The
 * empty string: nowhere in particular, as at the beginning. */
void run_place(struct run *r, const char *format, ...) PRINTF_LIKE(2, 3);

/* All return: it is so, and nothing failed before. */
bool run_same(struct run *r, const char *what, struct mw_span want, struct mw_span got);
bool run_same_number(struct run *r, const char *what, uint64_t want, uint64_t got);
bool run_true(struct run *r, const char *what, bool it_is);
/* result: of a function that ought to have gone well. */
bool run_result(struct run *r, const char *what, int result);
/* result: of one that ought to have refused its input with this number of its own. */
bool run_refused(struct run *r, const char *what, int want, int result);

/* Any other failure, in one line without a full stop. */
void run_wrong(struct run *r, const char *format, ...) PRINTF_LIKE(2, 3);

/* Not for us, and why; only before anything failed. */
void run_skip(struct run *r, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
