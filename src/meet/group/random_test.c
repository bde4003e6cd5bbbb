/*
 * Randomness that fails once: whatever needed it fails and leaves all as it was, and nothing is
 * made with a key, a nonce or a secret that was never filled.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_refuse.h"

/* Good for so many, then not, then again. */
struct failing {
    struct mw_random good;
    int left;
};

static int fill(void *context, uint8_t *out, size_t len)
{
    struct failing *f = context;

    return f->left-- == 0 ? -EIO : f->good.fill(f->good.context, out, len);
}

/* Something that A does; app: what A has, with another source. */
typedef int doing(struct people *p, const struct mw_mls_app *app);

static int signature_pair(struct people *p, const struct mw_mls_app *app)
{
    struct mw_mls_bytes signing = { 0 }, signature = { 0 };
    int error = mw_mls_signature_pair(app, p->suite, &signing, &signature);

    mw_mls_bytes_free(&signing);
    mw_mls_bytes_free(&signature);
    return error;
}

static int key_package(struct people *p, const struct mw_mls_app *app)
{
    struct mw_mls_key_package *kp = NULL;
    int error = mw_mls_key_package_new(&kp, app, &p->all[A].id, PEOPLE_NOW,
                                       (struct mw_wall){ PEOPLE_NOW.s + 60 });

    assert_int_equal(error == 0, kp != NULL);
    mw_mls_key_package_free(kp);
    return error;
}

static int create(struct people *p, const struct mw_mls_app *app)
{
    struct mw_mls_group *g = NULL;
    int error = mw_mls_create(&g, app, &p->all[A].id, SPAN_LIT("new"), NONE, PEOPLE_NOW);

    assert_int_equal(error == 0, g != NULL);
    mw_mls_free(g);
    return error;
}

static int commit(struct people *p, const struct mw_mls_app *app)
{
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_ADD, .key_package = mw_mls_key_package_bytes(p->all[OUTSIDER].kp) },
        { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
    };
    struct mw_mls_commit_options o = { .proposals = what, .count = 2 };
    struct mw_mls_committed made = { 0 };
    int error;

    p->all[A].g->app = *app;
    error = mw_mls_commit(p->all[A].g, &o, PEOPLE_NOW, &made);
    mw_mls_drop(p->all[A].g);
    mw_mls_committed_free(&made);
    return error;
}

static int propose(struct people *p, const struct mw_mls_app *app, enum mw_mls_proposal_type type)
{
    struct mw_mls_proposal what = { .type = type, .psk_id = SPAN_LIT("psk") };
    struct mw_mls_bytes m = { 0 };
    int error;

    p->all[A].g->app = *app;
    error = mw_mls_propose(p->all[A].g, &what, PEOPLE_NOW, &m);
    assert_int_equal(p->all[A].g->waiting_count, error == 0);
    group_forget_waiting(p->all[A].g);
    mw_mls_bytes_free(&m);
    return error;
}

static int propose_psk(struct people *p, const struct mw_mls_app *app)
{
    return propose(p, app, MW_MLS_PRE_SHARED_KEY);
}

static int propose_update(struct people *p, const struct mw_mls_app *app)
{
    return propose(p, app, MW_MLS_UPDATE);
}

static int protect(struct people *p, const struct mw_mls_app *app)
{
    struct mw_mls_bytes m = { 0 };
    int error;

    p->all[A].g->app = *app;
    error = mw_mls_protect(p->all[A].g, SPAN_LIT("data"), NONE, &m);
    mw_mls_bytes_free(&m);
    return error;
}

static int save(struct people *p, const struct mw_mls_app *app)
{
    static const uint8_t key[32] = { 1 };
    struct mw_mls_bytes saved = { 0 };
    int error;

    p->all[A].g->app = *app;
    error = mw_mls_save(p->all[A].g, key, &saved);
    mw_mls_bytes_free(&saved);
    return error;
}

static int join_external(struct people *p, const struct mw_mls_app *app)
{
    struct mw_mls_bytes info = { 0 }, made = { 0 };
    struct mw_mls_group *g = NULL;
    struct mw_span psk = SPAN_LIT("psk");
    int error;

    is(mw_mls_group_info(p->all[B].g, true, &info), 0);
    error = mw_mls_join_external(&g, app, &p->all[OUTSIDER].id, bytes_span(&info), NONE, false,
                                 &psk, 1, PEOPLE_NOW, &made);
    assert_int_equal(error == 0, g != NULL);
    mw_mls_free(g);
    mw_mls_bytes_free(&info);
    mw_mls_bytes_free(&made);
    return error;
}

static int branch(struct people *p, const struct mw_mls_app *app)
{
    struct mw_span package = mw_mls_key_package_bytes(p->all[B].kp);
    struct mw_mls_committed made = { 0 };
    struct mw_mls_group *g = NULL;
    int error;

    p->all[A].g->app = *app;
    error = mw_mls_succeed(&g, p->all[A].g, &p->all[A].id, SPAN_LIT("branch"), &package, 1,
                           PEOPLE_NOW, &made);
    assert_int_equal(error == 0, g != NULL);
    mw_mls_free(g);
    mw_mls_committed_free(&made);
    return error;
}

/* times: how often it needs randomness. */
static void fails(struct people *p, doing *what, int times)
{
    struct mw_mls_app had = p->all[A].app;

    assert_true(person_package(&p->all[B]).len > 0 && person_package(&p->all[OUTSIDER]).len > 0);
    for (int left = 0; left <= times; left++) {
        CLEANUP(buf_wipe) struct buf before = BUF_INIT(SIZE_MAX);
        CLEANUP(buf_wipe) struct buf after = BUF_INIT(SIZE_MAX);
        struct failing failing = { had.random, left };
        struct mw_mls_app app = had;

        app.random = (struct mw_random){ fill, &failing };
        group_snapshot(p->all[A].g, &before);
        assert_int_equal(what(p, &app), left < times ? -EIO : 0);
        group_snapshot(p->all[A].g, &after);
        assert_true(span_eq(buf_span(&before), buf_span(&after)));
        p->all[A].g->app = had;
    }
}

static void makes_keys(void **state)
{
    fails(*state, signature_pair, 1);
    fails(*state, key_package, 2);       /* init key and leaf's */
    fails(*state, create, 2);            /* the leaf's, and the epoch's secret */
}

static void sends(void **state)
{
    fails(*state, propose_psk, 1);       /* its nonce */
    fails(*state, propose_update, 1);    /* the leaf's key */
    fails(*state, protect, 1);           /* the reuse guard */
    fails(*state, save, 1);              /* the nonce */
}

static void commits(void **state)
{
    /* The PSK's nonce, the leaf's key, the first path secret, one for each of the three who get
     * one, and for the Welcome. */
    fails(*state, commit, 7);
    /* The external init, the PSK's nonce, a leaf's key to hold the place and the path's, the first
     * path secret, and one for the one node that stands for all. */
    fails(*state, join_external, 6);
    /* As create() and commit(): everybody else is new. */
    fails(*state, branch, 6);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(makes_keys),
        test(sends),
        test(commits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
