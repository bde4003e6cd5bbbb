/*
 * A chain from a file, judged without touching the network.
 */
#include <errno.h>

#include "base/built.h"
#include "base/clock.h"
#include "base/file.h"
#include "check/exit.h"
#include "check/pem.h"
#include "check/run.h"
#include "check/run_files.h"

int run_offline(const struct run *run, struct run_end *end, struct buf *error)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RUN_FILES_ARENA_BYTES);
    const struct check_options *o = run->options;
    const struct target *t = &o->targets.items[0];
    struct run_result result = { .target = t };
    struct mw_evidence ev = {
        .host = t->host,
        .port = t->port,
        .now_chosen = o->at_set,
        .now = o->at_set ? o->at : wall_now(),
        .built = built_at(),
        .reach = MW_REACH_NOT_TRIED,
    };
    struct pem_list chain, crls = { 0 };
    struct mono start = mono_now();
    struct mw_verdict *v = NULL;
    int rc;

    *end = (struct run_end){ 0 };
    rc = run_file("--chain", o->set.chain, "CERTIFICATE", &arena, &chain, error);
    if (rc == 0 && o->set.crls != NULL)
        rc = run_file("--crls", o->set.crls, "X509 CRL", &arena, &crls, error);
    if (rc != 0)
        return rc;
    ev.sent = chain.blocks;
    ev.n_sent = chain.n;
    ev.crls = crls.blocks;
    ev.n_crls = crls.n;
    ev.crls_authoritative = o->set.crls != NULL;
    rc = mw_judge(run->policy, &ev, &v);
    if (rc < 0)
        return rc;
    if (rc > 0)
        result.error = run_judge_error(rc);
    else
        result.ev = &ev;
    result.v = v;
    result.seconds = (double)mono_diff_ns(start, mono_now()) / 1e9;
    run->on_result(run->context, &result);
    end->done = 1;
    mw_verdict_free(v);
    return 0;
}
