/*
 * SCTs: the bytes a log signed are rebuilt exactly, and nothing else passes; lists of logs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lab/mill.h"
#include "trust/cert.h"
#include "trust/sct.h"

#define NOW 1781524800
#define DAY 86400

struct scene {
    EVP_PKEY *key, *leaf_key;
    struct mill_cert *ca;
    struct cert *ca_cert;
    struct mill_log *log[2];
    struct ct_logs *logs; /* knows only the first */
};

static struct mill_spec leaf_spec(void)
{
    return (struct mill_spec){ .subject = "CN=a.test",
                               .names = "DNS:a.test",
                               .crl_url = "http://crl.test/1.crl",
                               .not_before = { NOW - DAY },
                               .not_after = { NOW + 80 * DAY } };
}

static int scene_open(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct mill_spec ca = { .subject = "CN=Logged CA",
                            .ca = true,
                            .not_before = { NOW - 400 * DAY },
                            .not_after = { NOW + 400 * DAY } };
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 16), error = BUF_INIT(400);

    assert_int_equal(mill_key_new(&s->key, MILL_P256, true), 0);
    assert_int_equal(mill_key_new(&s->leaf_key, MILL_P256, true), 0);
    assert_int_equal(mill_issue(&s->ca, &ca, s->key, NULL), 0);
    assert_int_equal(cert_parse(&s->ca_cert, mill_cert_der(s->ca)), 0);
    assert_int_equal(mill_log_new(&s->log[0], "alpha", "Operator A"), 0);
    assert_int_equal(mill_log_new(&s->log[1], "beta", "Operator B"), 0);
    assert_int_equal(mill_log_list(&json, s->log, 1), 0);
    assert_int_equal(ct_logs_parse(&s->logs, buf_span(&json), &error), 0);
    *state = s;
    return 0;
}

static int scene_close(void **state)
{
    struct scene *s = *state;

    ct_logs_free(s->logs);
    mill_log_free(s->log[0]);
    mill_log_free(s->log[1]);
    cert_free(s->ca_cert);
    mill_cert_free(s->ca);
    EVP_PKEY_free(s->key);
    EVP_PKEY_free(s->leaf_key);
    free(s);
    return 0;
}

/* A leaf with an SCT of each log embedded, parsed. */
static struct cert *logged_leaf(const struct scene *s, struct mill_spec spec)
{
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(1 << 16), list = BUF_INIT(1 << 16);
    const struct mw_wall at = { NOW - DAY };
    struct mill_cert *c = NULL;
    struct cert *parsed = NULL;

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(mill_sct_precert(&scts, s->log[i], &spec, s->leaf_key, s->ca, at), 0);
    assert_int_equal(mill_sct_list_close(&scts, &list), 0);
    spec.sct_list = buf_span(&list);
    assert_int_equal(mill_issue(&c, &spec, s->leaf_key, s->ca), 0);
    assert_int_equal(cert_parse(&parsed, mill_cert_der(c)), 0);
    mill_cert_free(c);
    return parsed;
}

static size_t embedded(const struct cert *c, struct sct *scts, size_t room)
{
    struct mw_span list;
    size_t n = 0;

    assert_true(sct_embedded(c, &list));
    assert_true(sct_list_read(list, SCT_EMBEDDED, scts, room, &n));
    return n;
}

static void an_embedded_sct_verifies(void **state)
{
    const struct scene *s = *state;
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(1 << 16);
    struct cert *leaf = logged_leaf(s, leaf_spec());
    struct sct_entry entry = { .cert = leaf->der, .issuer_key = s->ca_cert->spki_sha256 };
    struct sct scts[4];

    assert_int_equal(embedded(leaf, scts, 4), 2);
    assert_int_equal(sct_precert(leaf, &tbs), 0);
    entry.precert = buf_span(&tbs);
    assert_int_equal(sct_check(&scts[0], s->logs, &entry), 0);
    assert_int_equal(scts[0].state, SCT_VERIFIED);
    assert_string_equal(scts[0].log->name, "alpha");
    assert_string_equal(scts[0].log->operator_, "Operator A");
    assert_int_equal(sct_time(&scts[0]).s, NOW - DAY);
    assert_int_equal(sct_check(&scts[1], s->logs, &entry), 0);
    assert_int_equal(scts[1].state, SCT_FROM_UNKNOWN_LOG);
    /* No list of logs, or no issuer: no word on it. */
    assert_int_equal(sct_check(&scts[0], NULL, &entry), 0);
    assert_int_equal(scts[0].state, SCT_UNCHECKED);
    entry.issuer_key = NULL;
    assert_int_equal(sct_check(&scts[0], s->logs, &entry), 0);
    assert_int_equal(scts[0].state, SCT_UNCHECKED);
    cert_free(leaf);
}

static void nothing_else_verifies(void **state)
{
    const struct scene *s = *state;
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(1 << 16);
    struct mill_spec spec = leaf_spec();
    struct cert *leaf = logged_leaf(s, spec);
    struct sct_entry entry = { .cert = leaf->der, .issuer_key = s->ca_cert->spki_sha256 };
    struct sct good, changed;
    struct sct scts[2];

    embedded(leaf, scts, 2);
    good = scts[0];
    assert_int_equal(sct_precert(leaf, &tbs), 0);
    entry.precert = buf_span(&tbs);

    changed = good;
    changed.at_ms++;
    assert_int_equal(sct_check(&changed, s->logs, &entry), 0);
    assert_int_equal(changed.state, SCT_WRONG);
    changed = good;
    changed.source = SCT_HANDSHAKE; /* over the finished certificate: not what was signed */
    assert_int_equal(sct_check(&changed, s->logs, &entry), 0);
    assert_int_equal(changed.state, SCT_WRONG);
    changed = good;
    changed.hash = 2; /* SHA-1 */
    assert_int_equal(sct_check(&changed, s->logs, &entry), 0);
    assert_int_equal(changed.state, SCT_WRONG);
    changed = good;
    changed.signature.len--;
    assert_int_equal(sct_check(&changed, s->logs, &entry), 0);
    assert_int_equal(changed.state, SCT_WRONG);
    changed = good;
    entry.issuer_key = leaf->spki_sha256;
    assert_int_equal(sct_check(&changed, s->logs, &entry), 0);
    assert_int_equal(changed.state, SCT_WRONG);
    cert_free(leaf);
}

/* An interceptor that copies the extension into its own certificate. */
static void a_copied_sct_does_not_verify(void **state)
{
    const struct scene *s = *state;
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(1 << 16);
    struct cert *leaf = logged_leaf(s, leaf_spec()), *copy = NULL;
    struct mill_spec spec = leaf_spec();
    struct mill_cert *c = NULL;
    struct mw_span list;
    struct sct_entry entry = { .issuer_key = s->ca_cert->spki_sha256 };
    struct sct sct[2];

    assert_true(sct_embedded(leaf, &list));
    spec.sct_list = list;
    spec.not_after.s -= 1;
    assert_int_equal(mill_issue(&c, &spec, s->leaf_key, s->ca), 0);
    assert_int_equal(cert_parse(&copy, mill_cert_der(c)), 0);
    embedded(copy, sct, 2);
    assert_int_equal(sct_precert(copy, &tbs), 0);
    entry.precert = buf_span(&tbs);
    assert_int_equal(sct_check(&sct[0], s->logs, &entry), 0);
    assert_int_equal(sct[0].state, SCT_WRONG);
    mill_cert_free(c);
    cert_free(copy);
    cert_free(leaf);
}

static void a_handshake_sct_verifies(void **state)
{
    const struct scene *s = *state;
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(1 << 16), list = BUF_INIT(1 << 16);
    struct mill_spec spec = leaf_spec();
    struct mill_cert *c = NULL;
    struct sct_entry entry;
    struct sct sct;
    size_t n = 0;

    assert_int_equal(mill_issue(&c, &spec, s->leaf_key, s->ca), 0);
    assert_int_equal(mill_sct_cert(&scts, s->log[0], c, (struct mw_wall){ NOW }), 0);
    assert_int_equal(mill_sct_list_close(&scts, &list), 0);
    assert_true(sct_list_read(buf_span(&list), SCT_HANDSHAKE, &sct, 1, &n));
    assert_int_equal(n, 1);
    entry = (struct sct_entry){ .cert = mill_cert_der(c) };
    assert_int_equal(sct_check(&sct, s->logs, &entry), 0);
    assert_int_equal(sct.state, SCT_VERIFIED);
    mill_cert_free(c);
}

/* Lengths that cross DER's one-byte form must be written anew; long ones too. */
static void the_precertificate_is_exact_at_every_size(void **state)
{
    const struct scene *s = *state;

    for (size_t pad = 0; pad < 400; pad += 7) {
        CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(1 << 16);
        CLEANUP(buf_deinit) struct buf value = BUF_INIT(1 << 12);
        struct mill_extension extra = { .oid = "1.3.6.1.4.1.99999.2" };
        struct mill_spec spec = leaf_spec();
        struct sct_entry entry;
        struct sct scts[2];
        struct cert *leaf;

        buf_u8(&value, 0x04);
        if (pad < 128) {
            buf_u8(&value, (uint8_t)pad);
        } else {
            buf_u8(&value, 0x82);
            buf_u16(&value, (uint16_t)pad);
        }
        buf_fill(&value, 'x', pad);
        extra.value = buf_span(&value);
        spec.extra = &extra;
        spec.n_extra = 1;
        leaf = logged_leaf(s, spec);
        embedded(leaf, scts, 2);
        assert_int_equal(sct_precert(leaf, &tbs), 0);
        entry =
            (struct sct_entry){ .precert = buf_span(&tbs), .issuer_key = s->ca_cert->spki_sha256 };
        assert_int_equal(sct_check(&scts[0], s->logs, &entry), 0);
        assert_int_equal(scts[0].state, SCT_VERIFIED);
        cert_free(leaf);
    }
}

static void broken_lists_are_refused(void **state)
{
    const struct scene *s = *state;
    CLEANUP(buf_deinit) struct buf tbs = BUF_INIT(1 << 16);
    struct cert *leaf = logged_leaf(s, leaf_spec());
    struct mw_span list;
    struct sct scts[2];
    size_t n;

    assert_true(sct_embedded(leaf, &list));
    for (size_t len = 0; len < list.len; len++) {
        n = 0;
        assert_false(sct_list_read(span_cut(list, 0, len), SCT_EMBEDDED, scts, 2, &n));
    }
    n = 0;
    assert_true(sct_list_read(list, SCT_EMBEDDED, scts, 1, &n));
    assert_int_equal(n, 1);
    n = 0;
    assert_false(sct_list_read(SPAN_LIT("\0\0"), SCT_EMBEDDED, scts, 2, &n));
    /* Versions to come are skipped. */
    assert_true(sct_list_read(SPAN_LIT("\0\5\0\3\1\2\3"), SCT_EMBEDDED, scts, 2, &n));
    assert_int_equal(n, 0);
    assert_int_equal(sct_precert(s->ca_cert, &tbs), MW_E_DER);
    assert_false(sct_embedded(s->ca_cert, &list));
    cert_free(leaf);
}

/* -------------------------------------------------------------------- the lists ---- */

static int list_parsed(const char *json, struct ct_logs **out, struct buf *error)
{
    buf_truncate(error, 0);
    return ct_logs_parse(out, span_str(json), error);
}

static void bad_lists_say_why(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        { "", "line" },
        { "{", "line 1" },
        { "[]", "operators" },
        { "{\"operators\":[{}]}", "\"name\"" },
        { "{\"operators\":[{\"name\":\"A\",\"logs\":[{}]}]}", "A: a log without" },
        { "{\"operators\":[{\"name\":\"A\",\"logs\":[{\"description\":\"x\"}]}]}", "\"key\"" },
        { "{\"operators\":[{\"name\":\"A\",\"logs\":[{\"description\":\"x\",\"key\":\"AA==\","
          "\"log_id\":\"AA==\"}]}]}",
          "not the hash" },
        { "{\"operators\":[{\"name\":\"A\",\"logs\":[{\"description\":\"x\",\"state\":{\"new\":1}}]"
          "}]}",
          "\"state\"" },
        { "{\"operators\":[{\"name\":\"A\",\"logs\":[{\"description\":\"x\\u001b[1m\","
          "\"state\":{\"retired\":{}}}]}]}",
          "x\\x1b[1m" },
    };
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(1000);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ct_logs *logs = NULL;

        assert_int_equal(list_parsed(cases[i].json, &logs, &error), MW_E_SYNTAX);
        assert_null(logs);
        if (strstr((const char *)error.data, cases[i].why) == NULL)
            fail_msg("case %zu: \"%s\" does not say %s", i, (const char *)error.data, cases[i].why);
    }
}

static void an_operator_changes_with_time(void **state)
{
    struct ct_operator_before before[] = { { "Second", { 2000 } }, { "First", { 1000 } } };
    struct ct_log log = { .operator_ = "Third", .before = before, .n_before = 2 };

    (void)state;
    assert_string_equal(ct_log_operator(&log, (struct mw_wall){ 500 }), "First");
    assert_string_equal(ct_log_operator(&log, (struct mw_wall){ 1000 }), "Second");
    assert_string_equal(ct_log_operator(&log, (struct mw_wall){ 1999 }), "Second");
    assert_string_equal(ct_log_operator(&log, (struct mw_wall){ 2000 }), "Third");
}

static void logs_are_found_by_id(void **state)
{
    const struct scene *s = *state;

    assert_int_equal(s->logs->n, 1);
    assert_int_equal(s->logs->logs[0].state, CT_USABLE);
    assert_ptr_equal(ct_logs_find(s->logs, span_of(s->logs->logs[0].id, 32)), &s->logs->logs[0]);
    assert_null(ct_logs_find(s->logs, span_of(s->ca_cert->sha256, 32)));
    assert_null(ct_logs_find(s->logs, span_of(s->logs->logs[0].id, 31)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_embedded_sct_verifies),
        cmocka_unit_test(nothing_else_verifies),
        cmocka_unit_test(a_copied_sct_does_not_verify),
        cmocka_unit_test(a_handshake_sct_verifies),
        cmocka_unit_test(the_precertificate_is_exact_at_every_size),
        cmocka_unit_test(broken_lists_are_refused),
        cmocka_unit_test(bad_lists_say_why),
        cmocka_unit_test(an_operator_changes_with_time),
        cmocka_unit_test(logs_are_found_by_id),
    };

    return cmocka_run_group_tests(tests, scene_open, scene_close);
}
