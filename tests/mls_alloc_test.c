/*
 * A group's life in which every allocation fails once: the call says so, the group is what it was,
 * and the same call then works.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "alloc_fail.h"
#include "base/own.h"
#include "mls_refuse.h"

struct life {
    struct people p;
    struct person *who;                 /* whose call it is */
    struct mw_mls_commit_options commit;
    struct mw_mls_proposal what[2];
    struct mw_mls_committed made;
    struct mw_mls_bytes message, saved, info;
    struct mw_mls_event event;
    struct mw_mls_group *loaded;
    struct mw_mls_group *next[2];       /* that follows this one, founded and joined */
    struct mw_mls_key_package *package;
    struct mw_span packages[2];
    size_t first;                       /* allocation to begin with */
    size_t failures;
};

static bool libcrypto;                  /* its allocations fail, too */

static const uint8_t save_key[32] = { 7 };

/* The pages that secrets live in come from mmap(): with "pages" it is those that fail. */
static bool pages;
static size_t pages_left;
static bool page_failed;

void *__real_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (pages_left == 0 || --pages_left > 0)
        return __real_mmap(at, len, protection, flags, fd, offset);
    page_failed = true;
    errno = ENOMEM;
    return MAP_FAILED;
}

static void arm(size_t nth)
{
    page_failed = false;
    pages_left = pages ? nth : 0;
    if (!pages)
        alloc_fail_arm(nth);
}

static bool disarm(void)
{
    pages_left = 0;
    return pages ? page_failed : alloc_fail_disarm();
}

/* Fails each allocation of one call, in turn, until it needs no more of them. */
static void each(struct life *l, struct person *who, int (*call)(struct life *l))
{
    l->who = who;
    for (size_t nth = l->first;; nth++) {
        CLEANUP(buf_wipe) struct buf before = BUF_INIT(SIZE_MAX);
        CLEANUP(buf_wipe) struct buf after = BUF_INIT(SIZE_MAX);
        int error;

        if (who->g != NULL && who->g->now.keys != NULL)
            group_snapshot(who->g, &before);
        arm(nth);
        error = call(l);
        if (!disarm()) {
            is(error, 0);
            return;
        }
        l->failures++;
        /* libcrypto can do without some of what it asks for. */
        if (error == 0 && libcrypto)
            return;
        /* libcrypto may say of a signature that it does not match. */
        if (error != -ENOMEM && error != -EIO && !(libcrypto && error > 0))
            fail_msg("allocation %zu: %s", nth, mw_mls_error_name(error));
        if (before.len > 0)
            group_snapshot(who->g, &after);
        assert_true(span_eq(buf_span(&before), buf_span(&after)));
    }
}

static int call_create(struct life *l)
{
    return mw_mls_create(&l->who->g, &l->who->app, &l->who->id, SPAN_LIT("group"), NONE,
                         PEOPLE_NOW);
}

static int call_package(struct life *l)
{
    return mw_mls_key_package_new(&l->who->kp, &l->who->app, &l->who->id,
                                  (struct mw_wall){ PEOPLE_NOW.s - 60 },
                                  (struct mw_wall){ PEOPLE_NOW.s + 86400 });
}

static int call_commit(struct life *l)
{
    return mw_mls_commit(l->who->g, &l->commit, PEOPLE_NOW, &l->made);
}

static int call_merge(struct life *l)
{
    return mw_mls_merge(l->who->g);
}

static int call_join(struct life *l)
{
    return mw_mls_join(&l->who->g, &l->who->app, l->who->kp, bytes_span(&l->made.welcome), NONE,
                       NULL, 0, PEOPLE_NOW);
}

static int call_propose(struct life *l)
{
    return mw_mls_propose(l->who->g, &l->what[0], PEOPLE_NOW, &l->message);
}

static int call_receive(struct life *l)
{
    return mw_mls_receive(l->who->g, bytes_span(&l->message), PEOPLE_NOW, &l->event);
}

static int call_receive_commit(struct life *l)
{
    return mw_mls_receive(l->who->g, bytes_span(&l->made.commit), PEOPLE_NOW, &l->event);
}

static int call_protect(struct life *l)
{
    return mw_mls_protect(l->who->g, SPAN_LIT("data"), SPAN_LIT("aad"), &l->message);
}

static int call_info(struct life *l)
{
    return mw_mls_group_info(l->who->g, true, &l->info);
}

static int call_join_external(struct life *l)
{
    struct mw_span psk = SPAN_LIT("psk");

    return mw_mls_join_external(&l->who->g, &l->who->app, &l->who->id, bytes_span(&l->info), NONE,
                                false, &psk, 1, PEOPLE_NOW, &l->message);
}

static int call_save(struct life *l)
{
    return mw_mls_save(l->who->g, save_key, &l->saved);
}

static int call_load(struct life *l)
{
    return mw_mls_load(&l->loaded, &l->who->app, save_key, bytes_span(&l->saved));
}

static int call_package_save(struct life *l)
{
    return mw_mls_key_package_save(l->who->kp, save_key, &l->saved);
}

static int call_package_load(struct life *l)
{
    return mw_mls_key_package_load(&l->package, &l->who->app, save_key, bytes_span(&l->saved));
}

static int call_succeed(struct life *l)
{
    return mw_mls_succeed(&l->next[0], l->who->g, &l->who->id, NONE, l->packages, 2, PEOPLE_NOW,
                          &l->made);
}

static int call_join_next(struct life *l)
{
    return mw_mls_join(&l->next[1], &l->who->app, l->who->kp, bytes_span(&l->made.welcome), NONE,
                       &l->who->g, 1, PEOPLE_NOW);
}

static void add(struct life *l, size_t whom)
{
    struct person *new = &l->p.all[whom];

    each(l, new, call_package);
    l->what[0] = (struct mw_mls_proposal){
        .type = MW_MLS_ADD, .key_package = mw_mls_key_package_bytes(new->kp),
    };
    l->what[1] = (struct mw_mls_proposal){
        .type = MW_MLS_PRE_SHARED_KEY, .psk_id = SPAN_LIT("psk"),
    };
    l->commit = (struct mw_mls_commit_options){ .proposals = l->what, .count = 2 };
}

static void settle(struct life *l, struct person *committer)
{
    for (size_t i = 0; i < PEOPLE_MAX; i++) {
        struct person *to = &l->p.all[i];

        if (to != committer && to->g != NULL && mw_mls_active(to->g))
            each(l, to, call_receive_commit);
    }
    each(l, committer, call_merge);
}

/* Grown by Welcomes, with an Update of another's among the proposals. */
static void grow(struct life *l)
{
    struct person *a = &l->p.all[A], *b = &l->p.all[B], *c = &l->p.all[C];

    each(l, a, call_create);
    add(l, B);
    each(l, a, call_commit);
    settle(l, a);
    each(l, b, call_join);
    mw_mls_committed_free(&l->made);
    l->what[0] = (struct mw_mls_proposal){ .type = MW_MLS_UPDATE };
    each(l, b, call_propose);
    each(l, a, call_receive);
    mw_mls_bytes_free(&l->message);
    add(l, C);
    each(l, a, call_commit);
    settle(l, a);
    each(l, c, call_join);
    mw_mls_committed_free(&l->made);
    people_agree(&l->p);
}

/* Data, also late; somebody from outside; a restart. */
static void live(struct life *l)
{
    struct person *a = &l->p.all[A], *b = &l->p.all[B], *d = &l->p.all[D];

    each(l, a, call_protect);
    each(l, b, call_receive);
    assert_true(span_eq(l->event.data, SPAN_LIT("data")));
    each(l, a, call_info);
    l->saved = l->message;              /* for C, who gets it late */
    l->message = (struct mw_mls_bytes){ 0 };
    each(l, d, call_join_external);
    each(l, a, call_receive);
    each(l, b, call_receive);
    each(l, &l->p.all[C], call_receive);
    mw_mls_bytes_free(&l->message);
    l->message = l->saved;
    l->saved = (struct mw_mls_bytes){ 0 };
    each(l, &l->p.all[C], call_receive);
    assert_true(span_eq(l->event.data, SPAN_LIT("data")));
    mw_mls_bytes_free(&l->message);
    people_agree(&l->p);
    each(l, b, call_save);
    each(l, b, call_load);
    mw_mls_free(b->g);
    b->g = l->loaded;
    mw_mls_bytes_free(&l->saved);
    people_agree(&l->p);
}

/* One is taken out; then the group is closed. */
static void end(struct life *l)
{
    struct person *a = &l->p.all[A], *d = &l->p.all[D];

    l->what[0] = (struct mw_mls_proposal){ .type = MW_MLS_REMOVE, .leaf = B };
    l->commit = (struct mw_mls_commit_options){ .proposals = l->what, .count = 1 };
    each(l, d, call_commit);
    settle(l, d);
    assert_false(mw_mls_active(l->p.all[B].g));
    mw_mls_committed_free(&l->made);
    people_agree(&l->p);
    l->what[0] = (struct mw_mls_proposal){
        .type = MW_MLS_RE_INIT, .suite = 1, .group_id = SPAN_LIT("next"),
    };
    each(l, a, call_commit);
    settle(l, a);
    assert_false(mw_mls_active(a->g));
    mw_mls_committed_free(&l->made);
}

/* The group that was promised: C's key package is stored on the way. */
static void follow(struct life *l)
{
    struct person *a = &l->p.all[A], *c = &l->p.all[C];

    (void)person_package(c);
    each(l, c, call_package_save);
    each(l, c, call_package_load);
    mw_mls_bytes_free(&l->saved);
    mw_mls_key_package_free(c->kp);
    c->kp = own_steal(&l->package);
    l->packages[0] = mw_mls_key_package_bytes(c->kp);
    l->packages[1] = person_package(&l->p.all[D]);
    each(l, a, call_succeed);
    each(l, c, call_join_next);
    assert_true(span_eq(mw_mls_epoch_authenticator(l->next[0]),
                        mw_mls_epoch_authenticator(l->next[1])));
    each(l, c, call_save);              /* of a group that is closed */
    each(l, c, call_load);
    mw_mls_free(own_steal(&l->loaded));
    mw_mls_bytes_free(&l->saved);
    mw_mls_committed_free(&l->made);
    mw_mls_free(l->next[0]);
    mw_mls_free(l->next[1]);
}

static size_t live_once(size_t first)
{
    static struct life l;

    l = (struct life){ .first = first };
    people_open(&l.p, 1);
    grow(&l);
    live(&l);
    end(&l);
    follow(&l);
    mw_mls_bytes_free(&l.info);
    people_close(&l.p);
    return l.failures;
}

static void life(void **state)
{
    (void)state;
    assert_true(live_once(1) > (pages ? 20 : libcrypto ? 0 : 500));
}

/* A call that went well in spite of a failure is over: so each life begins further on. */
static void lives(void **state)
{
    size_t failures = 0;

    (void)state;
    for (size_t first = 2; first < 3000 && libcrypto; first += 1 + first / 4)
        failures += live_once(first);
    assert_true(!libcrypto || failures > 500);
}

/* "openssl": libcrypto's allocations fail, too; "pages": pages of secrets, and nothing else. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(life), cmocka_unit_test(lives) };

    libcrypto = argc > 1 && strcmp(argv[1], "openssl") == 0;
    pages = argc > 1 && strcmp(argv[1], "pages") == 0;
    if (libcrypto && !alloc_fail_openssl())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
