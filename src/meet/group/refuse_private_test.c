/*
 * Private messages that no honest member sends: forged in another's name, from nobody, from too far
 * ahead or from outside (RFC 9420 6.3.2, 9.2, 15.3).  What is derived for them is not kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/own.h"
#include "mls_craft.h"
#include "mls_refuse.h"

/* The epoch's ratchets as A would save them. */
static void ratchets(struct people *p, struct buf *out)
{
    const struct secret_tree *t = p->all[A].g->now.secrets;

    assert_non_null(buf_reserve(out, secret_tree_size(t)));
    secret_tree_write(t, out);
    assert_int_equal(buf_error(out), 0);
}

/* B writes as any leaf, `skip` messages further than it last heard of it, signed by itself. */
struct forgery {
    uint32_t leaf;
    unsigned skip;
    bool outside;               /* with another sender data secret than the epoch's */
};

static void forge(struct people *p, const struct forgery *f, struct buf *out)
{
    CLEANUP(buf_wipe) struct buf kept = BUF_INIT(SIZE_MAX);
    CLEANUP(secret_tree_freep) struct secret_tree *t = NULL;
    struct mw_mls_group *g = p->all[B].g;
    struct frame_keys keys = group_frame_keys(g);
    struct secret other = { .len = g->s.suite->nh };
    uint8_t signature[CRYPT_SIGNATURE_MAX];
    struct authentic a = {
        .wire_format = WIRE_PRIVATE_MESSAGE,
        .content = {
            .group_id = mw_mls_group_id(g), .epoch = mw_mls_epoch(g),
            .sender = { SENDER_MEMBER, f->leaf }, .content_type = CONTENT_APPLICATION,
            .content = SPAN_LIT("forged"),
        },
    };
    struct reader r;

    secret_tree_write(g->now.secrets, &kept);
    r = (struct reader){ .rest = buf_span(&kept) };
    assert_int_equal(secret_tree_read(&t, g->s, &r), 0);
    keys.secrets = t;
    if (f->outside)
        keys.sender_data_secret = &other;
    assert_int_equal(frame_sign(g->s, &a, owned_span(g->now.context),
                                bytes_span(&p->all[B].signing_key), signature),
                     0);
    for (unsigned i = 0; i <= f->skip; i++) {
        buf_truncate(out, 0);
        assert_int_equal(frame_private(&keys, &a, 0, people_random(p), out), 0);
    }
}

static void refuse_forged(struct people *p, const struct forgery *f, int error)
{
    CLEANUP(buf_deinit) struct buf m = BUF_INIT(MW_MLS_BYTES_MAX);

    forge(p, f, &m);
    refused(p, buf_span(&m), error);
}

/* The same, and no ratchet of A's has moved nor keeps a key. */
static void refuse_unmoved(struct people *p, const struct forgery *f, int error)
{
    CLEANUP(buf_wipe) struct buf before = BUF_INIT(SIZE_MAX);
    CLEANUP(buf_wipe) struct buf after = BUF_INIT(SIZE_MAX);

    ratchets(p, &before);
    refuse_forged(p, f, error);
    ratchets(p, &after);
    assert_true(span_eq(buf_span(&before), buf_span(&after)));
}

/* A member can encrypt as any other; it cannot sign. */
static void section_9_2_in_anothers_name(void **state)
{
    struct people *p = *state;
    struct forgery near = { .leaf = C }, far = { .leaf = C, .skip = SECRET_TREE_AHEAD };

    people_talk(p, &p->all[C]);
    for (size_t i = 0; i < 3; i++) {
        refuse_unmoved(p, &near, MW_MLS_E_SIGNATURE);
        refuse_unmoved(p, &far, MW_MLS_E_SIGNATURE);
    }
    people_talk(p, &p->all[C]);         /* the key is still C's to use */
}

/* 15.3: no more than so many are derived at once. */
static void section_15_3_too_far(void **state)
{
    struct people *p = *state;
    struct forgery f = { .leaf = C, .skip = SECRET_TREE_AHEAD + 1 };

    people_talk(p, &p->all[C]);
    refuse_unmoved(p, &f, MW_MLS_E_TOO_FAR);
    people_talk(p, &p->all[C]);
}

/* 6.3.2: without the epoch's sender data secret nothing is derived at all, not even in a part of
 * the tree that nobody has written from. */
static void section_6_3_2_outside(void **state)
{
    struct people *p = *state;
    struct forgery f = { .leaf = D, .skip = 40, .outside = true };

    refuse_unmoved(p, &f, MW_MLS_E_SEALED);
}

/* 6.3.2: the leaf that is named MUST NOT be blank. */
static void section_6_3_2_blank_leaf(void **state)
{
    struct people *p = *state;
    struct mw_mls_proposal remove = { .type = MW_MLS_REMOVE, .leaf = C };
    struct mw_mls_commit_options o = { .proposals = &remove, .count = 1 };
    struct forgery f = { .leaf = C };
    size_t size;

    people_commit(p, &p->all[B], &o);
    size = secret_tree_size(p->all[A].g->now.secrets);
    refuse_forged(p, &f, MW_MLS_E_SENDER);
    /* Nor are its keys derived: there may be a million of them. */
    assert_int_equal(secret_tree_size(p->all[A].g->now.secrets), size);
}

#define test(name) cmocka_unit_test_setup_teardown(name, refuse_open, refuse_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(section_9_2_in_anothers_name),
        test(section_15_3_too_far),
        test(section_6_3_2_outside),
        test(section_6_3_2_blank_leaf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
