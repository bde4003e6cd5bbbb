/*
 * The checklist: fifty points, each a function that tries the gate.
 */
#ifndef GATE_SELFTEST_POINTS_H
#define GATE_SELFTEST_POINTS_H

#include "gate/selftest/client.h"
#include "gate/selftest/origin.h"

enum point_result { POINT_PASSED, POINT_FAILED, POINT_ARGUED };
const char *point_result_name(enum point_result r);     /* "passed", … */

enum { POINT_EVIDENCE = 400, POINTS = 50 };

/* One point being tried. */
struct trial {
    struct stand *stand;
    unsigned tried;             /* expectations */
    enum point_result result;
    char evidence[POINT_EVIDENCE];
};

typedef void point_fn(struct trial *t);

struct point {
    unsigned number;
    const char *what;
    point_fn *run;
};

struct point_table {
    const struct point *points;
    size_t n;
};
extern const struct point_table points_upstream, points_refuse, points_truth, points_keys,
    points_policy;

/* One expectation.  The first that is not met makes the point's evidence. */
void expect(struct trial *t, bool met, const char *format, ...) PRINTF_LIKE(3, 4);

/* What was seen, should the point pass. */
void note(struct trial *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* The origin gets no trusted leaf, and the client is told. */
void expect_refused(struct trial *t, const char *host, uint16_t port);
/* It is inspected under a trusted leaf for its name. */
void expect_inspected(struct trial *t, const char *host, uint16_t port);
/* Names of the lab's cases, with a space between. */
void expect_cases_refused(struct trial *t, const char *names);
void expect_cases_inspected(struct trial *t, const char *names);

/* A server under test_NAME.selftest.test with this chain must be refused, or inspected. */
void expect_chain(struct trial *t, const char *host, struct mill_cert *const *chain, size_t n,
                  bool refused);

/* call_make() that counts an error of ours as a failed expectation.  false: there is none. */
bool trial_call(struct trial *t, const struct gate *g, const struct call *c, struct answer *a);

/* A server of our own with an ordinary certificate for `host`. */
bool trial_origin(struct trial *t, const char *host, struct origin_plan plan, struct origin *o);

#endif
