/*
 * Proposals that must be refused: a case for each rule of RFC 9420 12.1 and 12.2, named by section.
 * Each is signed and authenticated as by the member that sends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"

/* ---------------------------------------------------------------- 12.1, one proposal ---- */

/* 12.1.1: the key package is valid (10.1). */
static void section_12_1_1_add(void **state)
{
    struct people *p = *state;
    struct proposal v = { .type = PROPOSAL_ADD, .add = package_of(p, OUTSIDER) };
    static const uint8_t garbage[64];

    v.add.signature = span_of(garbage, sizeof(garbage));
    refuse_proposal(p, &v, MW_MLS_E_KEY_PACKAGE_SIGNATURE);
    v.add = package_of(p, OUTSIDER);
    v.add.suite = 2;
    refuse_proposal(p, &v, MW_MLS_E_SUITE);
}

/* 12.1.2: the leaf is an update's, is signed, has a new key, and only a member sends it. */
static void section_12_1_2_update(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct proposal v = { .type = PROPOSAL_UPDATE, .update = leaf_of(p, B) };
    struct reader r;
    static const uint8_t basepoint[32] = { 9 };

    refuse_proposal(p, &v, MW_MLS_E_LEAF_SOURCE);
    v.update.source = LEAF_UPDATE;
    assert_int_equal(craft_leaf(p->all[B].g, &v.update, B, bytes_span(&p->all[B].signing_key), &b),
                     0);
    r = (struct reader){ .rest = buf_span(&b) };
    leaf_node_read(&v.update, &r);
    refuse_proposal(p, &v, MW_MLS_E_KEY_SAME);
    v.update.encryption_key = span_of(basepoint, sizeof(basepoint));
    refuse_proposal(p, &v, MW_MLS_E_LEAF_SIGNATURE);
}

/* 12.1.3: the leaf is there. */
static void section_12_1_3_remove(void **state)
{
    struct people *p = *state;
    struct proposal v = { .type = PROPOSAL_REMOVE, .remove = 4 };

    refuse_proposal(p, &v, MW_MLS_E_PROPOSAL_REMOVE);
    v.remove = UINT32_MAX;
    refuse_proposal(p, &v, MW_MLS_E_PROPOSAL_REMOVE);
}

/* 12.1.4, 8.4: the nonce's length; no reinit or branch outside of a group's founding. */
static void section_12_1_4_psk(void **state)
{
    struct people *p = *state;
    static const uint8_t nonce[32];
    struct proposal v = {
        .type = PROPOSAL_PSK,
        .psk = { .type = PSK_EXTERNAL, .id = SPAN_LIT("psk"), .nonce = span_of(nonce, 31) },
    };

    refuse_proposal(p, &v, MW_MLS_E_PSK_NONCE);
    v.psk = (struct psk_id){
        .type = PSK_RESUMPTION, .usage = PSK_USE_REINIT, .group_id = SPAN_LIT("group"),
        .nonce = span_of(nonce, 32),
    };
    refuse_proposal(p, &v, MW_MLS_E_PSK_USAGE);
    v.psk.usage = PSK_USE_BRANCH;
    refuse_proposal(p, &v, MW_MLS_E_PSK_USAGE);
}

/* 12.1.5: not to an older version. */
static void section_12_1_5_reinit(void **state)
{
    struct people *p = *state;
    struct proposal v = {
        .type = PROPOSAL_REINIT,
        .reinit = { .group_id = SPAN_LIT("next"), .version = 0, .suite = 1 },
    };

    refuse_proposal(p, &v, MW_MLS_E_PROPOSAL_REINIT);
}

/* 12.1.6: not from a member, and never proposed. */
static void section_12_1_6_external_init(void **state)
{
    struct people *p = *state;
    static const uint8_t point[32] = { 9 };
    struct proposal v = {
        .type = PROPOSAL_EXTERNAL_INIT, .kem_output = span_of(point, sizeof(point)),
    };

    refuse_proposal(p, &v, MW_MLS_E_PROPOSAL_EXTERNAL);
    refuse_list(p, &v, 1, MW_MLS_E_PROPOSAL_EXTERNAL);
}

static void extension(struct buf *out, uint16_t type, struct mw_span data)
{
    struct extension x = { .type = type, .data = data };

    extension_write(out, &x);
    assert_int_equal(buf_error(out), 0);
}

/* 12.1.7: what the context requires or has, every member supports. */
static void section_12_1_7_context_extensions(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(1000);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
    static const uint8_t type[] = { 0xF0, 0x0D };
    struct required_capabilities need = { .extensions = span_of(type, 2) };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };
    struct mw_mls_committed made = { 0 };

    required_capabilities_write(&data, &need);
    extension(&list, EXT_REQUIRED_CAPABILITIES, buf_span(&data));
    what.extensions = buf_span(&list);
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_EXTENSIONS);
    buf_truncate(&list, 0);
    extension(&list, 0xF00D, NONE);
    what.extensions = buf_span(&list);
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_EXTENSIONS);
}

/* 12.1.8: who is no member, and what they may not propose. */
static void section_12_1_8_senders(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct proposal v = { .type = PROPOSAL_REMOVE, .remove = C };
    struct mw_span key = bytes_span(&p->all[OUTSIDER].signing_key);
    struct mw_mls_bytes m = { 0 };

    proposal_write(&b, &v);
    /* There are no external senders. */
    assert_int_equal(craft_message(p->all[B].g, (struct sender){ SENDER_EXTERNAL, 0 },
                                   CONTENT_PROPOSAL, buf_span(&b), key, NONE, &m),
                     0);
    refused(p, bytes_span(&m), MW_MLS_E_SENDER);
    mw_mls_bytes_free(&m);
    /* A leaf that is not there. */
    assert_int_equal(craft_message(p->all[B].g, (struct sender){ SENDER_MEMBER, 4 },
                                   CONTENT_PROPOSAL, buf_span(&b), key, NONE, &m),
                     0);
    refused(p, bytes_span(&m), MW_MLS_E_SENDER);
    mw_mls_bytes_free(&m);
}

/* --------------------------------------------------------------- 12.2, a list of them ---- */

static void section_12_2_committer(void **state)
{
    struct people *p = *state;
    struct proposal v = { .type = PROPOSAL_REMOVE, .remove = B };
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_span ref;

    refuse_list(p, &v, 1, MW_MLS_E_PROPOSAL_COMMITTER);
    people_propose(p, &p->all[B], &update);
    ref = span_of(p->all[A].g->waiting->reference, 32);
    refuse_refs(p, &ref, 1, MW_MLS_E_PROPOSAL_COMMITTER);
}

static void section_12_2_same_leaf(void **state)
{
    struct people *p = *state;
    struct proposal v[] = {
        { .type = PROPOSAL_REMOVE, .remove = C }, { .type = PROPOSAL_REMOVE, .remove = C },
    };
    struct mw_mls_proposal update = { .type = MW_MLS_UPDATE };
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = C };
    struct mw_span refs[2];

    refuse_list(p, v, 2, MW_MLS_E_PROPOSAL_TWICE);
    people_propose(p, &p->all[C], &update);
    people_propose(p, &p->all[D], &remove);
    refs[0] = span_of(p->all[A].g->waiting->reference, 32);
    refs[1] = span_of(p->all[A].g->waiting->next->reference, 32);
    refuse_refs(p, refs, 2, MW_MLS_E_PROPOSAL_TWICE);
}

static void section_12_2_added_twice(void **state)
{
    struct people *p = *state;
    struct proposal v[2] = { { .type = PROPOSAL_ADD }, { .type = PROPOSAL_ADD } };
    struct mw_mls_key_package *first;

    v[0].add = package_of(p, OUTSIDER);
    first = p->all[OUTSIDER].kp;
    p->all[OUTSIDER].kp = NULL;
    v[1].add = package_of(p, OUTSIDER);
    refuse_list(p, v, 2, MW_MLS_E_PROPOSAL_TWICE);
    mw_mls_key_package_free(first);
}

static void section_12_2_added_member(void **state)
{
    struct people *p = *state;
    struct proposal v = { .type = PROPOSAL_ADD, .add = package_of(p, C) };

    refuse_list(p, &v, 1, MW_MLS_E_KEY_TWICE);
}

static void section_12_2_same_psk(void **state)
{
    struct people *p = *state;
    static const uint8_t nonce[32];
    struct proposal one = {
        .type = PROPOSAL_PSK,
        .psk = { .type = PSK_EXTERNAL, .id = SPAN_LIT("psk"), .nonce = span_of(nonce, 32) },
    };
    struct proposal v[] = { one, one };

    refuse_list(p, v, 2, MW_MLS_E_PROPOSAL_TWICE);
}

/* 12.4.2, 8.4: of another id, group or epoch, or with nobody to ask. */
static void section_12_4_2_psk_unknown(void **state)
{
    struct people *p = *state;
    static const uint8_t nonce[32];
    uint64_t epoch = mw_mls_epoch(p->all[A].g);
    struct proposal v = {
        .type = PROPOSAL_PSK,
        .psk = { .type = PSK_EXTERNAL, .id = SPAN_LIT("psl"), .nonce = span_of(nonce, 32) },
    };

    refuse_list(p, &v, 1, MW_MLS_E_PSK_UNKNOWN);
    p->all[A].g->app.find_psk = NULL;
    refuse_list(p, &v, 1, MW_MLS_E_PSK_UNKNOWN);
    p->all[A].g->app.find_psk = p->all[A].app.find_psk;
    v.psk = (struct psk_id){
        .type = PSK_RESUMPTION, .usage = PSK_USE_APPLICATION, .group_id = SPAN_LIT("grouq"),
        .epoch = epoch, .nonce = span_of(nonce, 32),
    };
    refuse_list(p, &v, 1, MW_MLS_E_PSK_UNKNOWN);
    v.psk.group_id = SPAN_LIT("group");
    v.psk.epoch = epoch + 1;
    refuse_list(p, &v, 1, MW_MLS_E_PSK_UNKNOWN);
    v.psk.epoch = epoch;
    refuse_list(p, &v, 1, MW_MLS_E_CONFIRMATION_TAG);   /* known: all but its tag is good */
}

/* What the application wishes for is no proposal. */
static void not_made(void **state)
{
    struct people *p = *state;
    struct mw_mls_group *g = p->all[A].g;
    struct mw_mls_proposal add = { .type = MW_MLS_ADD, .key_package = SPAN_LIT("none") };
    struct mw_mls_proposal context = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_bytes m = { 0 }, info = { 0 };

    is(mw_mls_propose(g, &add, PEOPLE_NOW, &m), MW_MLS_E_MALFORMED);
    is(mw_mls_group_info(p->all[B].g, false, &info), 0);
    add.key_package = bytes_span(&info);
    is(mw_mls_propose(g, &add, PEOPLE_NOW, &m), MW_MLS_E_KIND);
    context.extensions = SPAN_LIT("\xF0\x0D\5cut");
    is(mw_mls_propose(g, &context, PEOPLE_NOW, &m), MW_MLS_E_EXTENSIONS);
    assert_null(m.data);
    mw_mls_bytes_free(&info);
}

static void section_12_2_two_context_extensions(void **state)
{
    struct people *p = *state;
    struct proposal v[] = { { .type = PROPOSAL_EXTENSIONS }, { .type = PROPOSAL_EXTENSIONS } };

    refuse_list(p, v, 2, MW_MLS_E_PROPOSAL_TWICE);
}

static void section_12_2_reinit_beside(void **state)
{
    struct people *p = *state;
    struct proposal v[] = {
        { .type = PROPOSAL_REINIT,
          .reinit = { .group_id = SPAN_LIT("next"), .version = 1, .suite = 1 } },
        { .type = PROPOSAL_REMOVE, .remove = C },
    };

    refuse_list(p, v, 2, MW_MLS_E_PROPOSAL_REINIT);
}

static void section_12_2_references(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = C };
    static const uint8_t unknown[32] = { 1 };
    struct mw_span refs[2] = { span_of(unknown, 32) };

    refuse_refs(p, refs, 1, MW_MLS_E_PROPOSAL_UNKNOWN);
    refs[0] = span_of(unknown, 3);
    refuse_refs(p, refs, 1, MW_MLS_E_PROPOSAL_UNKNOWN);
    people_propose(p, &p->all[D], &remove);
    refs[0] = refs[1] = span_of(p->all[A].g->waiting->reference, 32);
    refuse_refs(p, refs, 2, MW_MLS_E_PROPOSAL_TWICE);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(section_12_1_1_add),
        test(section_12_1_2_update),
        test(section_12_1_3_remove),
        test(section_12_1_4_psk),
        test(section_12_1_5_reinit),
        test(section_12_1_6_external_init),
        test(section_12_1_7_context_extensions),
        test(section_12_1_8_senders),
        test(section_12_2_committer),
        test(section_12_2_same_leaf),
        test(section_12_2_added_twice),
        test(section_12_2_added_member),
        test(section_12_2_same_psk),
        test(section_12_4_2_psk_unknown),
        test(not_made),
        test(section_12_2_two_context_extensions),
        test(section_12_2_reinit_beside),
        test(section_12_2_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
