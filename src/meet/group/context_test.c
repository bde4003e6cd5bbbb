/*
 * Extensions of the group context that must be refused, whoever brings them in: a case for each
 * rule of RFC 9420 5.3.1, 12.1.7, 12.1.8.1 and 13.5 that looks at them, named by section.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"

#define LIST(...) \
    span_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static const struct mw_mls_commit_options plain = { 0 };

/* external_senders of one whom nobody need know. */
static void senders(struct people *p, struct mw_span name, struct mw_mls_bytes *list)
{
    struct mw_mls_external_sender sender = {
        .signature_key = bytes_span(&p->all[OUTSIDER].signature_key),
        .credential = { MW_MLS_BASIC, name },
    };

    is(mw_mls_external_senders_write(&sender, 1, NONE, list), 0);
}

/* The proposal, in a commit of B's with a good path, as B would not make it. */
static void refuse_with_path(struct people *p, const struct proposal *v, int error)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MLS_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct proposal_or_ref by_value = { .proposal = *v };
    struct mw_mls_committed made = { 0 };
    struct mls_message m;
    struct commit c;
    struct reader r;

    is(mw_mls_commit(p->all[B].g, &plain, PEOPLE_NOW, &made), 0);
    mw_mls_drop(p->all[B].g);
    assert_true(mls_message_read(&m, bytes_span(&made.commit)));
    r = (struct reader){ .rest = m.public_message.content.content };
    commit_read(&c, &r);
    assert_true(read_done(&r));
    proposal_or_ref_write(&list, &by_value);
    c.proposals = buf_span(&list);
    commit_write(&b, &c);
    assert_int_equal(buf_error(&b), 0);
    refuse_content(p, CONTENT_COMMIT, buf_span(&b), error);
    mw_mls_committed_free(&made);
}

/* Refused by A as a proposal and in a commit, and not made by A. */
static void refuse_extensions(struct people *p, struct mw_span list, int error)
{
    struct proposal v = { .type = PROPOSAL_EXTENSIONS, .extensions = list };
    struct mw_mls_proposal ours = { .type = MW_MLS_CONTEXT_EXTENSIONS, .extensions = list };
    struct mw_mls_commit_options o = { .proposals = &ours, .count = 1 };
    struct mw_mls_committed made = { 0 };

    refuse_proposal(p, &v, error);
    is(mw_mls_commit(p->all[A].g, &o, PEOPLE_NOW, &made), error);
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), 0);
    mw_mls_drop(p->all[B].g);
    refused(p, bytes_span(&made.commit), error);
    mw_mls_committed_free(&made);
}

/* 5.3.1: an external sender that is added, or another than before, MUST be validated. */
static void section_5_3_1_external_senders(void **state)
{
    struct people *p = *state;
    struct mw_mls_bytes list = { 0 }, other = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    senders(p, SPAN_LIT("robot"), &list);
    senders(p, SPAN_LIT("robot 2"), &other);
    p->all[A].unwanted = SPAN_LIT("robot");
    refuse_extensions(p, bytes_span(&list), MW_MLS_E_CREDENTIAL);
    p->all[A].unwanted = NONE;
    what.extensions = bytes_span(&list);
    people_commit(p, &p->all[B], &o);
    p->all[A].unwanted = SPAN_LIT("robot 2");
    refuse_extensions(p, bytes_span(&other), MW_MLS_E_CREDENTIAL);
    /* Who is there already has been judged. */
    p->all[A].unwanted = SPAN_LIT("robot");
    people_commit(p, &p->all[B], &o);
    people_agree(p);
    mw_mls_bytes_free(&list);
    mw_mls_bytes_free(&other);
}

static void section_5_3_1_created(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_group *g = NULL;
    struct mw_mls_bytes list = { 0 };

    senders(p, SPAN_LIT("robot"), &list);
    e->unwanted = SPAN_LIT("robot");
    is(mw_mls_create(&g, &e->app, &e->id, SPAN_LIT("new"), bytes_span(&list), PEOPLE_NOW),
       MW_MLS_E_CREDENTIAL);
    assert_null(g);
    mw_mls_bytes_free(&list);
}

/* 5.3.1: whoever joins judges them, too. */
static void section_5_3_1_joined(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_bytes list = { 0 }, info = { 0 }, commit = { 0 };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };
    struct mw_mls_committed made = { 0 };

    senders(p, SPAN_LIT("robot"), &list);
    what.extensions = bytes_span(&list);
    people_commit(p, &p->all[B], &o);
    e->unwanted = SPAN_LIT("robot");
    is(mw_mls_group_info(p->all[B].g, true, &info), 0);
    is(mw_mls_join_external(&e->g, &e->app, &e->id, bytes_span(&info), NONE, false, NULL, 0,
                            PEOPLE_NOW, &commit),
       MW_MLS_E_CREDENTIAL);
    what = (struct mw_mls_proposal){ .type = MW_MLS_ADD, .key_package = person_package(e) };
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), 0);
    mw_mls_drop(p->all[B].g);
    is(mw_mls_join(&e->g, &e->app, e->kp, bytes_span(&made.welcome), NONE, NULL, 0, PEOPLE_NOW),
       MW_MLS_E_CREDENTIAL);
    assert_null(e->g);
    mw_mls_committed_free(&made);
    mw_mls_bytes_free(&info);
    mw_mls_bytes_free(&list);
}

/* 12.1.8.1: what does not parse is no list of senders. */
static void section_12_1_8_1_malformed(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
    struct extension x = { .type = EXT_EXTERNAL_SENDERS, .data = SPAN_LIT("\2\1k") };
    struct proposal v = { .type = PROPOSAL_EXTENSIONS };

    extension_write(&b, &x);
    v.extensions = buf_span(&b);
    refuse_proposal(p, &v, MW_MLS_E_EXTENSIONS);
    refuse_with_path(p, &v, MW_MLS_E_EXTENSIONS);
    /* 5.1.1: nor is a key of no size a key. */
    buf_truncate(&b, 0);
    x.data = SPAN_LIT("\12\3key\0\1\3who");
    extension_write(&b, &x);
    v.extensions = buf_span(&b);
    refuse_with_path(p, &v, MW_MLS_E_EXTENSIONS);
}

/* required_capabilities with this in it is refused. */
static void refuse_requiring(struct people *p, const struct required_capabilities *need)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(1000);
    struct proposal v = { .type = PROPOSAL_EXTENSIONS };
    struct extension x = { .type = EXT_REQUIRED_CAPABILITIES };

    required_capabilities_write(&data, need);
    x.data = buf_span(&data);
    extension_write(&list, &x);
    v.extensions = buf_span(&list);
    refuse_with_path(p, &v, MW_MLS_E_EXTENSIONS);
}

/* 12.1.7, 13.4: what a member lacks is refused from whoever commits it all the same. */
static void section_12_1_7_committed(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
    struct required_capabilities need[] = {
        { .extensions = LIST(0xF0, 0x0D) },
        { .proposals = LIST(0xF0, 0x0D) },
        { .credentials = LIST(0xF0, 0x0D) },
        { .extensions = LIST(0, 0) },           /* 17: no default but none at all */
        { .proposals = LIST(0, 0) },
        { .credentials = LIST(0, 0) },
    };
    struct proposal v = { .type = PROPOSAL_EXTENSIONS };
    struct extension x = { .type = 0xF00D };

    extension_write(&list, &x);
    v.extensions = buf_span(&list);
    refuse_with_path(p, &v, MW_MLS_E_EXTENSIONS);
    for (size_t i = 0; i < ARRAY_LEN(need); i++)
        refuse_requiring(p, &need[i]);
}

/* 13.5: GREASE is in the capabilities of all; nobody can do it.  All list the same one here, as
 * may happen by chance. */
static void section_13_5_not_in_context(void **state)
{
    static const uint16_t type = 0x1A1A;
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
    struct required_capabilities need[] = {
        { .extensions = LIST(0x1A, 0x1A) }, { .proposals = LIST(0x1A, 0x1A) },
    };
    struct proposal v = { .type = PROPOSAL_EXTENSIONS };
    struct extension x = { .type = type };
    struct mw_mls_commit_options o = { 0 };
    struct mw_mls_group *g = NULL;

    for (size_t i = A; i <= D; i++) {
        p->all[i].id.extensions = p->all[i].id.proposals = &type;
        p->all[i].id.extensions_count = p->all[i].id.proposals_count = 1;
        o.who = &p->all[i].id;
        people_commit(p, &p->all[i], &o);
    }
    extension_write(&list, &x);
    is(mw_mls_create(&g, &p->all[A].app, &p->all[A].id, SPAN_LIT("new"), buf_span(&list),
                     PEOPLE_NOW),
       MW_MLS_E_EXTENSIONS);
    v.extensions = buf_span(&list);
    refuse_with_path(p, &v, MW_MLS_E_EXTENSIONS);
    for (size_t i = 0; i < ARRAY_LEN(need); i++)
        refuse_requiring(p, &need[i]);
}

/* 13.5: what only looks like it is a type like others. */
static void section_13_5_not_grease(void **state)
{
    static const uint16_t types[] = { 0x1A2A, 0xFAFA };
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { 0 };

    for (size_t i = A; i <= D; i++) {
        p->all[i].id.extensions = types;
        p->all[i].id.extensions_count = ARRAY_LEN(types);
        o.who = &p->all[i].id;
        people_commit(p, &p->all[i], &o);
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        extension_write(&list, &(struct extension){ .type = types[i] });
    what.extensions = buf_span(&list);
    o = (struct mw_mls_commit_options){ .proposals = &what, .count = 1 };
    people_commit(p, &p->all[B], &o);
    people_agree(p);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(section_5_3_1_external_senders),
        test(section_5_3_1_created),
        test(section_5_3_1_joined),
        test(section_12_1_8_1_malformed),
        test(section_12_1_7_committed),
        test(section_13_5_not_in_context),
        test(section_13_5_not_grease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
