/*
 * Calls that make no sense, or come when it is too late: an error, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mls_refuse.h"

static const struct mw_mls_commit_options plain = { 0 };

/* Times that no lifetime can begin at. */
static void times(void **state)
{
    static const int64_t none[] = { INT64_MIN, -1, INT64_MAX - 86400, INT64_MAX };
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_group *g = NULL;
    struct mw_mls_bytes info = { 0 }, commit = { 0 };

    is(mw_mls_group_info(p->all[A].g, true, &info), 0);
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct mw_wall now = { none[i] };

        is(mw_mls_create(&g, &e->app, &e->id, SPAN_LIT("new"), NONE, now), MW_MLS_E_LIFETIME);
        is(mw_mls_join_external(&g, &e->app, &e->id, bytes_span(&info), NONE, false, NULL, 0, now,
                                &commit),
           MW_MLS_E_LIFETIME);
        assert_null(g);
    }
    mw_mls_bytes_free(&info);
}

/* What can be asked of a group that is over. */
static void ask_all(struct person *who, int error)
{
    static const uint8_t key[32] = { 1 };
    struct mw_mls_group *g = who->g, *loaded = NULL;
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE }, update = { .type = MW_MLS_UPDATE };
    struct mw_span hosts[MW_MLS_HOSTS_MAX];
    struct mw_mls_committed made = { 0 };
    struct mw_mls_bytes m = { 0 };
    struct mw_mls_policy policy;
    struct mw_mls_member member;
    size_t count;

    is(mw_mls_protect(g, NONE, NONE, &m), error);
    is(mw_mls_propose(g, &remove, PEOPLE_NOW, &m), error);
    is(mw_mls_propose(g, &update, PEOPLE_NOW, &m), error);
    is(mw_mls_commit(g, &plain, PEOPLE_NOW, &made), error);
    is(mw_mls_group_info(g, true, &m), error);
    is(mw_mls_merge(g), MW_MLS_E_NOT_PENDING);
    mw_mls_drop(g);
    (void)mw_mls_changes(g, &count);
    mw_mls_policy_of(g, &policy, hosts);
    assert_false(mw_mls_active(g));
    assert_true(mw_mls_member_next(g, 0, &member));
    assert_false(mw_mls_member_next(g, UINT32_MAX, &member));
    is(mw_mls_tree(g, &m), 0);
    mw_mls_bytes_free(&m);
    is(mw_mls_save(g, key, &m), 0);
    is(mw_mls_load(&loaded, &who->app, key, bytes_span(&m)), 0);
    is(mw_mls_protect(loaded, NONE, NONE, &made.commit), error);
    mw_mls_free(loaded);
    mw_mls_bytes_free(&m);
}

static void after_the_end(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = D };
    struct mw_mls_proposal over = {
        .type = MW_MLS_RE_INIT, .group_id = SPAN_LIT("next"), .suite = 1,
    };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_group *next = NULL;
    struct mw_mls_event event;
    uint8_t out[32];

    people_commit(p, &p->all[B],
                  &(struct mw_mls_commit_options){ .proposals = &remove, .count = 1 });
    ask_all(&p->all[D], MW_MLS_E_REMOVED);
    is(mw_mls_export(p->all[D].g, "label", NONE, out, sizeof(out)), MW_MLS_E_REMOVED);
    assert_int_equal(mw_mls_epoch_authenticator(p->all[D].g).len, 0);
    is(mw_mls_succeed(&next, p->all[D].g, &p->all[D].id, SPAN_LIT("next"), NULL, 0, PEOPLE_NOW,
                      &made),
       MW_MLS_E_REMOVED);
    is(mw_mls_commit(p->all[B].g,
                     &(struct mw_mls_commit_options){ .proposals = &over, .count = 1 }, PEOPLE_NOW,
                     &made),
       0);
    is(mw_mls_receive(p->all[C].g, bytes_span(&made.commit), PEOPLE_NOW, &event), 0);
    mw_mls_committed_free(&made);
    mw_mls_drop(p->all[B].g);
    ask_all(&p->all[C], MW_MLS_E_CLOSED);
    is(mw_mls_export(p->all[C].g, "label", NONE, out, sizeof(out)), 0);
    mw_mls_free(p->all[C].g);
    p->all[C].g = NULL;
}

/* Alone in a group, its state lost: who comes back finds an empty tree. */
static void alone(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_group *back = NULL;
    struct mw_mls_bytes info = { 0 }, commit = { 0 };
    struct mw_mls_event event = { 0 };

    is(mw_mls_create(&e->g, &e->app, &e->id, SPAN_LIT("new"), NONE, PEOPLE_NOW), 0);
    is(mw_mls_group_info(e->g, true, &info), 0);
    is(mw_mls_join_external(&back, &e->app, &e->id, bytes_span(&info), NONE, true, NULL, 0,
                            PEOPLE_NOW, &commit),
       0);
    is(mw_mls_receive(e->g, bytes_span(&commit), PEOPLE_NOW, &event), 0);
    assert_int_equal(event.kind, MW_MLS_GOT_REMOVED);
    mw_mls_free(e->g);
    e->g = NULL;
    assert_int_equal(mw_mls_own_leaf(back), 0);
    assert_int_equal(mw_mls_member_count(back), 1);
    mw_mls_free(back);
    mw_mls_bytes_free(&info);
    mw_mls_bytes_free(&commit);
}

/* A key package made before there was an application that knows the PSKs. */
static void package_of_another_app(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal what[] = {
        { .type = MW_MLS_ADD }, { .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk") },
    };
    struct mw_mls_app app = e->app;
    struct mw_mls_committed made = { 0 };
    struct mw_mls_event event;

    e->app.find_psk = NULL;
    what[0].key_package = person_package(e);
    e->app = app;
    is(mw_mls_commit(p->all[A].g,
                     &(struct mw_mls_commit_options){ .proposals = what, .count = 2 }, PEOPLE_NOW,
                     &made),
       0);
    for (size_t i = B; i <= D; i++)
        is(mw_mls_receive(p->all[i].g, bytes_span(&made.commit), PEOPLE_NOW, &event), 0);
    is(mw_mls_merge(p->all[A].g), 0);
    is(mw_mls_join(&e->g, &e->app, e->kp, bytes_span(&made.welcome), NONE, NULL, 0, PEOPLE_NOW),
       0);
    mw_mls_committed_free(&made);
    people_agree(p);
}

/* Who came by an external commit is told by the leaf that it took, to who goes, too. */
static void who_joined(void **state)
{
    struct people *p = *state;
    struct person *d = &p->all[D];
    struct mw_mls_group *former = d->g;
    struct mw_mls_bytes info = { 0 }, commit = { 0 };
    struct mw_mls_event event = { 0 };
    const struct mw_mls_change *changes;
    size_t count;

    is(mw_mls_group_info(p->all[B].g, true, &info), 0);
    is(mw_mls_join_external(&d->g, &d->app, &d->id, bytes_span(&info), NONE, true, NULL, 0,
                            PEOPLE_NOW, &commit),
       0);
    for (size_t i = A; i <= D; i++) {
        struct mw_mls_group *g = i == D ? former : p->all[i].g;

        is(mw_mls_receive(g, bytes_span(&commit), PEOPLE_NOW, &event), 0);
        assert_int_equal(event.kind, i == D ? MW_MLS_GOT_REMOVED : MW_MLS_GOT_COMMIT);
        assert_int_equal(event.sender, MW_MLS_NEW_COMMIT);
        assert_int_equal(event.sender_index, D);
        changes = mw_mls_changes(g, &count);
        assert_int_equal(count, 2);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(changes[k].committer, D);
            assert_int_equal(changes[k].sender_index, D);
        }
    }
    mw_mls_free(former);
    mw_mls_bytes_free(&info);
    mw_mls_bytes_free(&commit);
    people_agree(p);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(times),
        test(after_the_end),
        test(alone),
        test(package_of_another_app),
        test(who_joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
