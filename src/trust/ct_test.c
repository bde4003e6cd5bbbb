/*
 * Certificate Transparency as browsers count it: how many, whose, and from logs in what state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world.h"

enum { LOGS = 4 };

/* Four logs of three operators: alpha and beta are A's. */
struct logs {
    struct mill_log *log[LOGS];
    struct buf json;
};

static void logs_open(struct logs *l)
{
    static const char *const names[LOGS][2] = {
        {"alpha",  "A"},
        { "beta",  "A"},
        { "gamma", "B"},
        { "delta", "C"}
    };

    *l = (struct logs){ .json = BUF_INIT(1 << 16) };
    for (size_t i = 0; i < LOGS; i++)
        assert_int_equal(mill_log_new(&l->log[i], names[i][0], names[i][1]), 0);
    assert_int_equal(mill_log_list(&l->json, l->log, LOGS), 0);
}

static void logs_close(struct logs *l)
{
    for (size_t i = 0; i < LOGS; i++)
        mill_log_free(l->log[i]);
    buf_deinit(&l->json);
}

/* The list with one log's state replaced, NULL: as it is. */
static void logs_know(struct world *w, const struct logs *l, const char *name, const char *state)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 16);
    const char *usable = "{\"usable\":{\"timestamp\":\"2018-01-01T00:00:00Z\"}}";
    const char *all = (const char *)l->json.data, *at = all;

    if (name != NULL) {
        at = strstr(all, name);
        assert_non_null(at);
        at = strstr(at, usable);
        assert_non_null(at);
        buf_add(&json, span_of(all, (size_t)(at - all)));
        buf_str(&json, state);
        at += strlen(usable);
    }
    buf_str(&json, at);
    assert_int_equal(mw_policy_set_ct_logs(w->policy, buf_span(&json)), 0);
}

/* A world whose leaf lives for `days` and has SCTs of the logs in `which`, "013". */
static void open_logged(struct world *w, const struct logs *l, enum mw_anchor_class as,
                        const char *which, int64_t days)
{
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(1 << 16), list = BUF_INIT(1 << 16);
    struct mill_spec leaf = world_leaf();

    leaf.not_after = world_day(days - 10);
    world_open(w, as, NULL, &leaf);
    for (const char *i = which; *i != '\0'; i++)
        assert_int_equal(
            mill_sct_precert(&scts, l->log[*i - '0'], &leaf, w->leaf_key, w->ca, world_day(-10)),
            0);
    assert_int_equal(mill_sct_list_close(&scts, &list), 0);
    if (*which != '\0')
        leaf.sct_list = buf_span(&list);
    mill_cert_free(w->leaf);
    w->leaf = world_issue(&leaf, w->leaf_key, w->ca);
    w->sent[0] = mill_cert_der(w->leaf);
}

static void the_numbers_of_the_policy(void **state)
{
    static const struct {
        const char *which;
        int64_t days;
        enum mw_code code; /* MW_CODE_NONE: content */
        const char *says;
    } cases[] = {
        {"02",   90,  MW_CODE_NONE,   NULL             },
        { "02",  180, MW_CODE_NONE,   NULL             },
        { "02",  181, MW_SCT_TOO_FEW, "2 of the 3"     },
        { "023", 181, MW_CODE_NONE,   NULL             },
        { "0",   90,  MW_SCT_TOO_FEW, "1 of the 2"     },
        { "01",  90,  MW_SCT_TOO_FEW, "one operator, A"},
        { "012", 300, MW_CODE_NONE,   NULL             },
        { "00",  90,  MW_SCT_TOO_FEW, "1 of the 2"     },
        { "",    90,  MW_SCT_MISSING, "no log vouches" },
    };
    struct logs l;

    (void)state;
    logs_open(&l);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;

        open_logged(&w, &l, MW_ANCHOR_PUBLIC, cases[i].which, cases[i].days);
        logs_know(&w, &l, NULL, NULL);
        world_judge(&w);
        if (world_has(&w, MW_SCT_TOO_FEW) != (cases[i].code == MW_SCT_TOO_FEW) ||
            world_has(&w, MW_SCT_MISSING) != (cases[i].code == MW_SCT_MISSING))
            fail_msg("case %zu", i);
        if (cases[i].says != NULL)
            assert_true(world_says(&w, cases[i].code, cases[i].says));
        assert_false(world_has(&w, MW_SCT_INVALID));
        assert_int_equal(w.v->outcome, MW_PRIVATE);
        world_close(&w);
    }
    logs_close(&l);
}

static void the_state_of_a_log_counts(void **state)
{
    static const struct {
        const char *state;
        bool content;
    } cases[] = {
        {"{\"readonly\":{\"timestamp\":\"2018-01-01T00:00:00Z\"}}",   true },
        { "{\"qualified\":{\"timestamp\":\"2018-01-01T00:00:00Z\"}}", true },
 /* Retired after it had signed: the promise was good. Before: it was not. */
        { "{\"retired\":{\"timestamp\":\"2026-06-14T00:00:00Z\"}}",   true },
        { "{\"retired\":{\"timestamp\":\"2026-06-01T00:00:00Z\"}}",   false},
        { "{\"rejected\":{\"timestamp\":\"2018-01-01T00:00:00Z\"}}",  false},
        { "{\"pending\":{\"timestamp\":\"2018-01-01T00:00:00Z\"}}",   false},
    };
    struct logs l;

    (void)state;
    logs_open(&l);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;

        open_logged(&w, &l, MW_ANCHOR_PUBLIC, "02", 90);
        logs_know(&w, &l, "alpha", cases[i].state);
        world_judge(&w);
        if (world_has(&w, MW_SCT_TOO_FEW) == cases[i].content)
            fail_msg("case %zu", i);
        world_close(&w);
    }
    logs_close(&l);
}

static void one_log_must_be_trusted_now(void **state)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 16);
    const char *usable = "\"usable\":{\"timestamp\":\"2018-01-01T00:00:00Z\"}";
    struct logs l;
    struct world w;

    (void)state;
    logs_open(&l);
    open_logged(&w, &l, MW_ANCHOR_PUBLIC, "02", 90);
    for (const char *at = (const char *)l.json.data; *at != '\0';) {
        const char *next = strstr(at, usable);

        if (next == NULL)
            next = at + strlen(at);
        buf_add(&json, span_of(at, (size_t)(next - at)));
        if (*next != '\0') {
            buf_str(&json, "\"retired\":{\"timestamp\":\"2026-06-14T00:00:00Z\"}");
            next += strlen(usable);
        }
        at = next;
    }
    assert_int_equal(mw_policy_set_ct_logs(w.policy, buf_span(&json)), 0);
    world_judge(&w);
    assert_true(world_says(&w, MW_SCT_TOO_FEW, "trusted any more"));
    world_close(&w);
    logs_close(&l);
}

static void without_a_list_nothing_is_missed(void **state)
{
    struct logs l;
    struct world w;

    (void)state;
    logs_open(&l);
    open_logged(&w, &l, MW_ANCHOR_PUBLIC, "", 90);
    world_judge(&w);
    assert_false(world_has(&w, MW_SCT_MISSING));
    world_close(&w);
    open_logged(&w, &l, MW_ANCHOR_PUBLIC, "0", 90);
    world_judge(&w);
    assert_false(world_has(&w, MW_SCT_TOO_FEW));
    assert_int_equal(w.v->chain[0].n_scts, 1);
    assert_non_null(strstr(w.v->chain[0].scts[0], "not verified"));
    world_close(&w);
    logs_close(&l);
}

/* Absence under a private authority is the interception stage's to weigh. */
static void a_private_authority_owes_none(void **state)
{
    struct logs l;
    struct world w;

    (void)state;
    logs_open(&l);
    open_logged(&w, &l, MW_ANCHOR_LOCAL, "", 90);
    logs_know(&w, &l, NULL, NULL);
    world_judge(&w);
    assert_false(world_has(&w, MW_SCT_MISSING));
    world_close(&w);
    logs_close(&l);
}

static void a_copied_sct_is_a_warning_under_any_anchor(void **state)
{
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(1 << 16), list = BUF_INIT(1 << 16);
    struct mill_spec other = world_leaf();
    struct logs l;
    struct world w;

    (void)state;
    logs_open(&l);
    open_logged(&w, &l, MW_ANCHOR_LOCAL, "", 90);
    logs_know(&w, &l, NULL, NULL);
    other.subject = "CN=the site's own";
    assert_int_equal(mill_sct_precert(&scts, l.log[0], &other, w.root_key, w.root, world_day(-20)),
                     0);
    assert_int_equal(mill_sct_list_close(&scts, &list), 0);
    other = world_leaf();
    other.sct_list = buf_span(&list);
    mill_cert_free(w.leaf);
    w.leaf = world_issue(&other, w.leaf_key, w.ca);
    w.sent[0] = mill_cert_der(w.leaf);
    world_judge(&w);
    assert_true(world_says(&w, MW_SCT_INVALID, "alpha did not sign this certificate"));
    assert_non_null(strstr(w.v->chain[0].scts[0], "NOT signed by this log"));
    world_close(&w);
    logs_close(&l);
}

static void an_unknown_log_is_a_note(void **state)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(1 << 16);
    struct logs l;
    struct world w;

    (void)state;
    logs_open(&l);
    open_logged(&w, &l, MW_ANCHOR_PUBLIC, "02", 90);
    assert_int_equal(mill_log_list(&json, l.log, 1), 0);
    assert_int_equal(mw_policy_set_ct_logs(w.policy, buf_span(&json)), 0);
    world_judge(&w);
    assert_int_equal(world_finding(&w, MW_SCT_UNKNOWN_LOG)->severity, MW_NOTE);
    /* The list is older than ten weeks: what it lacks is not held against anybody. */
    assert_false(world_has(&w, MW_SCT_TOO_FEW));
    mw_verdict_free(w.v);
    w.v = NULL;
    w.ev.now.s = 1772323200; /* 2026-03-01: the list is fresh, the leaf not valid yet */
    w.ev.now_chosen = true;  /* else the SCT itself would show that this is in the past */
    world_judge(&w);
    assert_true(world_has(&w, MW_SCT_TOO_FEW));
    world_close(&w);
    logs_close(&l);
}

static void scts_of_the_handshake_count(void **state)
{
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(1 << 16), list = BUF_INIT(1 << 16);
    struct logs l;
    struct world w;

    (void)state;
    logs_open(&l);
    open_logged(&w, &l, MW_ANCHOR_PUBLIC, "", 300);
    logs_know(&w, &l, NULL, NULL);
    for (size_t i = 0; i < LOGS; i += 2)
        assert_int_equal(mill_sct_cert(&scts, l.log[i], w.leaf, world_day(-1)), 0);
    assert_int_equal(mill_sct_list_close(&scts, &list), 0);
    w.ev.tls_scts = buf_span(&list);
    world_judge(&w);
    assert_false(world_has(&w, MW_SCT_MISSING));
    assert_false(world_has(&w, MW_SCT_TOO_FEW)); /* two will do, whatever the lifetime */
    assert_int_equal(w.v->chain[0].n_scts, 2);
    assert_string_equal(w.v->chain[0].scts[0],
                        "alpha (A), 2026-06-14T12:00:00Z, verified, in the handshake");
    /* But only from logs that are trusted now: a server could fetch another. */
    logs_know(&w, &l, "alpha", "{\"retired\":{\"timestamp\":\"2026-06-15T00:00:00Z\"}}");
    world_judge(&w);
    assert_true(world_has(&w, MW_SCT_TOO_FEW));
    w.ev.tls_scts = SPAN_LIT("\0\7garbage");
    world_judge(&w);
    assert_true(world_says(&w, MW_SCT_INVALID, "cannot be read"));
    world_close(&w);
    logs_close(&l);
}

/* A log's promise dates the certificate: a clock of last year is slow. */
static void a_verified_sct_bounds_the_clock(void **state)
{
    struct logs l;
    struct world w;

    (void)state;
    logs_open(&l);
    open_logged(&w, &l, MW_ANCHOR_PUBLIC, "02", 90);
    logs_know(&w, &l, NULL, NULL);
    w.ev.now = world_day(-365);
    world_judge(&w);
    assert_int_equal(w.v->clock.lower_bound.s, world_day(-10).s);
    assert_true(world_says(&w, MW_CLOCK_WRONG, "public log"));
    world_close(&w);
    logs_close(&l);
}

static void a_timestamp_from_the_future_is_invalid(void **state)
{
    struct mw_clock_reading r[2] = {
        {.source = MW_CLOCK_ROUGHTIME,  .ok = true},
        { .source = MW_CLOCK_ROUGHTIME, .ok = true}
    };
    CLEANUP(buf_deinit) struct buf scts = BUF_INIT(1 << 16), list = BUF_INIT(1 << 16);
    struct logs l;
    struct world w;

    (void)state;
    logs_open(&l);
    open_logged(&w, &l, MW_ANCHOR_PUBLIC, "02", 90);
    logs_know(&w, &l, NULL, NULL);
    assert_int_equal(mill_sct_cert(&scts, l.log[3], w.leaf, world_day(30)), 0);
    assert_int_equal(mill_sct_list_close(&scts, &list), 0);
    w.ev.tls_scts = buf_span(&list);
    w.ev.clocks = r;
    w.ev.n_clocks = 2;
    world_judge(&w);
    assert_true(world_says(&w, MW_SCT_INVALID, "future"));
    assert_int_equal(w.v->clock.state, MW_CLOCK_RIGHT);
    world_close(&w);
    logs_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_of_the_policy),
        cmocka_unit_test(the_state_of_a_log_counts),
        cmocka_unit_test(one_log_must_be_trusted_now),
        cmocka_unit_test(without_a_list_nothing_is_missed),
        cmocka_unit_test(a_private_authority_owes_none),
        cmocka_unit_test(a_copied_sct_is_a_warning_under_any_anchor),
        cmocka_unit_test(an_unknown_log_is_a_note),
        cmocka_unit_test(scts_of_the_handshake_count),
        cmocka_unit_test(a_verified_sct_bounds_the_clock),
        cmocka_unit_test(a_timestamp_from_the_future_is_invalid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
