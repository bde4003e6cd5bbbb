/*
 * A judge with its surroundings, for tests: certificates from the mill, a server on loopback that
 * hands out what they point to, and a bundle that is a list of files.
 * Life:   fixture_init() -> start() -> ... -> fixture_deinit()
 */
#ifndef TESTS_JUDGE_FIXTURE_H
#define TESTS_JUDGE_FIXTURE_H

#include "gate/worker/judge.h"
#include "lab/mill.h"
#include "probe/serving.h"

enum { DAY = 86400, HOUR = 3600, ROUTES = 4, TOLD = 16 };

struct gate_bundle {
    const char *names[4];
    struct mw_span files[4];
};

struct fixture {
    uv_loop_t loop;
    struct dns *dns;
    struct serving server;
    struct serving_route route[ROUTES]; /* /issuer /issuer.crl /root.crl /slow */
    struct serving_routes routes;
    char issuer_url[128], issuer_crl_url[128], root_crl_url[128], slow_url[128];

    struct mw_wall now;
    struct mill_cert *root, *own, *issuer, *leaf, *other;
    struct buf root_pem, own_pem, issuer_crl, root_crl;

    struct gate_config config;
    struct gate_bundle bundle;
    struct judging *judging;

    struct origin *told[TOLD];
    int errors[TOLD];
    size_t n_told;
};

/* The root is the only anchor, and everything may be fetched. */
void fixture_init(struct fixture *f);
void fixture_deinit(struct fixture *f);
void start(struct fixture *f);          /* makes f->judging by f->config and f->bundle */

struct mill_spec leaf_spec(const struct fixture *f);
struct mill_cert *mint(const struct fixture *f, struct mill_spec spec, int64_t days,
                       const struct mill_cert *issuer);
void crls_make(struct fixture *f, bool revoked);

/* What is shown is the leaf, and the issuer unless it is left out. */
struct shown {
    const struct mill_cert *leaf, *issuer;
    struct mw_span staple;
    uint16_t suite;
};

judging_fn on_judged;                   /* for a fixture as context */

/* *found or a wait; what comes later is in f->told. */
struct judging_wait *ask(struct fixture *f, struct shown shown, struct origin **found);

/* The answer, now or later.  The fixture releases it. */
struct origin *judged(struct fixture *f, struct shown shown);
void told_forget(struct fixture *f);

/* Requests that the server has seen. */
unsigned asked(struct fixture *f);

bool has(const struct origin *o, enum mw_code code);

#endif
