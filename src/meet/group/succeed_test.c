/*
 * Groups that follow another (RFC 9420 11.2 reinit, 11.3 branch): founded by one member, joined by
 * the others, and what of it must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"
#include "mls_welcome.h"

/* All close the group by B's ReInit, with these context extensions for the next. */
static void close_group(struct people *p, uint16_t suite, struct mw_span extensions)
{
    struct mw_mls_proposal what = {
        .type = MW_MLS_RE_INIT, .group_id = SPAN_LIT("next"), .suite = suite,
        .extensions = extensions,
    };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    people_commit(p, &p->all[B], &o);
    for (size_t i = A; i <= D; i++)
        assert_false(mw_mls_active(p->all[i].g));
}

struct next {
    struct mw_mls_group *g[OUTSIDER];
    struct mw_mls_committed made;
};

static void next_close(struct next *n)
{
    for (size_t i = 0; i < ARRAY_LEN(n->g); i++)
        mw_mls_free(n->g[i]);
    mw_mls_committed_free(&n->made);
}

/* A founds it with the others up to `most`. */
static int found(struct people *p, struct next *n, size_t most, struct mw_span group_id)
{
    struct mw_span packages[OUTSIDER] = { { NULL, 0 } };

    for (size_t i = B; i < most; i++)
        packages[i - 1] = person_package(&p->all[i]);
    return mw_mls_succeed(&n->g[A], p->all[A].g, &p->all[A].id, group_id, packages, most - 1,
                          PEOPLE_NOW, &n->made);
}

static int enter(struct people *p, struct next *n, size_t who, struct mw_span welcome)
{
    return mw_mls_join(&n->g[who], &p->all[who].app, p->all[who].kp, welcome, NONE,
                       &p->all[who].g, 1, PEOPLE_NOW);
}

static void all_agree(struct next *n, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct mw_mls_bytes m = { 0 };
        struct mw_mls_event event;

        assert_true(span_eq(mw_mls_epoch_authenticator(n->g[A]),
                            mw_mls_epoch_authenticator(n->g[i])));
        is(mw_mls_protect(n->g[i], SPAN_LIT("here"), NONE, &m), 0);
        is(mw_mls_receive(n->g[A], bytes_span(&m), PEOPLE_NOW, &event), 0);
        mw_mls_bytes_free(&m);
    }
}

static void reinit(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };
    struct mw_mls_bytes list = { 0 };

    is(mw_mls_policy_write(&(struct mw_mls_policy){ .external_removes_only = true }, NONE, &list),
       0);
    close_group(p, 1, bytes_span(&list));
    is(found(p, &n, OUTSIDER, NONE), 0);
    for (size_t i = B; i <= D; i++)
        is(enter(p, &n, i, bytes_span(&n.made.welcome)), 0);
    assert_int_equal(mw_mls_epoch(n.g[C]), 1);
    assert_true(span_eq(mw_mls_group_id(n.g[C]), SPAN_LIT("next")));
    assert_true(span_eq(mw_mls_context_extensions(n.g[C]), bytes_span(&list)));
    all_agree(&n, OUTSIDER);
    next_close(&n);
    mw_mls_bytes_free(&list);
}

/* 11.2: to another suite, with keys of that suite. */
static void reinit_to_another_suite(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };

    close_group(p, 2, NONE);
    is(found(p, &n, OUTSIDER, NONE), MW_MLS_E_SUITE);
    p->suite = 2;
    for (size_t i = A; i <= D; i++)
        person_renew(p, &p->all[i], NULL);
    is(found(p, &n, OUTSIDER, NONE), 0);
    for (size_t i = B; i <= D; i++)
        is(enter(p, &n, i, bytes_span(&n.made.welcome)), 0);
    assert_int_equal(mw_mls_suite(n.g[D]), 2);
    all_agree(&n, OUTSIDER);
    next_close(&n);
}

static void branch(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };

    is(found(p, &n, D, SPAN_LIT("aside")), 0);
    is(enter(p, &n, B, bytes_span(&n.made.welcome)), 0);
    is(enter(p, &n, C, bytes_span(&n.made.welcome)), 0);
    assert_true(span_eq(mw_mls_group_id(n.g[C]), SPAN_LIT("aside")));
    assert_int_equal(mw_mls_member_count(n.g[C]), 3);
    all_agree(&n, D);
    next_close(&n);
    people_agree(p);                    /* the old one lives on */
}

/* Whoever founds is held to the members, not to the rules for letting people in. */
static void from_a_locked_meeting(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };
    struct mw_mls_bytes list = { 0 };
    struct mw_mls_policy policy = {
        .hosts = &p->all[B].id.signature_key, .hosts_count = 1, .locked = true,
        .link_psk = SPAN_LIT("psk"),
    };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    is(mw_mls_policy_write(&policy, NONE, &list), 0);
    what.extensions = bytes_span(&list);
    people_commit(p, &p->all[B], &o);
    is(found(p, &n, D, SPAN_LIT("aside")), 0);
    is(enter(p, &n, C, bytes_span(&n.made.welcome)), 0);
    next_close(&n);
    mw_mls_bytes_free(&list);
}

/* 11.2: as announced: suite, id, extensions, and everybody again. */
static void section_11_2_founder(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };
    struct mw_span packages[OUTSIDER];

    close_group(p, 1, NONE);
    is(found(p, &n, OUTSIDER, SPAN_LIT("other")), MW_MLS_E_REINIT);
    is(found(p, &n, D, NONE), MW_MLS_E_REINIT);
    for (size_t i = 0; i < ARRAY_LEN(packages); i++)
        packages[i] = person_package(&p->all[i + 1]);
    is(mw_mls_succeed(&n.g[A], p->all[A].g, &p->all[A].id, NONE, packages, 4, PEOPLE_NOW,
                      &n.made),
       MW_MLS_E_REINIT);
    packages[2] = packages[3];          /* the outsider in D's place */
    is(mw_mls_succeed(&n.g[A], p->all[A].g, &p->all[A].id, NONE, packages, 3, PEOPLE_NOW,
                      &n.made),
       MW_MLS_E_REINIT);
    assert_null(n.g[A]);
    assert_null(n.made.welcome.data);
    next_close(&n);
}

/* Every member is there once: one twice in another's place is not everybody. */
static void section_11_2_one_for_another(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };
    struct mw_span packages[3];

    close_group(p, 1, NONE);
    for (size_t i = 0; i < 3; i++)
        packages[i] = person_package(&p->all[i + 1]);
    person_renew(p, &p->all[OUTSIDER], "member1");
    packages[2] = person_package(&p->all[OUTSIDER]);
    is(mw_mls_succeed(&n.g[A], p->all[A].g, &p->all[A].id, NONE, packages, 3, PEOPLE_NOW,
                      &n.made),
       MW_MLS_E_REINIT);
    next_close(&n);
}

static void section_11_3_founder(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_REMOVE, .leaf = A };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    is(found(p, &n, OUTSIDER + 1, SPAN_LIT("aside")), MW_MLS_E_REINIT);
    p->suite = 3;
    person_renew(p, &p->all[A], NULL);
    is(found(p, &n, B, SPAN_LIT("aside")), MW_MLS_E_SUITE);
    p->suite = 1;
    person_renew(p, &p->all[A], "somebody else");
    is(found(p, &n, B, SPAN_LIT("aside")), MW_MLS_E_REINIT);
    person_renew(p, &p->all[A], "member0");
    people_commit(p, &p->all[B], &o);
    is(found(p, &n, B, SPAN_LIT("aside")), MW_MLS_E_REMOVED);
    mw_mls_free(p->all[A].g);
    p->all[A].g = NULL;
    next_close(&n);
}

/* Without the old group, or with one that does not have the epoch. */
static void section_11_without_the_old(void **state)
{
    struct people *p = *state;
    struct person *b = &p->all[B];
    struct next n = { 0 };

    is(found(p, &n, D, SPAN_LIT("aside")), 0);
    is(mw_mls_join(&n.g[B], &b->app, b->kp, bytes_span(&n.made.welcome), NONE, NULL, 0,
                   PEOPLE_NOW),
       MW_MLS_E_PSK_UNKNOWN);
    b->g->now.keys->secrets.resumption_psk.bytes[0] ^= 1;
    is(enter(p, &n, B, bytes_span(&n.made.welcome)), MW_MLS_E_SEALED);
    b->g->now.keys->secrets.resumption_psk.bytes[0] ^= 1;
    is(enter(p, &n, B, bytes_span(&n.made.welcome)), 0);
    next_close(&n);
}

/* The founding commit's Welcome, with its GroupInfo changed.  by: who signs it. */
struct altered {
    struct next n;
    struct taken_apart w;
    struct people *p;
};

static void alter_open(struct altered *a, struct people *p, size_t most, struct mw_span group_id)
{
    struct group_context old = group_context_of(&p->all[B].g->now);

    *a = (struct altered){ .p = p };
    assert_int_equal(old.epoch, mw_mls_epoch(p->all[A].g));
    is(found(p, &a->n, most, group_id), 0);
    assert_true(welcome_open(&a->w, p->all[B].kp, people_random(p), bytes_span(&a->n.made.welcome),
                             secret_span(&p->all[B].g->now.keys->secrets.resumption_psk)));
}

static void alter_refuse(struct altered *a, int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);

    assert_true(welcome_seal(&a->w, bytes_span(&a->p->all[A].signing_key), &b));
    is(enter(a->p, &a->n, B, buf_span(&b)), error);
}

/* Unchanged it is good. */
static void alter_close(struct altered *a)
{
    alter_refuse(a, 0);
    welcome_close(&a->w);
    next_close(&a->n);
}

static void section_11_2_joiner(void **state)
{
    struct people *p = *state;
    struct altered a;
    struct mw_mls_bytes list = { 0 };

    is(mw_mls_policy_write(&(struct mw_mls_policy){ 0 }, NONE, &list), 0);
    close_group(p, 1, NONE);
    alter_open(&a, p, OUTSIDER, NONE);
    a.w.info.context.epoch = 2;
    alter_refuse(&a, MW_MLS_E_REINIT);
    a.w.info.context.epoch = 1;
    a.w.info.context.extensions = bytes_span(&list);
    alter_refuse(&a, MW_MLS_E_REINIT);
    a.w.info.context.extensions = NONE;
    mw_mls_bytes_free(&list);
    alter_close(&a);
}

/* 11.2: A founds another group than was announced, under the PSK that belongs to it. */
static void section_11_2_other_group(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
    struct proposal other = {
        .type = PROPOSAL_REINIT,
        .reinit = { .group_id = SPAN_LIT("other"), .version = MLS_VERSION, .suite = 1 },
    };
    struct next n = { 0 };

    close_group(p, 1, NONE);
    proposal_write(&b, &other);
    owned_free(&p->all[A].g->reinit);
    assert_int_equal(owned_set(&p->all[A].g->reinit, buf_span(&b)), 0);
    is(found(p, &n, OUTSIDER, NONE), 0);
    is(enter(p, &n, B, bytes_span(&n.made.welcome)), MW_MLS_E_REINIT);
    next_close(&n);
}

/* 11.2: what B agreed to is of another version, suite or id than what A founds. */
static void section_11_2_promised(void **state)
{
    static const uint8_t promised[][2] = { { 2, 1 }, { 1, 2 }, { 1, 1 } };
    struct people *p = *state;
    struct next n = { 0 };

    close_group(p, 1, NONE);
    is(found(p, &n, OUTSIDER, NONE), 0);
    for (size_t i = 0; i < ARRAY_LEN(promised); i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
        struct proposal v = { .type = PROPOSAL_REINIT };

        v.reinit = (struct reinit){ SPAN_LIT("next"), promised[i][0], promised[i][1], NONE };
        proposal_write(&b, &v);
        owned_free(&p->all[B].g->reinit);
        assert_int_equal(owned_set(&p->all[B].g->reinit, buf_span(&b)), 0);
        is(enter(p, &n, B, bytes_span(&n.made.welcome)), i < 2 ? MW_MLS_E_REINIT : 0);
    }
    next_close(&n);
}

/* 11.2: the PSK is of the epoch that the ReInit led to. */
static void section_11_2_epoch(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
    struct reader r;
    struct psk_id id;
    struct altered a;
    struct mw_span had;

    close_group(p, 1, NONE);
    alter_open(&a, p, OUTSIDER, NONE);
    had = a.w.secrets.psks;
    r = (struct reader){ .rest = had };
    psk_id_read(&id, &r);
    assert_true(read_done(&r));
    id.epoch--;
    psk_id_write(&b, &id);
    {
        struct psk_input input = {
            .id = buf_span(&b), .psk = secret_span(&p->all[B].g->resumptions[0].psk),
        };

        a.w.secrets.psks = buf_span(&b);
        assert_int_equal(p->all[B].g->resumptions[0].epoch, id.epoch);
        assert_int_equal(schedule_psk(p->all[B].g->s, &input, 1, &a.w.psk), 0);
        alter_refuse(&a, MW_MLS_E_REINIT);
        input = (struct psk_input){
            .id = had, .psk = secret_span(&p->all[B].g->now.keys->secrets.resumption_psk),
        };
        assert_int_equal(schedule_psk(p->all[B].g->s, &input, 1, &a.w.psk), 0);
    }
    a.w.secrets.psks = had;
    alter_close(&a);
}

/* 11.2, 11.3: a reinit's PSK before the group was closed; a branch's that is none. */
static void section_11_usage(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
    struct reader r;
    struct psk_id id;
    struct altered a;
    struct mw_span had;

    alter_open(&a, p, D, SPAN_LIT("aside"));
    had = a.w.secrets.psks;
    r = (struct reader){ .rest = had };
    psk_id_read(&id, &r);
    id.usage = PSK_USE_REINIT;
    psk_id_write(&b, &id);
    {
        struct psk_input input = {
            .id = buf_span(&b),
            .psk = secret_span(&p->all[B].g->now.keys->secrets.resumption_psk),
        };

        a.w.secrets.psks = buf_span(&b);
        assert_int_equal(schedule_psk(p->all[B].g->s, &input, 1, &a.w.psk), 0);
        alter_refuse(&a, MW_MLS_E_REINIT);
        input.id = had;
        assert_int_equal(schedule_psk(p->all[B].g->s, &input, 1, &a.w.psk), 0);
    }
    a.w.secrets.psks = had;
    alter_close(&a);
}

static void section_11_3_joiner(void **state)
{
    struct people *p = *state;
    struct altered a;

    alter_open(&a, p, D, SPAN_LIT("aside"));
    a.w.info.context.epoch = 7;
    alter_refuse(&a, MW_MLS_E_REINIT);
    a.w.info.context.epoch = 1;
    alter_close(&a);
}

/* 11.3: in the old group's suite, whoever founds it. */
static void section_11_3_joiner_suite(void **state)
{
    struct people *p = *state;
    struct person *a = &p->all[A], *b = &p->all[B];
    struct founding founding = { .usage = PSK_USE_BRANCH, .old = a->g };
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct next n = { 0 };

    p->suite = 2;
    person_renew(p, a, NULL);
    person_renew(p, b, NULL);
    is(mw_mls_create(&n.g[A], &a->app, &a->id, SPAN_LIT("aside"), NONE, PEOPLE_NOW), 0);
    add.key_package = person_package(b);
    is(commit_make(n.g[A], &o, &founding, PEOPLE_NOW, &n.made), 0);
    is(enter(p, &n, B, bytes_span(&n.made.welcome)), MW_MLS_E_REINIT);
    next_close(&n);
}

/* The group that the ReInit announced, without its PSK: anybody could have made it. */
static void section_11_2_without_psk(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct person *b = &p->all[B], *e = &p->all[OUTSIDER];

    close_group(p, 1, NONE);
    is(mw_mls_create(&n.g[A], &e->app, &e->id, SPAN_LIT("next"), NONE, PEOPLE_NOW), 0);
    add.key_package = person_package(b);
    is(mw_mls_commit(n.g[A], &o, PEOPLE_NOW, &n.made), 0);
    is(enter(p, &n, B, bytes_span(&n.made.welcome)), MW_MLS_E_REINIT);
    next_close(&n);
}

/* A stranger in the place of a member: for the joiner to see. */
static void section_11_joined_with_a_stranger(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };

    is(found(p, &n, D, SPAN_LIT("aside")), 0);
    /* C's group, in which somebody else is whom A takes C for. */
    {
        struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = C };
        struct mw_mls_commit_options o = { .proposals = &remove, .count = 1 };

        people_commit(p, &p->all[D], &o);
        is(enter(p, &n, B, bytes_span(&n.made.welcome)), MW_MLS_E_REINIT);
    }
    mw_mls_free(p->all[C].g);
    p->all[C].g = NULL;
    next_close(&n);
}

/* Whom a credential names is the application's to say: here what stands before the slash. */
static int name_before_slash(void *context, const struct mw_mls_credential *who,
                             struct mw_span *out)
{
    size_t n = 0;

    (void)context;
    while (n < who->body.len && who->body.data[n] != '/')
        n++;
    *out = span_of(who->body.data, n);
    return n == 0 || n == who->body.len;        /* no device: nobody */
}

static void with_names(struct people *p, bool named)
{
    for (size_t i = A; i <= D; i++) {
        p->all[i].app.name = named ? name_before_slash : NULL;
        p->all[i].g->app.name = p->all[i].app.name;
    }
}

/* All four get another credential for the same client, in the group that they are in. */
static void take_devices(struct people *p)
{
    static const char *const names[] = { "ada/old", "ben/old", "cleo/old", "dan/old" };

    for (size_t i = A; i <= D; i++) {
        struct mw_mls_commit_options o = { .who = &p->all[i].id };

        person_renew(p, &p->all[i], names[i]);
        people_commit(p, &p->all[i], &o);
    }
}

/* 11.3, 12.4.3.1: "according to the application". */
static void section_11_3_named(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };

    take_devices(p);
    person_renew(p, &p->all[B], "ben/new");
    is(found(p, &n, D, SPAN_LIT("aside")), MW_MLS_E_REINIT);
    with_names(p, true);
    is(found(p, &n, D, SPAN_LIT("aside")), 0);
    is(enter(p, &n, B, bytes_span(&n.made.welcome)), 0);
    /* Who joins asks its own application. */
    with_names(p, false);
    is(enter(p, &n, C, bytes_span(&n.made.welcome)), MW_MLS_E_REINIT);
    next_close(&n);
    /* Another client, and one that has no name. */
    with_names(p, true);
    n = (struct next){ 0 };
    person_renew(p, &p->all[B], "eve/new");
    is(found(p, &n, D, SPAN_LIT("aside")), MW_MLS_E_REINIT);
    person_renew(p, &p->all[B], "ben");
    is(found(p, &n, D, SPAN_LIT("aside")), MW_MLS_E_REINIT);
    next_close(&n);
}

static void section_11_2_named(void **state)
{
    struct people *p = *state;
    struct next n = { 0 };

    take_devices(p);
    close_group(p, 1, NONE);
    for (size_t i = A; i <= D; i++) {
        char name[16];

        snprintf(name, sizeof(name), "%.*s/new",
                 (int)(strchr(p->all[i].name, '/') - p->all[i].name), p->all[i].name);
        person_renew(p, &p->all[i], name);
    }
    is(found(p, &n, OUTSIDER, NONE), MW_MLS_E_REINIT);
    with_names(p, true);
    is(found(p, &n, OUTSIDER, NONE), 0);
    for (size_t i = B; i <= D; i++)
        is(enter(p, &n, i, bytes_span(&n.made.welcome)), 0);
    all_agree(&n, OUTSIDER);
    next_close(&n);
    n = (struct next){ 0 };
    is(found(p, &n, D, NONE), MW_MLS_E_REINIT);         /* everybody, still */
    person_renew(p, &p->all[D], "cleo/two");            /* one for another */
    is(found(p, &n, OUTSIDER, NONE), MW_MLS_E_REINIT);
    next_close(&n);
}

static int part(void **state)
{
    people_close(*state);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, part)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(reinit),
        test(reinit_to_another_suite),
        test(branch),
        test(from_a_locked_meeting),
        test(section_11_2_founder),
        test(section_11_2_one_for_another),
        test(section_11_3_founder),
        test(section_11_without_the_old),
        test(section_11_2_joiner),
        test(section_11_2_other_group),
        test(section_11_2_promised),
        test(section_11_2_epoch),
        test(section_11_2_without_psk),
        test(section_11_usage),
        test(section_11_3_joiner),
        test(section_11_3_joiner_suite),
        test(section_11_joined_with_a_stranger),
        test(section_11_3_named),
        test(section_11_2_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
