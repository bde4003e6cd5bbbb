/*
 * Leaves and key packages that must be refused: a case for each rule of RFC 9420 5.3, 7.2, 7.3 and
 * 10.1, named by section.  Each is signed as it should be, unless the signature is what is wrong.
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

/* A key package of the outsider's that is changed and signed anew. */
struct draft {
    struct key_package kp;
    struct buf leaf, all, caps;
};

static void draft_open(struct draft *d, struct people *p)
{
    *d = (struct draft){
        .kp = package_of(p, OUTSIDER), .leaf = BUF_INIT(SIZE_MAX), .all = BUF_INIT(SIZE_MAX),
        .caps = BUF_INIT(SIZE_MAX),
    };
}

static void draft_close(struct draft *d)
{
    buf_deinit(&d->leaf);
    buf_deinit(&d->all);
    buf_deinit(&d->caps);
}

static void draft_sign(struct draft *d, struct people *p, struct mw_span leaf_key)
{
    const struct mw_mls_group *g = p->all[B].g;
    struct reader r;

    assert_int_equal(craft_leaf(g, &d->kp.leaf, 0, leaf_key, &d->leaf), 0);
    r = (struct reader){ .rest = buf_span(&d->leaf) };
    leaf_node_read(&d->kp.leaf, &r);
    assert_true(read_done(&r));
    assert_int_equal(craft_package(g, &d->kp, bytes_span(&p->all[OUTSIDER].signing_key), &d->all),
                     0);
    r = (struct reader){ .rest = buf_span(&d->all) };
    key_package_read(&d->kp, &r);
    assert_true(read_done(&r));
}

/* Signed as it should be, proposed by B. */
static void draft_refuse(struct draft *d, struct people *p, int error)
{
    struct proposal v = { .type = PROPOSAL_ADD };

    draft_sign(d, p, bytes_span(&p->all[OUTSIDER].signing_key));
    v.add = d->kp;
    refuse_proposal(p, &v, error);
    draft_close(d);
}

/* Good by itself, and refused when it is committed. */
static void draft_refuse_commit(struct draft *d, struct people *p, int error)
{
    struct proposal v = { .type = PROPOSAL_ADD };

    draft_sign(d, p, bytes_span(&p->all[OUTSIDER].signing_key));
    v.add = d->kp;
    refuse_list(p, &v, 1, error);
    draft_close(d);
}

static void section_7_3_signature(void **state)
{
    struct people *p = *state;
    struct proposal v = { .type = PROPOSAL_ADD };
    struct draft d;

    draft_open(&d, p);
    draft_sign(&d, p, bytes_span(&p->all[B].signing_key));
    v.add = d.kp;
    refuse_proposal(p, &v, MW_MLS_E_LEAF_SIGNATURE);
    draft_close(&d);
}

static void section_7_3_source(void **state)
{
    static const uint8_t sources[] = { LEAF_UPDATE, LEAF_COMMIT };
    struct people *p = *state;
    struct draft d;

    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        draft_open(&d, p);
        d.kp.leaf.source = sources[i];
        draft_refuse(&d, p, MW_MLS_E_LEAF_SOURCE);
    }
}

/* 7.2: it lists what it uses itself. */
static void section_7_2_capabilities(void **state)
{
    struct people *p = *state;
    struct draft d;
    struct extension x = { .type = 0xF00D };

    draft_open(&d, p);
    d.kp.leaf.capabilities.versions = LIST(0, 2);
    draft_refuse(&d, p, MW_MLS_E_LEAF_CAPABILITIES);
    draft_open(&d, p);
    d.kp.leaf.capabilities.suites = LIST(0, 2, 0, 3);
    draft_refuse(&d, p, MW_MLS_E_LEAF_CAPABILITIES);
    draft_open(&d, p);
    d.kp.leaf.capabilities.credentials = LIST(0, 2);
    draft_refuse(&d, p, MW_MLS_E_LEAF_CAPABILITIES);
    draft_open(&d, p);
    extension_write(&d.caps, &x);
    d.kp.leaf.extensions = buf_span(&d.caps);
    draft_refuse(&d, p, MW_MLS_E_LEAF_CAPABILITIES);
}

/* 7.2: what is default MUST NOT be listed, whatever the application says it can do. */
static void section_7_2_defaults(void **state)
{
    static const uint16_t extensions[] = { 1, 5, 0xF00D }, proposals[] = { 1, 7, 0xF00D };
    struct people *p = *state;
    struct mw_mls_identity *id = &p->all[OUTSIDER].id;
    struct capabilities c;

    id->extensions = extensions;
    id->proposals = proposals;
    id->extensions_count = id->proposals_count = 3;
    c = package_of(p, OUTSIDER).leaf.capabilities;
    for (uint16_t i = 1; i <= 7; i++) {
        assert_false(u16_list_has(c.extensions, i));
        assert_false(u16_list_has(c.proposals, i));
    }
    assert_true(u16_list_has(c.extensions, 0xF00D));
    assert_true(u16_list_has(c.proposals, 0xF00D));
}

/* 7.3: who sends a leaf MUST verify that its lifetime has begun and is not over. */
static void section_7_3_sent(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_wall from = { PEOPLE_NOW.s - 60 }, to = { PEOPLE_NOW.s - 1 };
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct mw_mls_committed made = { 0 };
    struct mw_mls_key_package *kp = NULL;
    struct mw_mls_bytes m = { 0 };

    is(mw_mls_key_package_new(&kp, &e->app, &e->id, from, to), 0);
    add.key_package = mw_mls_key_package_bytes(kp);
    is(mw_mls_propose(p->all[B].g, &add, PEOPLE_NOW, &m), MW_MLS_E_LIFETIME);
    is(mw_mls_commit(p->all[B].g, &o, PEOPLE_NOW, &made), MW_MLS_E_LIFETIME);
    is(mw_mls_propose(p->all[B].g, &add, to, &m), 0);
    mw_mls_bytes_free(&m);
    mw_mls_key_package_free(kp);
    o = (struct mw_mls_commit_options){ .leave_out_received = true };
    people_commit(p, &p->all[B], &o);
}

static void section_7_3_keys(void **state)
{
    static const uint8_t zeros[32];
    struct people *p = *state;
    struct draft d;

    draft_open(&d, p);
    d.kp.leaf.encryption_key = span_of(zeros, 31);
    draft_refuse(&d, p, MW_MLS_E_KEY);
    draft_open(&d, p);
    d.kp.leaf.encryption_key = span_of(zeros, 0);
    draft_refuse(&d, p, MW_MLS_E_KEY);
}

/* 7.2, 7.3: valid now, and not for longer than the application takes. */
static void section_7_3_lifetime(void **state)
{
    static const struct {
        int64_t from, to;
    } bad[] = {
        { 1, 86400 }, { -86400, -1 }, { 60, -60 }, { -86400, 90 * 86400 },
    };
    struct people *p = *state;
    struct draft d;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        draft_open(&d, p);
        d.kp.leaf.not_before = (uint64_t)(PEOPLE_NOW.s + bad[i].from);
        d.kp.leaf.not_after = (uint64_t)(PEOPLE_NOW.s + bad[i].to);
        draft_refuse(&d, p, MW_MLS_E_LIFETIME);
    }
    draft_open(&d, p);
    d.kp.leaf.not_before = 0;
    d.kp.leaf.not_after = UINT64_MAX;
    draft_refuse(&d, p, MW_MLS_E_LIFETIME);
    p->all[A].g->app.lifetime_max_s = 600;
    draft_open(&d, p);
    draft_refuse(&d, p, MW_MLS_E_LIFETIME);
    p->all[A].g->app.lifetime_max_s = 0;
}

/* 7.2: both ends are within it, and so is the longest; only the commit's tag is wrong then. */
static void section_7_2_lifetime_taken(void **state)
{
    static const int64_t most = 90 * 86400 + 3600, taken[][2] = {
        { 0, 0 }, { 0, most }, { -most, 0 },
    };
    struct people *p = *state;
    struct draft d;

    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        draft_open(&d, p);
        d.kp.leaf.not_before = (uint64_t)(PEOPLE_NOW.s + taken[i][0]);
        d.kp.leaf.not_after = (uint64_t)(PEOPLE_NOW.s + taken[i][1]);
        draft_refuse_commit(&d, p, MW_MLS_E_CONFIRMATION_TAG);
    }
    draft_open(&d, p);
    d.kp.leaf.not_before = (uint64_t)PEOPLE_NOW.s;
    d.kp.leaf.not_after = (uint64_t)(PEOPLE_NOW.s + most + 1);
    draft_refuse(&d, p, MW_MLS_E_LIFETIME);
}

/* 7.2: application_id is one of the defaults, which no leaf lists. */
static void section_7_2_application_id(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(100);
    struct draft d;

    extension_write(&list, &(struct extension){ EXT_APPLICATION_ID, SPAN_LIT("me") });
    draft_open(&d, p);
    d.kp.leaf.extensions = buf_span(&list);
    draft_refuse_commit(&d, p, MW_MLS_E_CONFIRMATION_TAG);
}

static void section_5_3_1_credential(void **state)
{
    struct people *p = *state;
    struct draft d;

    p->all[A].distrusts = true;
    draft_open(&d, p);
    draft_refuse(&d, p, MW_MLS_E_CREDENTIAL);
    p->all[A].distrusts = false;
}

/* 5.3: everybody takes its type, and it takes everybody's. */
static void section_5_3_credential_types(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct draft d;

    draft_open(&d, p);
    d.kp.leaf.credential = (struct credential){ .type = CREDENTIAL_X509, .body = LIST(1, 7) };
    d.kp.leaf.capabilities.credentials = LIST(0, 2);
    draft_refuse_commit(&d, p, MW_MLS_E_CREDENTIAL_UNSUPPORTED);
    /* One that takes basic credentials only comes in; then one that has another does not. */
    draft_open(&d, p);
    d.kp.leaf.capabilities.credentials = LIST(0, 1);
    draft_sign(&d, p, bytes_span(&p->all[OUTSIDER].signing_key));
    add.key_package = d.kp.wire;
    mw_mls_key_package_free(p->all[OUTSIDER].kp);       /* no Welcome for it */
    p->all[OUTSIDER].kp = NULL;
    people_commit(p, &p->all[B], &o);
    draft_close(&d);
    person_renew(p, &p->all[OUTSIDER], NULL);
    draft_open(&d, p);
    d.kp.leaf.credential = (struct credential){ .type = CREDENTIAL_X509, .body = LIST(1, 7) };
    draft_refuse_commit(&d, p, MW_MLS_E_CREDENTIAL_UNSUPPORTED);
}

/* The group's context from now on. */
static void context(struct people *p, uint16_t type, struct mw_span data)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
    struct extension x = { .type = type, .data = data };
    struct mw_mls_proposal what = { .type = MW_MLS_CONTEXT_EXTENSIONS };
    struct mw_mls_commit_options o = { .proposals = &what, .count = 1 };

    extension_write(&list, &x);
    what.extensions = buf_span(&list);
    people_commit(p, &p->all[B], &o);
}

/* 7.3, 11.1: what the group requires. */
static void section_7_3_required(void **state)
{
    static const uint8_t meeting[] = { MW_MLS_EXT_MEETING >> 8, MW_MLS_EXT_MEETING & 0xff };
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(1000);
    struct required_capabilities need = {
        .extensions = span_of(meeting, 2), .proposals = LIST(0, 1, 0, 7), .credentials = LIST(0, 2),
    };
    struct draft d;

    required_capabilities_write(&data, &need);
    context(p, EXT_REQUIRED_CAPABILITIES, buf_span(&data));
    draft_open(&d, p);
    d.kp.leaf.capabilities.extensions = LIST(0xF0, 0x0D);
    draft_refuse_commit(&d, p, MW_MLS_E_LEAF_UNSUPPORTED);
    draft_open(&d, p);
    d.kp.leaf.capabilities.credentials = LIST(0, 1);
    draft_refuse_commit(&d, p, MW_MLS_E_LEAF_UNSUPPORTED);
}

/* 7.3: a proposal that the group requires, which only some list. */
static void section_7_3_required_proposal(void **state)
{
    static const uint16_t custom = 0xF00D;
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(1000);
    struct required_capabilities need = { .proposals = LIST(0xF0, 0x0D) };
    struct mw_mls_commit_options o = { 0 };
    struct draft d;

    for (size_t i = A; i <= D; i++) {
        p->all[i].id.proposals = &custom;
        p->all[i].id.proposals_count = 1;
        o.who = &p->all[i].id;
        people_commit(p, &p->all[i], &o);
    }
    required_capabilities_write(&data, &need);
    context(p, EXT_REQUIRED_CAPABILITIES, buf_span(&data));
    draft_open(&d, p);
    draft_refuse_commit(&d, p, MW_MLS_E_LEAF_UNSUPPORTED);
}

/* 7.2: the context's extensions are the members'. */
static void section_7_3_context(void **state)
{
    struct people *p = *state;
    struct mw_mls_policy policy = { .external_removes_only = true };
    struct mw_mls_bytes list = { 0 };
    struct mw_span data;
    struct draft d;

    is(mw_mls_policy_write(&policy, NONE, &list), 0);
    assert_true(extension_find(bytes_span(&list), MW_MLS_EXT_MEETING, &data));
    context(p, MW_MLS_EXT_MEETING, data);
    mw_mls_bytes_free(&list);
    draft_open(&d, p);
    d.kp.leaf.capabilities.extensions = LIST(0xF0, 0x0D);
    draft_refuse_commit(&d, p, MW_MLS_E_LEAF_UNSUPPORTED);
}

static void refuse_update(struct people *p, const struct leaf_node *leaf, uint32_t index,
                          int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);
    struct proposal v = { .type = PROPOSAL_UPDATE };
    struct reader r;

    assert_int_equal(craft_leaf(p->all[B].g, leaf, index, bytes_span(&p->all[B].signing_key), &b),
                     0);
    r = (struct reader){ .rest = buf_span(&b) };
    leaf_node_read(&v.update, &r);
    assert_true(read_done(&r));
    refuse_proposal(p, &v, error);
}

/* 7.2: an update's leaf is signed for its place; 5.1.1: keys of the suite's size. */
static void section_7_3_update(void **state)
{
    struct people *p = *state;
    struct leaf_node leaf = leaf_of(p, B);
    struct key_package other = package_of(p, OUTSIDER);

    leaf.source = LEAF_UPDATE;
    leaf.encryption_key = other.leaf.encryption_key;
    refuse_update(p, &leaf, C, MW_MLS_E_LEAF_SIGNATURE);
    leaf.signature_key.len--;
    refuse_update(p, &leaf, B, MW_MLS_E_KEY);
    leaf.signature_key.len = 0;
    refuse_update(p, &leaf, B, MW_MLS_E_KEY);
}

static void section_10_1_package(void **state)
{
    static const uint8_t zeros[64];
    struct people *p = *state;
    struct proposal v = { .type = PROPOSAL_ADD };
    struct draft d;

    draft_open(&d, p);
    d.kp.version = 2;
    draft_refuse(&d, p, MW_MLS_E_VERSION);
    draft_open(&d, p);
    d.kp.suite = 3;
    draft_refuse(&d, p, MW_MLS_E_SUITE);
    draft_open(&d, p);
    d.kp.init_key = d.kp.leaf.encryption_key;
    draft_refuse(&d, p, MW_MLS_E_INIT_KEY);
    draft_open(&d, p);
    d.kp.init_key = span_of(zeros, 33);
    draft_refuse(&d, p, MW_MLS_E_KEY);
    v.add = package_of(p, OUTSIDER);
    v.add.signature = span_of(zeros, sizeof(zeros));
    refuse_proposal(p, &v, MW_MLS_E_KEY_PACKAGE_SIGNATURE);
    v.add = package_of(p, OUTSIDER);
    v.add.signature.len = 0;
    refuse_proposal(p, &v, MW_MLS_E_KEY_PACKAGE_SIGNATURE);
}

static bool is_grease(uint16_t v)
{
    return (v & 0x0F0F) == 0x0A0A && v >> 8 == (v & 0xFF) && v != 0xFAFA;
}

static size_t grease_in(struct mw_span list)
{
    struct reader r = { .rest = list };
    size_t n = 0;

    while (read_more(&r))
        n += is_grease(read_u16(&r));
    return n;
}

/* 13.5: ours carry it; what others carry of it is nothing to us. */
static void section_13_5_grease(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
    struct mw_mls_proposal add = { .type = MW_MLS_ADD };
    struct mw_mls_commit_options o = { .proposals = &add, .count = 1 };
    struct extension x = { .type = 0x1A1A, .data = SPAN_LIT("?") };
    struct draft d;

    draft_open(&d, p);
    assert_int_equal(grease_in(d.kp.leaf.capabilities.suites), 1);
    assert_int_equal(grease_in(d.kp.leaf.capabilities.extensions), 1);
    assert_int_equal(grease_in(d.kp.leaf.capabilities.proposals), 1);
    assert_int_equal(grease_in(d.kp.leaf.capabilities.credentials), 1);
    extension_write(&list, &x);
    d.kp.extensions = buf_span(&list);
    d.kp.leaf.extensions = buf_span(&list);
    d.kp.leaf.capabilities.extensions = LIST(0x1A, 0x1A, 0x3A, 0x3A);
    d.kp.leaf.capabilities.versions = LIST(0x2A, 0x2A, 0, 1);
    draft_sign(&d, p, bytes_span(&p->all[OUTSIDER].signing_key));
    add.key_package = d.kp.wire;
    mw_mls_key_package_free(p->all[OUTSIDER].kp);
    p->all[OUTSIDER].kp = NULL;
    people_commit(p, &p->all[B], &o);
    assert_int_equal(mw_mls_member_count(p->all[A].g), 5);
    draft_close(&d);
}

/* Long lists do not cost their product; that the credential is what is refused says that all else
 * was looked at and good. */
static void long_lists(void **state)
{
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf extensions = BUF_INIT(1u << 20);
    struct draft d;

    draft_open(&d, p);
    for (uint32_t i = 0; i < 1u << 16; i++)
        buf_u16(&d.caps, (uint16_t)(i % 0x8000));
    for (uint16_t i = 0x7FFF; i > EXT_EXTERNAL_SENDERS; i--) {
        struct extension x = { .type = i };

        extension_write(&extensions, &x);
    }
    d.kp.leaf.capabilities.extensions = buf_span(&d.caps);
    d.kp.leaf.extensions = buf_span(&extensions);
    p->all[A].distrusts = true;
    draft_refuse(&d, p, MW_MLS_E_CREDENTIAL);
    p->all[A].distrusts = false;
}

/* Who we say we are goes together, or no key package is made. */
static void identities(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1000);
    struct mw_wall from = { PEOPLE_NOW.s - 60 }, to = { PEOPLE_NOW.s + 60 };
    struct mw_mls_key_package *kp = NULL;
    struct mw_mls_identity id = e->id;
    struct extension x = { .type = 0xF00D };

    id.suite = 9;
    is(mw_mls_key_package_new(&kp, &e->app, &id, from, to), MW_MLS_E_SUITE);
    id.suite = 2;
    is(mw_mls_key_package_new(&kp, &e->app, &id, from, to), MW_MLS_E_KEY);
    id = e->id;
    id.credential.type = 3;
    is(mw_mls_key_package_new(&kp, &e->app, &id, from, to), MW_MLS_E_MALFORMED);
    id = e->id;
    id.signing_key.len--;
    is(mw_mls_key_package_new(&kp, &e->app, &id, from, to), MW_MLS_E_KEY);
    id = e->id;
    id.signature_key = p->all[B].id.signature_key;
    is(mw_mls_key_package_new(&kp, &e->app, &id, from, to), MW_MLS_E_KEY);
    id = e->id;
    is(mw_mls_key_package_new(&kp, &e->app, &id, to, from), MW_MLS_E_LIFETIME);
    extension_write(&list, &x);
    id.leaf_extensions = buf_span(&list);
    is(mw_mls_key_package_new(&kp, &e->app, &id, from, to), MW_MLS_E_LEAF_CAPABILITIES);
    id.leaf_extensions.len--;
    is(mw_mls_key_package_new(&kp, &e->app, &id, from, to), MW_MLS_E_MALFORMED);
    id.leaf_extensions = buf_span(&list);
    id.extensions = &x.type;
    id.extensions_count = 1;
    is(mw_mls_key_package_new(&kp, &e->app, &id, from, to), 0);
    mw_mls_key_package_free(kp);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(section_5_3_1_credential),
        test(section_5_3_credential_types),
        test(section_7_2_capabilities),
        test(section_7_3_signature),
        test(section_7_3_source),
        test(section_7_2_defaults),
        test(section_7_3_sent),
        test(section_7_3_keys),
        test(section_7_3_lifetime),
        test(section_7_2_lifetime_taken),
        test(section_7_2_application_id),
        test(section_7_3_required),
        test(section_7_3_required_proposal),
        test(section_7_3_context),
        test(section_7_3_update),
        test(section_10_1_package),
        test(section_13_5_grease),
        test(long_lists),
        test(identities),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
