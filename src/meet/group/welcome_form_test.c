/*
 * The outside of a Welcome: what must be refused before, or just as, it is opened (RFC 9420
 * 12.4.3.1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_refuse.h"
#include "mls_welcome.h"

/* B adds the outsider; the others follow. */
static void invite(struct people *p, struct taken_apart *o)
{
    struct mw_mls_proposal add = {
        .type = MW_MLS_ADD, .key_package = person_package(&p->all[OUTSIDER]),
    };
    struct mw_mls_commit_options options = { .proposals = &add, .count = 1 };
    struct mw_mls_committed made = { 0 };

    is(mw_mls_commit(p->all[B].g, &options, PEOPLE_NOW, &made), 0);
    people_deliver(p, &p->all[B], &made.commit);
    is(mw_mls_merge(p->all[B].g), 0);
    assert_true(welcome_open(o, p->all[OUTSIDER].kp, people_random(p), bytes_span(&made.welcome),
                             NONE));
    mw_mls_committed_free(&made);
}

static int join(struct people *p, struct mw_span welcome)
{
    struct person *e = &p->all[OUTSIDER];

    return mw_mls_join(&e->g, &e->app, e->kp, welcome, NONE, NULL, 0, PEOPLE_NOW);
}

static void as_it_was(struct people *p, struct taken_apart *o)
{
    is(join(p, bytes_span(&o->welcome)), 0);
    welcome_close(o);
    people_agree(p);
}

static void section_12_4_3_1_form(void **state)
{
    struct people *p = *state;
    struct taken_apart o;

    invite(p, &o);
    is(join(p, person_package(&p->all[5])), MW_MLS_E_KIND);
    is(join(p, NONE), MW_MLS_E_MALFORMED);
    for (size_t len = 0; len < o.welcome.len; len += 1 + len / 8)
        is(join(p, span_of(o.welcome.data, len)), MW_MLS_E_MALFORMED);
    o.welcome.data[1] = 2;
    is(join(p, bytes_span(&o.welcome)), MW_MLS_E_VERSION);
    o.welcome.data[1] = 1;
    o.welcome.data[5] = 3;              /* the suite, behind version and format */
    is(join(p, bytes_span(&o.welcome)), MW_MLS_E_SUITE);
    o.welcome.data[5] = 1;
    as_it_was(p, &o);
}

/* A Welcome of these parts; the secrets are sealed with this much of a tag left, and go with this
 * GroupInfo. */
static void refuse_parts(struct people *p, const struct taken_apart *o, struct mw_span secrets,
                         size_t keep, struct mw_span info, int error)
{
    CLEANUP(buf_deinit) struct buf entries = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf room = BUF_INIT(MW_MLS_BYTES_MAX);
    const struct mw_mls_key_package *kp = o->kp;
    struct mls_message m = { .version = MLS_VERSION, .format = WIRE_WELCOME };
    struct encrypted_secrets entry = { .new_member = span_of(kp->reference, kp->s.suite->nh) };
    uint8_t enc[CRYPT_POINT_MAX];
    size_t len = secrets.len + CRYPT_TAG;

    assert_int_equal(label_seal(kp->s, o->random, kp->view.init_key, "Welcome", info, secrets, enc,
                                buf_reserve(&room, len)),
                     0);
    buf_took(&room, len);
    entry.sealed.kem_output = span_of(enc, kp->s.suite->npk);
    entry.sealed.ciphertext = span_of(room.data, keep < len ? keep : len);
    encrypted_secrets_write(&entries, &entry);
    m.welcome = (struct welcome){ 1, buf_span(&entries), info };
    mls_message_write(&out, &m);
    assert_int_equal(buf_error(&out), 0);
    is(join(p, buf_span(&out)), error);
    assert_null(p->all[OUTSIDER].g);
}

/* What is shorter than a tag, longer than what it holds, or of another length than it has. */
static void section_12_4_3_1_lengths(void **state)
{
    static const uint8_t zeros[64];
    struct people *p = *state;
    CLEANUP(buf_wipe) struct buf longer = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_wipe) struct buf joiner = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf behind = BUF_INIT(MW_MLS_BYTES_MAX);
    struct group_secrets secrets;
    struct taken_apart o;
    struct mw_span plain;

    invite(p, &o);
    plain = buf_span(&o.secrets_plain);
    for (size_t keep = 0; keep < CRYPT_TAG; keep++)
        refuse_parts(p, &o, plain, keep, SPAN_LIT("info"), MW_MLS_E_MALFORMED);
    refuse_parts(p, &o, plain, CRYPT_TAG, SPAN_LIT("info"), MW_MLS_E_SEALED);
    for (size_t len = 0; len < CRYPT_TAG; len++)
        refuse_parts(p, &o, plain, SIZE_MAX, span_of(zeros, len), MW_MLS_E_MALFORMED);
    refuse_parts(p, &o, plain, SIZE_MAX, span_of(zeros, CRYPT_TAG), MW_MLS_E_SEALED);
    buf_add(&longer, plain);
    buf_u8(&longer, 0);
    refuse_parts(p, &o, buf_span(&longer), SIZE_MAX, span_of(zeros, 64), MW_MLS_E_MALFORMED);
    secrets = o.secrets;
    secrets.joiner_secret = span_of(zeros, 31);
    group_secrets_write(&joiner, &secrets);
    refuse_parts(p, &o, buf_span(&joiner), SIZE_MAX, span_of(zeros, 64), MW_MLS_E_MALFORMED);
    o.behind = 1;
    assert_true(welcome_seal(&o, bytes_span(&p->all[B].signing_key), &behind));
    is(join(p, buf_span(&behind)), MW_MLS_E_MALFORMED);
    assert_null(p->all[OUTSIDER].g);
    as_it_was(p, &o);
}

/* 11.2: groups that one is in besides have nothing to do with it, closed or not. */
static void beside_other_groups(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal closes = {
        .type = MW_MLS_RE_INIT, .group_id = SPAN_LIT("next"), .suite = 1,
    };
    struct mw_mls_commit_options o = { .proposals = &closes, .count = 1 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_group *old[2] = { NULL, NULL };
    struct taken_apart w;

    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        is(mw_mls_create(&old[i], &e->app, &e->id, SPAN_LIT("mine"), NONE, PEOPLE_NOW), 0);
    is(mw_mls_commit(old[1], &o, PEOPLE_NOW, &made), 0);
    is(mw_mls_merge(old[1]), 0);
    mw_mls_committed_free(&made);
    invite(p, &w);
    is(mw_mls_join(&e->g, &e->app, e->kp, bytes_span(&w.welcome), NONE, old, 2, PEOPLE_NOW), 0);
    welcome_close(&w);
    people_agree(p);
    mw_mls_free(old[0]);
    mw_mls_free(old[1]);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(section_12_4_3_1_form),
        test(section_12_4_3_1_lengths),
        test(beside_other_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
