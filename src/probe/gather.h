/*
 * The evidence about one target: what its connection showed, and then whatever the verdict
 * says is missing.
 * Life:   gather_init() -> gather_connection() -> gather_missing()* -> gather_deinit()
 * Memory: gather->ev borrows from the dial result, the run's shared findings and gather->arena;
 *         all of them outlive it.
 * Bounds: probe_limits; GATHER_MAX_* below.
 */
#ifndef PROBE_GATHER_H
#define PROBE_GATHER_H

#include "base/arena.h"
#include "probe/clocks.h"
#include "probe/controls.h"
#include "probe/dial.h"
#include "probe/dnsfacts.h"
#include "probe/fetch.h"
#include "probe/local.h"
#include "probe/portal.h"
#include "probe/probe.h"
#include "probe/shelf.h"

enum { GATHER_MAX_FETCHES = 32, GATHER_MAX_CLOCKS = CLOCKS_MAX_SERVERS + 1 };

/* What all targets of a run share. */
struct gather_run {
    uv_loop_t *loop;
    const struct probe_options *options;
    struct probe_limits limits;         /* filled in */
    struct dns *dns;
    struct shelf *shelf;
    struct clocks *clocks;
    struct controls *controls;
    struct portal *portal;
    struct local *local;
};

struct gather;

enum gather_kind { GATHER_ISSUER, GATHER_CRL, GATHER_OCSP };

/* One AIA, CRL or OCSP answer under way or kept. */
struct gather_fetch {
    struct gather *gather;
    enum gather_kind kind;
    const char *url;
    struct shelf_wait *wait;
    const struct shelf_item *item;
    struct fetch *ocsp;
};

typedef void gather_fn(void *context);

struct gather {
    struct gather_run *run;
    const struct probe_target *target;
    struct arena arena;
    struct mw_evidence ev;
    bool peer_is_local;                 /* fetches may go to this computer too */
    unsigned asked;                     /* of enum mw_missing: asked for once, that is all */
    bool portal_asked;

    struct gather_fetch fetches[GATHER_MAX_FETCHES];
    size_t n_fetches;
    struct once_wait *clocks_wait, *controls_wait, *portal_wait;
    struct control_set *control_set;
    struct dnsfacts_job *dnsfacts;
    unsigned under_way;
    int error;                          /* -ENOMEM: something that arrived is not in ev */
    gather_fn *on_done;
    void *context;
};

/* on_done: everything that gather_missing() began has ended. */
void gather_init(struct gather *g, struct gather_run *run, const struct probe_target *target,
                 gather_fn *on_done, void *context);
void gather_deinit(struct gather *g);   /* stops what is under way */

/* What the connection itself showed.  0, or -ENOMEM. */
MW_MUST_CHECK int gather_connection(struct gather *g, const struct dial_result *seen);

/* Begins to fetch what `v` misses and was not asked for yet.  *begun: something is under way
 * and on_done will come; else there may be new evidence already, if *changed.  0, or -ENOMEM. */
MW_MUST_CHECK int gather_missing(struct gather *g, const struct mw_verdict *v, bool *begun,
                                 bool *changed);

/* Stops waiting; what arrived is in g->ev. */
void gather_stop(struct gather *g);

#endif
