/*
 * GroupInfos that must not be joined by (RFC 9420 12.4.3, 12.4.3.2, 8.3): changed, and signed again
 * by the member that they are from.  What members refuse of an external commit:
 * refuse_external_test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"

/* B's GroupInfo, taken apart. */
struct described {
    struct mw_mls_bytes message;
    struct group_info info;
};

static void describe(struct people *p, struct described *d, bool with_tree)
{
    struct mls_message m;

    *d = (struct described){ 0 };
    is(mw_mls_group_info(p->all[B].g, with_tree, &d->message), 0);
    assert_true(mls_message_read(&m, bytes_span(&d->message)));
    d->info = m.group_info;
}

static int join(struct people *p, size_t who, struct mw_span info, struct mw_span tree,
                bool resync)
{
    struct person *e = &p->all[who];
    struct mw_mls_group *g = NULL;
    struct mw_mls_bytes commit = { 0 };
    int error = mw_mls_join_external(&g, &e->app, &e->id, info, tree, resync, NULL, 0, PEOPLE_NOW,
                                     &commit);

    assert_int_equal(error == 0, g != NULL);
    assert_int_equal(error == 0, commit.data != NULL);
    if (error == 0) {
        people_deliver(p, e, &commit);
        mw_mls_free(e->g);
        e->g = g;
    }
    mw_mls_bytes_free(&commit);
    return error;
}

static void put_together(const struct people *p, const struct described *d, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf content = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mls_message m = { .version = MLS_VERSION, .format = WIRE_GROUP_INFO };
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    size_t len;

    m.group_info = d->info;
    group_info_write_signed(&content, &m.group_info);
    assert_int_equal(label_sign(p->all[A].g->s, bytes_span(&p->all[B].signing_key), "GroupInfoTBS",
                                buf_span(&content), signature, &len),
                     0);
    m.group_info.signature = span_of(signature, len);
    mls_message_write(out, &m);
    assert_int_equal(buf_error(out), 0);
}

static void refuse(struct people *p, const struct described *d, int error)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);

    put_together(p, d, &b);
    is(join(p, OUTSIDER, buf_span(&b), NONE, false), error);
}

/* Unchanged it is good. */
static void as_it_was(struct people *p, struct described *d)
{
    refuse(p, d, 0);
    mw_mls_bytes_free(&d->message);
    people_agree(p);
}

static void section_12_4_3_form(void **state)
{
    struct people *p = *state;
    struct described d;
    struct mw_span all;

    describe(p, &d, true);
    all = bytes_span(&d.message);
    is(join(p, OUTSIDER, person_package(&p->all[5]), NONE, false), MW_MLS_E_KIND);
    for (size_t len = 0; len < all.len; len += 1 + len / 8)
        is(join(p, OUTSIDER, span_of(all.data, len), NONE, false), MW_MLS_E_MALFORMED);
    d.message.data[1] = 2;
    is(join(p, OUTSIDER, all, NONE, false), MW_MLS_E_VERSION);
    d.message.data[1] = 1;
    d.info.context.version = 2;
    refuse(p, &d, MW_MLS_E_VERSION);
    d.info.context.version = 1;
    d.info.context.suite = 3;
    refuse(p, &d, MW_MLS_E_SUITE);
    d.info.context.suite = 1;
    as_it_was(p, &d);
}

static void section_12_4_3_signature(void **state)
{
    struct people *p = *state;
    struct described d;

    describe(p, &d, true);
    d.message.data[d.message.len - 1] ^= 1;
    is(join(p, OUTSIDER, bytes_span(&d.message), NONE, false), MW_MLS_E_GROUP_INFO_SIGNATURE);
    d.message.data[d.message.len - 1] ^= 1;
    d.info.signer = C;
    refuse(p, &d, MW_MLS_E_GROUP_INFO_SIGNATURE);
    d.info.signer = 9;
    refuse(p, &d, MW_MLS_E_GROUP_INFO_SIGNER);
    d.info.signer = B;
    as_it_was(p, &d);
}

/* The extensions with one of them another, or gone. */
static void put(struct mw_span list, uint16_t type, struct mw_span data, struct buf *out)
{
    struct reader r = { .rest = list };

    while (read_more(&r)) {
        struct extension x;

        extension_read(&x, &r);
        if (x.type == type)
            x.data = data;
        if (x.data.data != NULL)
            extension_write(out, &x);
    }
    assert_int_equal(buf_error(out), 0);
}

/* 8.3, 12.4.3.2: a key to join by, which is one. */
static void section_8_3_external_pub(void **state)
{
    static const uint8_t low_order[33] = { 32 };
    static const struct {
        const uint8_t *data;
        size_t len;
    } bad[] = { { NULL, 0 }, { low_order, 0 }, { low_order, 32 }, { low_order, 33 } };
    CLEANUP(buf_deinit) struct buf longer = BUF_INIT(100);
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(MW_MLS_BYTES_MAX);
    struct people *p = *state;
    struct mw_span had, pub = NONE;
    struct described d;

    describe(p, &d, true);
    had = d.info.extensions;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(MW_MLS_BYTES_MAX);

        put(had, EXT_EXTERNAL_PUB, span_of(bad[i].data, bad[i].len), &b);
        d.info.extensions = buf_span(&b);
        refuse(p, &d, MW_MLS_E_EXTERNAL_PUB);
    }
    /* The right one, and something behind it. */
    assert_true(extension_find(had, EXT_EXTERNAL_PUB, &pub));
    buf_add(&longer, pub);
    buf_u8(&longer, 0);
    put(had, EXT_EXTERNAL_PUB, buf_span(&longer), &list);
    d.info.extensions = buf_span(&list);
    refuse(p, &d, MW_MLS_E_EXTERNAL_PUB);
    d.info.extensions = had;
    as_it_was(p, &d);
}

/* 12.4: there is no epoch after the last. */
static void section_12_4_last_epoch(void **state)
{
    struct people *p = *state;
    struct described d;
    uint64_t had;

    describe(p, &d, true);
    had = d.info.context.epoch;
    d.info.context.epoch = UINT64_MAX;
    refuse(p, &d, MW_MLS_E_EXHAUSTED);
    d.info.context.epoch = had;
    as_it_was(p, &d);
}

/* 5.3: who joins has the private key of the leaf. */
static void another_signing_key(void **state)
{
    struct people *p = *state;
    struct mw_mls_identity *id = &p->all[OUTSIDER].id;
    struct mw_span had = id->signing_key;
    struct described d;

    describe(p, &d, true);
    id->signing_key = p->all[C].id.signing_key;
    refuse(p, &d, MW_MLS_E_KEY);
    id->signing_key = span_cut(had, 0, had.len - 1);
    refuse(p, &d, MW_MLS_E_KEY);
    id->signing_key = had;
    as_it_was(p, &d);
}

static void section_12_4_3_tree(void **state)
{
    static const uint8_t wrong[32];
    struct people *p = *state;
    CLEANUP(buf_deinit) struct buf longer = BUF_INIT(MW_MLS_BYTES_MAX);
    struct mw_mls_bytes tree = { 0 };
    struct mw_span had;
    struct described d;

    describe(p, &d, false);
    is(join(p, OUTSIDER, bytes_span(&d.message), NONE, false), MW_MLS_E_TREE_MISSING);
    is(join(p, OUTSIDER, bytes_span(&d.message), SPAN_LIT("\2\1\1"), false), MW_MLS_E_TREE);
    mw_mls_bytes_free(&d.message);
    describe(p, &d, true);
    had = d.info.context.tree_hash;
    d.info.context.tree_hash = span_of(wrong, 32);
    refuse(p, &d, MW_MLS_E_TREE_HASH);
    d.info.context.tree_hash = had;
    p->all[OUTSIDER].distrusts = true;          /* every leaf is judged */
    refuse(p, &d, MW_MLS_E_CREDENTIAL);
    p->all[OUTSIDER].distrusts = false;
    mw_mls_bytes_free(&d.message);
    describe(p, &d, false);
    is(mw_mls_tree(p->all[B].g, &tree), 0);
    buf_add(&longer, bytes_span(&tree));
    buf_u8(&longer, 0);                         /* something after the tree */
    is(join(p, OUTSIDER, bytes_span(&d.message), buf_span(&longer), false), MW_MLS_E_TREE);
    is(join(p, OUTSIDER, bytes_span(&d.message), bytes_span(&tree), false), 0);
    mw_mls_bytes_free(&tree);
    mw_mls_bytes_free(&d.message);
    people_agree(p);
}

/* 12.2: somebody who is in comes back by a resync, and nobody else does. */
static void section_12_2_resync(void **state)
{
    struct people *p = *state;
    struct described d;

    describe(p, &d, true);
    is(join(p, OUTSIDER, bytes_span(&d.message), NONE, true), MW_MLS_E_PROPOSAL_REMOVE);
    is(join(p, C, bytes_span(&d.message), NONE, false), MW_MLS_E_KEY_TWICE);
    mw_mls_free(p->all[C].g);           /* C lost it */
    p->all[C].g = NULL;
    is(join(p, C, bytes_span(&d.message), NONE, true), 0);
    mw_mls_bytes_free(&d.message);
    people_agree(p);
}

static void psks(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_span ids[] = { SPAN_LIT("psk"), SPAN_LIT("other") };
    struct mw_mls_group *g = NULL;
    struct mw_mls_bytes commit = { 0 };
    struct described d;

    describe(p, &d, true);
    is(mw_mls_join_external(&g, &e->app, &e->id, bytes_span(&d.message), NONE, false, ids, 2,
                            PEOPLE_NOW, &commit),
       MW_MLS_E_PSK_UNKNOWN);
    is(mw_mls_join_external(&g, &e->app, &e->id, bytes_span(&d.message), NONE, false, ids,
                            MW_MLS_PENDING_MAX + 1, PEOPLE_NOW, &commit),
       MW_MLS_E_TOO_BIG);
    assert_null(g);
    as_it_was(p, &d);
}

/* 12.1.8: what nobody outside may propose is not even made. */
static void section_12_1_8_not_made(void **state)
{
    struct people *p = *state;
    struct person *e = &p->all[OUTSIDER];
    struct mw_mls_proposal what = { .type = MW_MLS_REMOVE, .leaf = C };
    struct mw_mls_bytes m = { 0 };
    struct mw_span key = bytes_span(&e->signing_key);

    is(mw_mls_external_propose(&e->app, 9, SPAN_LIT("group"), 1, 0, key, &what, &m),
       MW_MLS_E_SUITE);
    is(mw_mls_external_propose(&e->app, 1, SPAN_LIT("group"), 1, 0, span_of(key.data, 31), &what,
                               &m),
       MW_MLS_E_KEY);
    what.type = MW_MLS_UPDATE;
    is(mw_mls_external_propose(&e->app, 1, SPAN_LIT("group"), 1, 0, key, &what, &m),
       MW_MLS_E_PROPOSAL_SENDER);
    what.type = MW_MLS_EXTERNAL_INIT;
    is(mw_mls_external_propose(&e->app, 1, SPAN_LIT("group"), 1, 0, key, &what, &m),
       MW_MLS_E_PROPOSAL_SENDER);
    assert_null(m.data);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(section_8_3_external_pub),
        test(section_12_4_last_epoch),
        test(another_signing_key),
        test(section_12_1_8_not_made),
        test(section_12_2_resync),
        test(section_12_4_3_form),
        test(section_12_4_3_signature),
        test(section_12_4_3_tree),
        test(psks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
