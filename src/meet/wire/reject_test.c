/* What RFC 9420 says is malformed, by section: each test alters one thing of a structure that
 * reads, and it does not read any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meet/wire/again.h"
#include "mls_samples.h"

static const struct mls_sample *sample(const char *name)
{
    for (size_t i = 0; i < mls_samples_len; i++)
        if (strcmp(mls_samples[i].name, name) == 0)
            return &mls_samples[i];
    fail_msg("no sample %s", name);
    return NULL;
}

static bool reads(const char *noun, struct mw_span wire)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    enum again_result r = again_find(noun)->run(&b, wire);

    assert_true(r != AGAIN_BROKEN);
    return r == AGAIN_SAME;
}

/* A structure that reads, and what it is made of, to be altered. */
struct altered {
    const char *noun;
    struct buf b;
};

static void altered_deinit(struct altered *a)
{
    buf_deinit(&a->b);
}

static struct altered altered(const char *name)
{
    struct altered a = { sample(name)->noun, BUF_INIT(1 << 16) };

    sample(name)->make(&a.b);
    assert_int_equal(buf_error(&a.b), 0);
    assert_true(reads(a.noun, buf_span(&a.b)));
    return a;
}

/* Where a piece of it stands: the place is found by its bytes, so that what a test alters is seen
 * in the test. */
static size_t place(const struct altered *a, struct mw_span bytes)
{
    for (size_t at = 0; at + bytes.len <= a->b.len; at++)
        if (memcmp(a->b.data + at, bytes.data, bytes.len) == 0)
            return at;
    fail_msg("no such bytes in %s", a->noun);
    return 0;
}

/* It reads with one byte as `well`, and not as any of `ill`. */
static void assert_only(struct altered *a, size_t at, struct mw_span ill)
{
    uint8_t was = a->b.data[at];

    for (size_t i = 0; i < ill.len; i++) {
        a->b.data[at] = ill.data[i];
        if (reads(a->noun, buf_span(&a->b)))
            fail_msg("%s: byte %zu as %u", a->noun, at, ill.data[i]);
    }
    a->b.data[at] = was;
}

/* ----------------------------------------------------------------- 2.1.1, 2.1.2 ---- */

static void test_2_1_1_presence(void **state)
{
    CLEANUP(altered_deinit) struct altered commit = altered("commit_path");
    CLEANUP(altered_deinit) struct altered secrets = altered("secrets_full");
    const struct mw_span ill = SPAN_LIT("\x00\x02\x03\x80\xff");

    (void)state;
    assert_only(&commit, 1 + 1 + 1 + 32, ill);  /* after a list of one reference */
    assert_only(&secrets, 1 + 32, ill);
}

/* Each length that takes one byte is written in two, each that takes two in four; what the
 * structure's own lists count grows with it, so that only the form is wrong. */
static void test_2_1_2_longer_than_needed(void **state)
{
    static const uint8_t identity[] = { 0, CREDENTIAL_BASIC, 0x40, 2, 'm', 'e' };
    static const uint8_t shorter[] = { 0, CREDENTIAL_BASIC, 2, 'm', 'e' };
    static const uint8_t four[] = { 0, CREDENTIAL_BASIC, 0x80, 0, 0, 2, 'm', 'e' };
    uint8_t long_one[2 + 4 + 64] = { 0, CREDENTIAL_BASIC, 0x80, 0, 0, 64 };

    (void)state;
    assert_true(reads("credential", span_of(shorter, sizeof(shorter))));
    assert_false(reads("credential", span_of(identity, sizeof(identity))));
    assert_false(reads("credential", span_of(four, sizeof(four))));
    assert_false(reads("credential", span_of(long_one, sizeof(long_one))));
}

static void test_2_1_2_prefix_11(void **state)
{
    CLEANUP(altered_deinit) struct altered leaf = altered("leaf_fresh");

    (void)state;
    assert_only(&leaf, 0, SPAN_LIT("\xc0\xe0\xff"));
}

/* -------------------------------------------------------------------------- 5.3 ---- */

static void test_5_3_credential_types(void **state)
{
    static const struct mw_span ill[] = {
        { (const uint8_t *)"\x00\x00\x02me", 5 },  { (const uint8_t *)"\x00\x03\x02me", 5 },
        { (const uint8_t *)"\x0a\x0a\x02me", 5 },  { (const uint8_t *)"\xf0\x01\x02me", 5 },
        { (const uint8_t *)"\x00\x03", 2 },            { (const uint8_t *)"\x0a\x0a", 2 },
        { (const uint8_t *)"\x00\x02\x02\x02m", 5 }, /* a certificate longer than the list */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ill); i++)
        assert_false(reads("credential", ill[i]));
    assert_true(reads("credential", SPAN_LIT("\x00\x02\x02\x01m")));
}

/* ---------------------------------------------------------------------------- 6 ---- */

static void test_6_message(void **state)
{
    CLEANUP(altered_deinit) struct altered m = altered("message_private");

    (void)state;
    assert_only(&m, 0, SPAN_LIT("\x01\xff"));                   /* version: only mls10 */
    assert_only(&m, 1, SPAN_LIT("\x00\x02\xff"));
    assert_only(&m, 2, SPAN_LIT("\x0a\xf0"));                   /* wire_format */
    assert_only(&m, 3, SPAN_LIT("\x00\x01\x03\x04\x05\x06\x0a\xff"));
    assert_false(reads(m.noun, SPAN_LIT("\x00\x01\x00\x06")));   /* nothing is not its form */
}

static void test_6_sender(void **state)
{
    CLEANUP(altered_deinit) struct altered m = altered("framed_proposal");
    size_t at = 1 + 16 + 8;

    (void)state;
    assert_int_equal(m.b.data[at], SENDER_NEW_PROPOSAL);
    assert_only(&m, at, SPAN_LIT("\x00\x01\x02\x05\x06\xff"));
    m.b.data[at] = SENDER_NEW_COMMIT;                           /* told apart, but has its form */
    assert_true(reads(m.noun, buf_span(&m.b)));
}

static void test_6_content_type(void **state)
{
    CLEANUP(altered_deinit) struct altered framed = altered("framed_proposal");
    CLEANUP(altered_deinit) struct altered private = altered("private_message");

    (void)state;
    assert_int_equal(framed.b.data[1 + 16 + 8 + 1 + 5], CONTENT_PROPOSAL);
    assert_only(&framed, 1 + 16 + 8 + 1 + 5, SPAN_LIT("\x00\x01\x03\x04\xff"));
    assert_int_equal(private.b.data[1 + 16 + 8], CONTENT_COMMIT);
    assert_only(&private, 1 + 16 + 8, SPAN_LIT("\x00\x04\x05\xff"));
}

/* 6.1, 6.2: a commit's confirmation tag and a member's membership tag are there, nobody else's. */
static void test_6_1_and_6_2_tags(void **state)
{
    static const struct {
        const char *name;
        uint8_t tags;
    } messages[] = {
        { "public_application", 1 }, { "public_proposal", 0 },
        { "public_commit", 2 },      { "public_external_commit", 1 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        CLEANUP(altered_deinit) struct altered m = altered(messages[i].name);
        size_t len = m.b.len, tag = 1 + 32;

        vector_write(&m.b, span_of(m.b.data, 32));              /* one more */
        assert_false(reads(m.noun, buf_span(&m.b)));
        buf_truncate(&m.b, len);
        if (messages[i].tags > 0)
            assert_false(reads(m.noun, span_of(m.b.data, len - tag)));
    }
}

/* ---------------------------------------------------------------------- 7.1, 7.2 ---- */

static void test_7_1_unmerged_leaves(void **state)
{
    static const struct {
        const char *list;
        size_t len;
        bool well;
    } lists[] = {
        { "\0\0\0\0", 4, true },
        { "\0\0\0\1\0\0\0\2\0\0\1\0", 12, true },
        { "\0\0\0\1\0\0\0\1", 8, false },                       /* twice */
        { "\0\0\0\2\0\0\0\1", 8, false },
        { "\0\0\0\1\0\0\0\3\0\0\0\2", 12, false },
        { "\0\0\0", 3, false },                                 /* not whole */
        { "\0\0\0\1\0", 5, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 10);

        vector_write(&b, SPAN_LIT("key"));
        vector_write(&b, SPAN_LIT("hash"));
        vector_write(&b, span_of(lists[i].list, lists[i].len));
        if (reads("parent_node", buf_span(&b)) != lists[i].well)
            fail_msg("number %zu", i);
    }
}

static void test_7_2_leaf_source(void **state)
{
    CLEANUP(altered_deinit) struct altered leaf = altered("leaf_update");
    size_t at = place(&leaf, SPAN_LIT("\x00\x01\x00\x02\x02\x0f")) + 4;

    (void)state;
    assert_int_equal(leaf.b.data[at], LEAF_UPDATE);
    assert_only(&leaf, at, SPAN_LIT("\x00\x01\x03\x04\x05\xff"));
}

/* Lists of uint16 hold whole ones. */
static void test_7_2_capabilities(void **state)
{
    CLEANUP(altered_deinit) struct altered leaf = altered("leaf_fresh");
    size_t at = place(&leaf, SPAN_LIT("\x04\x00\x01\x1a\x1a"));
    static const uint8_t odd[] = { 3, 0, 1, 0x1a };

    (void)state;
    for (size_t list = 0; list < 5; list++) {
        CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 16);

        buf_add(&b, span_of(leaf.b.data, at + 5 * list));
        buf_add(&b, span_of(odd, sizeof(odd)));
        buf_add(&b, span_cut(buf_span(&leaf.b), at + 5 * (list + 1), leaf.b.len));
        assert_false(reads("leaf_node", buf_span(&b)));
    }
}

/* 7.2 and 13.5: what is unknown in capabilities is kept, and GREASE is nothing special. */
static void test_7_2_unknown_capabilities(void **state)
{
    CLEANUP(altered_deinit) struct altered leaf = altered("leaf_fresh");
    size_t at = place(&leaf, SPAN_LIT("\x04\x00\x01\x1a\x1a"));

    (void)state;
    for (size_t i = 0; i < 25; i++)
        if (i % 5 > 0)
            leaf.b.data[at + i] = (uint8_t)(0xe0 + i);
    assert_true(reads("leaf_node", buf_span(&leaf.b)));
}

/* ------------------------------------------------------------------- 8.4, 10, 12 ---- */

static void test_8_4_psk_types(void **state)
{
    CLEANUP(altered_deinit) struct altered external = altered("psk_external");
    CLEANUP(altered_deinit) struct altered resumption = altered("psk_resumption");

    (void)state;
    assert_only(&external, 0, SPAN_LIT("\x00\x02\x03\xff"));
    assert_only(&resumption, 0, SPAN_LIT("\x00\x03\xff"));
    assert_only(&resumption, 1, SPAN_LIT("\x00\x04\xff"));      /* usage */
}

/* Section 10: the version is the message's. */
static void test_10_version(void **state)
{
    CLEANUP(altered_deinit) struct altered m = altered("message_key_package");

    (void)state;
    assert_only(&m, 5, SPAN_LIT("\x00\x02\xff"));
    m.b.data[5] = 2;
    assert_true(reads("key_package", span_cut(buf_span(&m.b), 4, m.b.len)));
}

static void test_12_1_proposal_types(void **state)
{
    CLEANUP(altered_deinit) struct altered p = altered("remove_member");

    (void)state;
    assert_only(&p, 0, SPAN_LIT("\x0a\xf0\xff"));
    assert_only(&p, 1, SPAN_LIT("\x00\x01\x02\x04\x05\x06\x07\x08\x0a\xff"));
    assert_false(reads("proposal", SPAN_LIT("\x0a\x0a")));
}

static void test_12_4_proposal_or_ref(void **state)
{
    CLEANUP(altered_deinit) struct altered value = altered("by_value");
    CLEANUP(altered_deinit) struct altered reference = altered("by_reference");

    (void)state;
    assert_only(&value, 0, SPAN_LIT("\x00\x02\x03\xff"));
    assert_only(&reference, 0, SPAN_LIT("\x00\x01\x03\xff"));
}

/* A list inside of a list that ends early is found when the outer one is read. */
static void test_12_4_nested_lists(void **state)
{
    CLEANUP(altered_deinit) struct altered commit = altered("commit_path");
    CLEANUP(altered_deinit) struct altered welcome = altered("welcome");
    CLEANUP(altered_deinit) struct altered secrets = altered("secrets_full");
    /* the first byte of each last HPKECiphertext: length of its kem_output */
    size_t sealed = commit.b.len - 49 - 33, entry = welcome.b.len - 302 - 49 - 33;

    (void)state;
    assert_int_equal(commit.b.data[sealed], 32);
    assert_only(&commit, sealed, SPAN_LIT("\x00\x1f\x21\x3f\xc0"));
    assert_int_equal(welcome.b.data[entry], 32);
    assert_only(&welcome, entry, SPAN_LIT("\x00\x1f\x21\x3f\xc0"));
    assert_int_equal(secrets.b.data[secrets.b.len - 33], 32);
    assert_only(&secrets, secrets.b.len - 33, SPAN_LIT("\x00\x1f\x21\x3f\xc0"));
}

/* ------------------------------------------------------------------- 12.4.3.3, 13 ---- */

static void test_12_4_3_3_nodes(void **state)
{
    (void)state;
    assert_true(reads("ratchet_tree", SPAN_LIT("\x05\x01\x02\x00\x00\x00")));
    assert_true(reads("ratchet_tree", SPAN_LIT("\x06\x00\x01\x02\x00\x00\x00")));
    assert_false(reads("ratchet_tree", SPAN_LIT("\x05\x02\x02\x00\x00\x00")));   /* presence */
    assert_false(reads("ratchet_tree", SPAN_LIT("\x05\x01\x00\x00\x00\x00")));   /* node type */
    assert_false(reads("ratchet_tree", SPAN_LIT("\x05\x01\x03\x00\x00\x00")));
    assert_false(reads("ratchet_tree", SPAN_LIT("\x04\x01\x02\x00\x00\x00")));
}

/* count extensions of types 0, 1, 2 …, then one more of type `last`. */
static bool extensions_read_well(size_t count, uint16_t last)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
    size_t at = vector_open(&b);

    for (size_t i = 0; i <= count; i++) {
        buf_u16(&b, i < count ? (uint16_t)i : last);
        vector_write(&b, SPAN_LIT("x"));
    }
    vector_close(&b, at);
    assert_int_equal(buf_error(&b), 0);
    return reads("extensions", buf_span(&b));
}

/* 13.4: MUST NOT have more than one extension of any given type, be the list short or long. */
static void test_13_4_extension_twice(void **state)
{
    static const size_t counts[] = { 1, 2, 15, 16, 17, 64, 1000, 65535 };

    (void)state;
    assert_true(extensions_read_well(0, 7));
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        size_t n = counts[i];

        assert_true(extensions_read_well(n, 65535));
        assert_false(extensions_read_well(n, 0));
        assert_false(extensions_read_well(n, (uint16_t)(n - 1)));
        assert_false(extensions_read_well(n, (uint16_t)(n / 2)));
    }
}

static void twice(struct buf *b)
{
    vector_write(b, SPAN_LIT("\x0a\x0a\x00\x0a\x0a\x00"));
}

/* Everywhere that a list of extensions stands. */
static void test_13_4_wherever_it_stands(void **state)
{
    static const char *const names[] = {
        "leaf_fresh", "key_package", "reinit", "group_extensions", "context", "group_info",
    };
    /* application_id of nine bytes, then 0x2a2a: as mls_samples.c writes it */
    static const uint8_t list[] = { 0x0f, 0, 1, 9 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(altered_deinit) struct altered a = altered(names[i]);
        size_t found = 0;

        for (size_t at = 0; at + 16 <= a.b.len; at++) {
            CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 16);

            if (memcmp(a.b.data + at, list, sizeof(list)) != 0)
                continue;
            buf_add(&b, span_of(a.b.data, at));
            twice(&b);
            buf_add(&b, span_cut(buf_span(&a.b), at + 16, a.b.len));
            assert_false(reads(a.noun, buf_span(&b)));
            found++;
        }
        assert_int_equal(found, strcmp(names[i], "key_package") == 0 ? 2 :
                                strcmp(names[i], "group_info") == 0  ? 2 : 1);
    }
}

static void test_extensions_found(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 10);
    struct extension e = { 7, SPAN_LIT("seven") };
    struct mw_span data = { NULL, 0 };

    (void)state;
    extension_write(&b, &(struct extension){ 6, SPAN_LIT("") });
    extension_write(&b, &e);
    assert_true(extension_find(buf_span(&b), 7, &data));
    assert_true(span_eq(data, SPAN_LIT("seven")));
    assert_true(extension_find(buf_span(&b), 6, &data));
    assert_int_equal(data.len, 0);
    assert_false(extension_find(buf_span(&b), 8, &data));
    assert_false(extension_find(span_of(NULL, 0), 0, &data));
    /* Found, but cut off. */
    buf_truncate(&b, b.len - 1);
    assert_false(extension_find(buf_span(&b), 7, &data));
}

static void test_external_senders(void **state)
{
    CLEANUP(altered_deinit) struct altered a = altered("senders");
    struct external_sender v;

    (void)state;
    assert_true(external_sender_at(buf_span(&a.b), 0, &v));
    assert_int_equal(v.credential.type, CREDENTIAL_X509);
    assert_true(external_sender_at(buf_span(&a.b), 1, &v));
    assert_int_equal(v.credential.type, CREDENTIAL_BASIC);
    assert_int_equal(v.credential.body.len, 3);
    assert_false(external_sender_at(buf_span(&a.b), 2, &v));
    assert_false(external_sender_at(buf_span(&a.b), UINT32_MAX, &v));
    buf_u8(&a.b, 0);
    assert_false(external_sender_at(buf_span(&a.b), 0, &v));    /* the second part is malformed */
    assert_true(external_sender_at(SPAN_LIT("\x00"), 0, &v) == false);
}

/* Writing what cannot travel leaves an error and no bytes that look well. */
static void test_written_wrong(void **state)
{
    CLEANUP(buf_deinit) struct buf p = BUF_INIT(1 << 10), m = BUF_INIT(1 << 10);
    const struct proposal proposal = { .type = 0x0a0a };
    const struct mls_message message = { .version = 1, .format = 6 };

    (void)state;
    proposal_write(&p, &proposal);
    assert_int_not_equal(buf_error(&p), 0);
    mls_message_write(&m, &message);
    assert_int_not_equal(buf_error(&m), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_2_1_1_presence),
        cmocka_unit_test(test_2_1_2_longer_than_needed),
        cmocka_unit_test(test_2_1_2_prefix_11),
        cmocka_unit_test(test_5_3_credential_types),
        cmocka_unit_test(test_6_message),
        cmocka_unit_test(test_6_sender),
        cmocka_unit_test(test_6_content_type),
        cmocka_unit_test(test_6_1_and_6_2_tags),
        cmocka_unit_test(test_7_1_unmerged_leaves),
        cmocka_unit_test(test_7_2_leaf_source),
        cmocka_unit_test(test_7_2_capabilities),
        cmocka_unit_test(test_7_2_unknown_capabilities),
        cmocka_unit_test(test_8_4_psk_types),
        cmocka_unit_test(test_10_version),
        cmocka_unit_test(test_12_1_proposal_types),
        cmocka_unit_test(test_12_4_proposal_or_ref),
        cmocka_unit_test(test_12_4_nested_lists),
        cmocka_unit_test(test_12_4_3_3_nodes),
        cmocka_unit_test(test_13_4_extension_twice),
        cmocka_unit_test(test_13_4_wherever_it_stands),
        cmocka_unit_test(test_extensions_found),
        cmocka_unit_test(test_external_senders),
        cmocka_unit_test(test_written_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
