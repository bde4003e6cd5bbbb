/*
 * State saved and loaded: in the middle of everything, and cut, altered or under another key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "meet/group/state.h"
#include "mls_craft.h"
#include "mls_refuse.h"

static const uint8_t key[32] = { 1, 2, 3 };
static const struct mw_mls_commit_options plain_commit = { 0 };

/* The member's group saved, freed, and loaded again: it is what it was. */
static void restart(struct person *who)
{
    CLEANUP(buf_wipe) struct buf before = BUF_INIT(SIZE_MAX);
    CLEANUP(buf_wipe) struct buf after = BUF_INIT(SIZE_MAX);
    struct mw_mls_bytes saved = { 0 };

    is(mw_mls_save(who->g, key, &saved), 0);
    state_write(who->g, &before);
    mw_mls_free(who->g);
    who->g = NULL;
    is(mw_mls_load(&who->g, &who->app, key, bytes_span(&saved)), 0);
    state_write(who->g, &after);
    assert_int_equal(buf_error(&before), 0);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
    mw_mls_bytes_free(&saved);
}

static void restart_all(struct people *p)
{
    for (size_t i = 0; i < PEOPLE_MAX; i++)
        if (p->all[i].g != NULL)
            restart(&p->all[i]);
}

static void as_it_was(void **state)
{
    struct people *p = *state;

    restart_all(p);
    people_agree(p);
    people_commit(p, &p->all[C], &plain_commit);
    restart_all(p);
    people_agree(p);
}

/* A commit of ours waits: merged after the restart, or dropped. */
static void pending(void **state)
{
    struct people *p = *state;
    struct person *b = &p->all[B];
    struct mw_mls_proposal add = {
        .type = MW_MLS_ADD, .key_package = person_package(&p->all[OUTSIDER]),
    };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct mw_mls_committed made = { 0 };

    is(mw_mls_commit(b->g, &o, PEOPLE_NOW, &made), 0);
    restart(b);
    is(mw_mls_commit(b->g, &plain_commit, PEOPLE_NOW, &made), MW_MLS_E_PENDING);
    people_deliver(p, b, &made.commit);
    is(mw_mls_merge(b->g), 0);
    is(mw_mls_join(&p->all[OUTSIDER].g, &p->all[OUTSIDER].app, p->all[OUTSIDER].kp,
                   bytes_span(&made.welcome), NONE, NULL, 0, PEOPLE_NOW),
       0);
    mw_mls_committed_free(&made);
    people_agree(p);
    is(mw_mls_commit(b->g, &plain_commit, PEOPLE_NOW, &made), 0);
    mw_mls_committed_free(&made);
    restart(b);
    mw_mls_drop(b->g);
    people_commit(p, &p->all[C], &plain_commit);
    people_agree(p);
}

/* Proposals wait, our own Update with new keys among them. */
static void waiting(void **state)
{
    struct people *p = *state;
    struct person *b = &p->all[B];
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = D };

    person_renew(p, b, "new name");
    update.who = &b->id;
    people_propose(p, b, &update);
    people_propose(p, &p->all[C], &remove);
    restart_all(p);
    people_commit(p, &p->all[A], &plain_commit);
    assert_false(mw_mls_active(p->all[D].g));
    restart_all(p);                     /* D, too, who was removed */
    assert_false(mw_mls_active(p->all[D].g));
    assert_int_equal(mw_mls_own_leaf(p->all[D].g), UINT32_MAX);
    people_agree(p);
    people_commit(p, b, &plain_commit);
    people_agree(p);
}

/* Late messages of past epochs, out of order, with keys that have changed since. */
static void past_epochs(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes late[3] = { 0 };
    struct mw_mls_commit_options renew = { .who = &p->all[C].id };
    struct mw_mls_event event;

    for (size_t i = 0; i < 3; i++)
        is(mw_mls_protect(p->all[C].g, SPAN_LIT("late"), NONE, &late[i]), 0);
    is(mw_mls_receive(p->all[A].g, bytes_span(&late[1]), PEOPLE_NOW, &event), 0);
    restart(&p->all[A]);
    person_renew(p, &p->all[C], NULL);
    people_commit(p, &p->all[C], &renew);
    restart(&p->all[A]);
    is(mw_mls_receive(p->all[A].g, bytes_span(&late[2]), PEOPLE_NOW, &event), 0);
    people_commit(p, &p->all[B], &plain_commit);
    restart(&p->all[A]);
    is(mw_mls_receive(p->all[A].g, bytes_span(&late[1]), PEOPLE_NOW, &event),
       MW_MLS_E_GENERATION);
    is(mw_mls_receive(p->all[A].g, bytes_span(&late[0]), PEOPLE_NOW, &event), 0);
    assert_true(span_eq(event.data, SPAN_LIT("late")));
    for (size_t i = 0; i < 3; i++)
        mw_mls_bytes_free(&late[i]);
}

/* An application that keeps fewer past epochs than before forgets them when it loads. */
static void fewer_past_epochs(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes late[2] = { 0 };
    struct mw_mls_event event;

    is(mw_mls_protect(p->all[C].g, SPAN_LIT("first"), NONE, &late[0]), 0);
    people_commit(p, &p->all[B], &plain_commit);
    is(mw_mls_protect(p->all[C].g, SPAN_LIT("second"), NONE, &late[1]), 0);
    people_commit(p, &p->all[B], &plain_commit);
    {
        struct mw_mls_bytes saved = { 0 };

        is(mw_mls_save(p->all[A].g, key, &saved), 0);
        mw_mls_free(p->all[A].g);
        p->all[A].g = NULL;
        p->all[A].app.past_epochs = 1;
        is(mw_mls_load(&p->all[A].g, &p->all[A].app, key, bytes_span(&saved)), 0);
        mw_mls_bytes_free(&saved);
    }
    is(mw_mls_receive(p->all[A].g, bytes_span(&late[0]), PEOPLE_NOW, &event), MW_MLS_E_EPOCH);
    is(mw_mls_receive(p->all[A].g, bytes_span(&late[1]), PEOPLE_NOW, &event), 0);
    mw_mls_bytes_free(&late[0]);
    mw_mls_bytes_free(&late[1]);
}

/* Closed by a ReInit: who restarts still knows what was announced. */
static void closed(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal what = {
        .type = MW_MLS_RE_INIT, .group_id = SPAN_LIT("next"), .suite = 1,
    };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_group *next = NULL;
    struct mw_span packages[3];

    people_commit(p, &p->all[B], &o);
    restart(&p->all[A]);
    for (size_t i = 0; i < 3; i++)
        packages[i] = person_package(&p->all[i + 1]);
    is(mw_mls_succeed(&next, p->all[A].g, &p->all[A].id, NONE, packages, 3, PEOPLE_NOW, &made), 0);
    mw_mls_free(next);
    mw_mls_committed_free(&made);
}

static void refuse(struct people *p, struct mw_span saved, const uint8_t with[32])
{
    struct mw_mls_group *g = NULL;

    is(mw_mls_load(&g, &p->all[A].app, with, saved), MW_MLS_E_STATE);
    assert_null(g);
}

static void cut_altered_foreign(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes saved = { 0 };
    uint8_t other[32] = { 1, 2, 4 };

    is(mw_mls_save(p->all[A].g, key, &saved), 0);
    refuse(p, bytes_span(&saved), other);
    for (size_t len = 0; len < saved.len; len += len < 64 ? 1 : 37)
        refuse(p, span_of(saved.data, len), key);
    refuse(p, span_of(saved.data, saved.len - 1), key);
    for (size_t i = 0; i < saved.len; i++) {
        saved.data[i] ^= (uint8_t)(1u << i % 8);
        refuse(p, bytes_span(&saved), key);
        saved.data[i] ^= (uint8_t)(1u << i % 8);
    }
    mw_mls_bytes_free(&saved);
}

/* What is sealed is still not believed: cut anywhere, it is refused or, never, loaded. */
static void cut_inside(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_wipe) struct buf inside = BUF_INIT(SIZE_MAX);
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_group *g = NULL;

    people_commit(p, &p->all[C], &plain_commit);
    people_propose(p, &p->all[A], &update);
    is(mw_mls_commit(p->all[A].g, &plain_commit, PEOPLE_NOW, &made), 0);
    state_write(p->all[A].g, &inside);
    for (size_t len = 0; len < inside.len; len += len < 64 ? 1 : 11) {
        is(state_read(&g, &p->all[A].app, span_of(inside.data, len)), MW_MLS_E_STATE);
        assert_null(g);
    }
    buf_u8(&inside, 0);
    is(state_read(&g, &p->all[A].app, buf_span(&inside)), MW_MLS_E_STATE);
    mw_mls_committed_free(&made);
    mw_mls_drop(p->all[A].g);
}

/* Nor is any bit of it: what is loaded all the same is written as it was read. */
static void altered_inside(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_wipe) struct buf inside = BUF_INIT(SIZE_MAX);
    CLEANUP(buf_wipe) struct buf again = BUF_INIT(SIZE_MAX);
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_committed made = { 0 };
    size_t refusals = 0;

    people_commit(p, &p->all[C], &plain_commit);
    people_propose(p, &p->all[A], &update);
    is(mw_mls_commit(p->all[A].g, &plain_commit, PEOPLE_NOW, &made), 0);
    state_write(p->all[A].g, &inside);
    for (size_t i = 0; i < inside.len; i++) {
        uint8_t bit = (uint8_t)(1 << i % 8), bits[] = { bit, 2, 0x80 };

        for (size_t k = 0; k < ARRAY_LEN(bits); k++) {
            struct mw_mls_group *g = NULL;

            inside.data[i] ^= bits[k];
            if (state_read(&g, &p->all[A].app, buf_span(&inside)) == 0) {
                buf_truncate(&again, 0);
                state_write(g, &again);
                assert_true(span_eq(buf_span(&again), buf_span(&inside)));
            } else {
                assert_null(g);
                refusals++;
            }
            mw_mls_free(g);
            inside.data[i] ^= bits[k];
        }
    }
    assert_true(refusals > 100);
    mw_mls_committed_free(&made);
    mw_mls_drop(p->all[A].g);
}

static void refuse_state(struct people *p)
{
    CLEANUP(buf_wipe) struct buf inside = BUF_INIT(SIZE_MAX);
    struct mw_mls_group *g = NULL;

    state_write(p->all[A].g, &inside);
    assert_int_equal(buf_error(&inside), 0);
    is(state_read(&g, &p->all[A].app, buf_span(&inside)), MW_MLS_E_STATE);
    assert_null(g);
}

/* Written with one of its parts missing, which is what `at` points to. */
static void refuse_without(struct people *p, void *at)
{
    static void *const none;
    void *had;

    memcpy(&had, at, sizeof(had));
    memcpy(at, &none, sizeof(none));
    refuse_state(p);
    memcpy(at, &had, sizeof(had));
}

/* With this many bytes less at its end. */
static void refuse_shorter(struct people *p, struct owned *o)
{
    o->len--;
    refuse_state(p);
    o->len++;
}

/* Each part is in order; together they are no state. */
static void parts_that_do_not_fit(void **state)
{
    struct people *p = *state;
    struct mw_mls_group *g = p->all[A].g;
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_committed made = { 0 };
    CLEANUP(secret_tree_freep) struct secret_tree *other = NULL;
    CLEANUP(tree_keys_freep) struct tree_keys *nobodys = NULL;
    struct epoch *epochs[2] = { &g->now };
    struct secret_tree *secrets;
    uint8_t scalar[32] = { 1 };

    people_commit(p, &p->all[C], &plain_commit);
    people_propose(p, &p->all[A], &update);
    is(mw_mls_commit(g, &plain_commit, PEOPLE_NOW, &made), 0);
    epochs[1] = &g->pending->next;
    for (size_t i = 0; i < ARRAY_LEN(epochs); i++) {
        struct tree_keys *had = epochs[i]->tree_keys;

        refuse_without(p, &epochs[i]->keys);
        refuse_without(p, &epochs[i]->tree_keys);
        refuse_without(p, &epochs[i]->secrets);
        refuse_shorter(p, &epochs[i]->context);
        refuse_shorter(p, &epochs[i]->interim);
        refuse_shorter(p, &epochs[i]->confirmation_tag);
        epochs[i]->context.data[3] ^= 2;        /* its suite */
        refuse_state(p);
        epochs[i]->context.data[3] ^= 2;
        assert_int_equal(tree_keys_new(&nobodys, 7, span_of(scalar, sizeof(scalar))), 0);
        epochs[i]->tree_keys = nobodys;
        refuse_state(p);
        epochs[i]->tree_keys = had;
        tree_keys_free(nobodys);
        nobodys = NULL;
    }
    /* For another number of members. */
    secrets = g->now.secrets;
    assert_int_equal(secret_tree_new(&other, g->s, 2 * tree_size(g->tree),
                                     &g->now.keys->secrets.init), 0);
    g->now.secrets = other;
    refuse_state(p);
    g->now.secrets = secrets;
    g->waiting->sender.type = 0;
    refuse_state(p);
    g->waiting->sender.type = SENDER_NEW_COMMIT + 1;
    refuse_state(p);
    g->waiting->sender.type = SENDER_MEMBER;
    refuse_shorter(p, &g->waiting->bytes);
    refuse_shorter(p, &g->past[0]->context);
    g->state = GROUP_REMOVED;                   /* and holds what nobody who was removed does */
    refuse_state(p);
    g->state = GROUP_ACTIVE;
    mw_mls_committed_free(&made);
    mw_mls_drop(g);
}

/* Who was removed has nothing left. */
static void removed_with_something_left(void **state)
{
    struct people *p = *state;
    struct mw_mls_group *g = p->all[A].g;
    struct epoch had = g->now;

    g->state = GROUP_REMOVED;
    for (int left = 0; left < 3; left++) {
        g->now.keys = left == 0 ? had.keys : NULL;
        g->now.tree_keys = left == 1 ? had.tree_keys : NULL;
        g->now.secrets = left == 2 ? had.secrets : NULL;
        refuse_state(p);
    }
    g->state = GROUP_ACTIVE;
    g->now = had;
}

/* A group's state is no key package's, and the other way round. */
static void key_packages(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal add = { .type = MW_MLS_ADD, .key_package = person_package(e) };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct mw_mls_key_package *kp = NULL;
    struct mw_mls_bytes saved = { 0 }, group = { 0 };

    is(mw_mls_key_package_save(e->kp, key, &saved), 0);
    is(mw_mls_save(p->all[A].g, key, &group), 0);
    refuse(p, bytes_span(&saved), key);
    is(mw_mls_key_package_load(&kp, &e->app, key, bytes_span(&group)), MW_MLS_E_STATE);
    for (size_t i = 0; i < saved.len; i++) {
        is(mw_mls_key_package_load(&kp, &e->app, key, span_of(saved.data, i)), MW_MLS_E_STATE);
        saved.data[i] ^= 1;
        is(mw_mls_key_package_load(&kp, &e->app, key, bytes_span(&saved)), MW_MLS_E_STATE);
        saved.data[i] ^= 1;
    }
    assert_null(kp);
    is(mw_mls_key_package_load(&kp, &e->app, key, bytes_span(&saved)), 0);
    assert_true(span_eq(mw_mls_key_package_bytes(kp), mw_mls_key_package_bytes(e->kp)));
    mw_mls_key_package_free(e->kp);
    e->kp = kp;                         /* and it still opens the Welcome */
    add.key_package = mw_mls_key_package_bytes(kp);
    people_commit(p, &p->all[B], &o);
    people_agree(p);
    mw_mls_bytes_free(&saved);
    mw_mls_bytes_free(&group);
}

/* Two states of one group never seal alike. */
static void fresh_nonce(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes one = { 0 }, two = { 0 };

    is(mw_mls_save(p->all[A].g, key, &one), 0);
    is(mw_mls_save(p->all[A].g, key, &two), 0);
    assert_int_equal(one.len, two.len);
    assert_memory_not_equal(one.data + 6, two.data + 6, 12);
    assert_memory_not_equal(one.data + 18, two.data + 18, one.len - 18);
    mw_mls_bytes_free(&one);
    mw_mls_bytes_free(&two);
}

enum { MANY = 1000, BATCH = 250 };

/* The state of a group of 1,000 members is under 1 MiB, and loads. */
static void a_thousand(void **state)
{
    static struct mw_mls_key_package *kp[BATCH];
    static struct mw_mls_proposal adds[BATCH];
    static struct people people;
    struct people *p = &people;
    struct person *a = &p->all[A];
    struct mw_mls_commit_options o = { .proposals = adds, .no_tree_in_welcome = true };
    struct mw_mls_bytes saved = { 0 };
    struct person one = { 0 };

    (void)state;
    people_open(p, 1);
    people_found(p, NONE);
    one.app = a->app;
    while (mw_mls_member_count(a->g) < MANY) {
        struct mw_mls_committed made = { 0 };

        o.count = MANY - mw_mls_member_count(a->g);
        o.count = o.count < BATCH ? o.count : BATCH;
        for (size_t i = 0; i < o.count; i++) {
            person_renew(p, &one, "one of many");
            is(mw_mls_key_package_new(&kp[i], &a->app, &one.id, PEOPLE_NOW,
                                      (struct mw_wall){ PEOPLE_NOW.s + 86400 }),
               0);
            adds[i] = (struct mw_mls_proposal){
                .type = MW_MLS_ADD, .key_package = mw_mls_key_package_bytes(kp[i]),
            };
        }
        is(mw_mls_commit(a->g, &o, PEOPLE_NOW, &made), 0);
        is(mw_mls_merge(a->g), 0);
        mw_mls_committed_free(&made);
        for (size_t i = 0; i < o.count; i++)
            mw_mls_key_package_free(kp[i]);
    }
    mw_mls_bytes_free(&one.signing_key);
    mw_mls_bytes_free(&one.signature_key);
    is(mw_mls_save(a->g, key, &saved), 0);
    assert_true(saved.len < 1u << 20);
    mw_mls_bytes_free(&saved);
    restart(a);
    people_close(p);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

static int part(void **state)
{
    people_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(as_it_was),
        test(pending),
        test(waiting),
        test(past_epochs),
        test(fewer_past_epochs),
        test(cut_altered_foreign),
        test(cut_inside),
        test(altered_inside),
        test(parts_that_do_not_fit),
        test(removed_with_something_left),
        test(key_packages),
        test(fresh_nonce),
        cmocka_unit_test_setup_teardown(closed, refuse_open, part),
        cmocka_unit_test(a_thousand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
