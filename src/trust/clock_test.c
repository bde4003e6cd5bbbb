/*
 * The clock and its counterfactual: blamed for what it did, and for nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world.h"

enum { DAY_MS = 86400000 };

static struct mw_clock_reading reading(enum mw_clock_source source, int64_t days)
{
    return (struct mw_clock_reading){ .source = source,
                                      .server = "time.test",
                                      .ok = true,
                                      .offset_ms = days * DAY_MS,
                                      .uncertainty_ms = 1000 };
}

/* Our clock shows `days` off from WORLD_NOW, and these readings tell the truth. */
static void clock_off(struct world *w, int64_t days, struct mw_clock_reading *readings,
                      enum mw_clock_source source, size_t n)
{
    w->ev.now = world_day(days);
    for (size_t i = 0; i < n; i++)
        readings[i] = reading(source, -days);
    w->ev.clocks = readings;
    w->ev.n_clocks = n;
}

static void open_usual(struct world *w)
{
    world_open(w, MW_ANCHOR_PUBLIC, NULL, NULL);
}

static void a_right_clock_is_said_to_be(void **state)
{
    struct mw_clock_reading r[3];
    struct world w;

    (void)state;
    open_usual(&w);
    clock_off(&w, 0, r, MW_CLOCK_ROUGHTIME, 3);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->clock.state, MW_CLOCK_RIGHT);
    assert_true(w.v->clock.is_signed);
    assert_string_equal(w.v->clock.sources, "Roughtime ×3");
    assert_true(w.v->clock.valid_at_true_time);
    assert_false(world_has(&w, MW_CLOCK_OFF));
    world_close(&w);
}

static void a_fast_clock_is_blamed(void **state)
{
    struct mw_clock_reading r[2];
    struct world w;

    (void)state;
    open_usual(&w);
    clock_off(&w, 200, r, MW_CLOCK_ROUGHTIME, 2);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(w.v->clock.state, MW_CLOCK_TO_BLAME);
    assert_true(w.v->clock.valid_at_true_time);
    assert_int_equal(w.v->clock.offset_ms, -200LL * DAY_MS);
    /* It leads, and says so; the date stays, as what this clock makes of it. */
    assert_int_equal(w.v->findings[0].code, MW_CLOCK_WRONG);
    assert_int_equal(w.v->findings[0].certainty, MW_CERTAIN);
    assert_true(world_says(&w, MW_CLOCK_WRONG, "at the true time this certificate is valid"));
    assert_true(world_says(&w, MW_CLOCK_WRONG, "fast"));
    assert_true(world_has(&w, MW_EXPIRED));
    world_close(&w);
}

static void a_slow_clock_is_blamed(void **state)
{
    struct mw_clock_reading r[3];
    struct world w;

    (void)state;
    open_usual(&w);
    clock_off(&w, -300, r, MW_CLOCK_SNTP, 3);
    world_judge(&w);
    assert_int_equal(w.v->findings[0].code, MW_CLOCK_WRONG);
    assert_int_equal(w.v->findings[0].certainty, MW_LIKELY); /* nobody signed it */
    assert_true(world_says(&w, MW_CLOCK_WRONG, "slow"));
    assert_true(world_has(&w, MW_NOT_YET_VALID));
    assert_false(w.v->clock.is_signed);
    world_close(&w);
}

/* The same certificate and the same date, but the clock is right: the certificate is bad. */
static void a_right_clock_is_not_blamed(void **state)
{
    struct mw_clock_reading r[2] = { reading(MW_CLOCK_ROUGHTIME, 0),
                                     reading(MW_CLOCK_ROUGHTIME, 0) };
    struct world w;

    (void)state;
    open_usual(&w);
    w.ev.now = world_day(200);
    w.ev.clocks = r;
    w.ev.n_clocks = 2;
    world_judge(&w);
    assert_false(world_has(&w, MW_CLOCK_WRONG));
    assert_int_equal(world_finding(&w, MW_EXPIRED)->certainty, MW_CERTAIN);
    assert_int_equal(w.v->clock.state, MW_CLOCK_RIGHT);
    assert_false(w.v->clock.valid_at_true_time);
    world_close(&w);
}

/* The clock is off, but the certificate has other faults, or is expired at the true time too. */
static void a_wrong_clock_that_changes_nothing_is_not_blamed(void **state)
{
    struct mw_clock_reading r[2];
    struct world w;

    (void)state;
    open_usual(&w);
    clock_off(&w, 300, r, MW_CLOCK_ROUGHTIME, 2);
    w.ev.clocks = r;
    r[0].offset_ms = r[1].offset_ms = -100LL * DAY_MS; /* the true time is after the end, too */
    world_judge(&w);
    assert_false(world_has(&w, MW_CLOCK_WRONG));
    assert_int_equal(w.v->clock.state, MW_CLOCK_WRONG_BUT_HARMLESS);
    assert_true(world_has(&w, MW_CLOCK_OFF));
    assert_true(world_has(&w, MW_EXPIRED));

    clock_off(&w, 200, r, MW_CLOCK_ROUGHTIME, 2);
    w.ev.host = "other.test";
    world_judge(&w);
    assert_false(world_has(&w, MW_CLOCK_WRONG));
    assert_true(world_has(&w, MW_CLOCK_OFF));
    assert_false(w.v->clock.valid_at_true_time);
    world_close(&w);
}

static void a_harmless_error_is_a_warning(void **state)
{
    struct mw_clock_reading r[2];
    struct world w;

    (void)state;
    open_usual(&w);
    clock_off(&w, 3, r, MW_CLOCK_SNTP, 2);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->clock.state, MW_CLOCK_WRONG_BUT_HARMLESS);
    assert_int_equal(world_finding(&w, MW_CLOCK_OFF)->severity, MW_WARNING);
    /* The tolerance is the policy's. */
    mw_policy_set_clock_tolerance(w.policy, 4 * DAY_S);
    world_judge(&w);
    assert_false(world_has(&w, MW_CLOCK_OFF));
    assert_int_equal(w.v->clock.state, MW_CLOCK_RIGHT);
    world_close(&w);
}

/* Two minutes are no matter, unless the certificate began one minute ago. */
static void a_small_error_is_blamed_if_it_decides(void **state)
{
    struct mw_clock_reading r[2];
    struct mill_spec leaf = world_leaf();
    struct world w;

    (void)state;
    leaf.not_before.s = WORLD_NOW - 60;
    world_open(&w, MW_ANCHOR_PUBLIC, NULL, &leaf);
    clock_off(&w, 0, r, MW_CLOCK_ROUGHTIME, 2);
    w.ev.now.s -= 120;
    r[0].offset_ms = r[1].offset_ms = 120000;
    world_judge(&w);
    assert_true(world_has(&w, MW_CLOCK_WRONG));
    assert_int_equal(w.v->clock.state, MW_CLOCK_TO_BLAME);
    world_close(&w);
}

/* The converse: the chain passes only because the clock is slow. */
static void an_expired_certificate_is_unmasked(void **state)
{
    static const struct {
        enum mw_clock_source source;
        size_t n;
        enum mw_severity severity;
        enum mw_outcome outcome;
    } cases[] = {
        {MW_CLOCK_ROUGHTIME,  2, MW_ERROR,   MW_UNTRUSTED},
        { MW_CLOCK_ROUGHTIME, 1, MW_ERROR,   MW_UNTRUSTED},
        { MW_CLOCK_SNTP,      3, MW_ERROR,   MW_UNTRUSTED},
        { MW_CLOCK_SNTP,      1, MW_WARNING, MW_PRIVATE  },
        { MW_CLOCK_HTTP_DATE, 3, MW_WARNING, MW_PRIVATE  },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mw_clock_reading r[3];
        struct world w;

        open_usual(&w);
        for (size_t k = 0; k < cases[i].n; k++)
            r[k] = reading(cases[i].source, 100);
        w.ev.clocks = r;
        w.ev.n_clocks = cases[i].n;
        world_judge(&w);
        assert_true(world_says(&w, MW_EXPIRED, "at the true time this certificate has expired"));
        assert_int_equal(world_finding(&w, MW_EXPIRED)->severity, cases[i].severity);
        assert_int_equal(w.v->outcome, cases[i].outcome);
        assert_false(world_has(&w, MW_CLOCK_WRONG));
        assert_false(w.v->clock.valid_at_true_time);
        assert_int_equal(w.v->clock.state, MW_CLOCK_TO_BLAME);
        world_close(&w);
    }
}

static void silence_is_named(void **state)
{
    struct mw_clock_reading r[2] = { { .source = MW_CLOCK_SNTP }, { .source = MW_CLOCK_SNTP } };
    struct world w;

    (void)state;
    open_usual(&w);
    world_judge(&w);
    assert_int_equal(w.v->clock.state, MW_CLOCK_UNASKED);
    assert_true(w.v->missing & MW_MISSING_TIME);
    assert_false(world_has(&w, MW_CLOCK_UNVERIFIED));

    w.ev.clocks = r;
    w.ev.n_clocks = 2;
    world_judge(&w);
    assert_int_equal(w.v->clock.state, MW_CLOCK_NO_ANSWER);
    assert_int_equal(world_finding(&w, MW_CLOCK_UNVERIFIED)->severity, MW_NOTE);
    assert_false(w.v->missing & MW_MISSING_TIME);
    assert_int_equal(w.v->outcome, MW_PRIVATE);

    w.ev.now = world_day(200);
    world_judge(&w);
    assert_int_equal(world_finding(&w, MW_CLOCK_UNVERIFIED)->severity, MW_WARNING);
    assert_true(world_says(&w, MW_CLOCK_UNVERIFIED, "the clock itself may be the cause"));
    assert_false(world_has(&w, MW_CLOCK_WRONG));
    world_close(&w);
}

/* No network at all, and still certain: this program cannot be run before it was built. */
static void the_build_time_bounds_without_a_network(void **state)
{
    struct world w;

    (void)state;
    open_usual(&w);
    w.ev.now = world_day(-2000);
    w.ev.built = world_day(-5);
    world_judge(&w);
    assert_int_equal(w.v->clock.state, MW_CLOCK_TO_BLAME);
    assert_false(w.v->clock.offset_known);
    assert_int_equal(w.v->clock.lower_bound.s, world_day(-5).s);
    assert_int_equal(w.v->findings[0].code, MW_CLOCK_WRONG);
    assert_true(world_says(&w, MW_CLOCK_WRONG, "built"));
    /* Later than the bound says nothing: there are no upper bounds without signed time. */
    w.ev.now = world_day(2000);
    world_judge(&w);
    assert_false(world_has(&w, MW_CLOCK_WRONG));
    world_close(&w);
}

static void a_bound_past_the_end_unmasks(void **state)
{
    struct world w;

    (void)state;
    open_usual(&w);
    w.ev.built = world_day(90);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_UNTRUSTED);
    assert_int_equal(world_finding(&w, MW_EXPIRED)->severity, MW_ERROR);
    world_close(&w);
}

/* A list of the issuer, dated today, proves that a clock of last year is slow. */
static void a_revocation_list_bounds(void **state)
{
    CLEANUP(buf_deinit) struct buf crl = BUF_INIT(1 << 16);
    struct mw_span crls[1];
    struct world w;

    (void)state;
    open_usual(&w);
    assert_int_equal(mill_crl(&crl, w.ca, NULL, 0, world_day(-1), world_day(7)), 0);
    crls[0] = buf_span(&crl);
    w.ev.crls = crls;
    w.ev.n_crls = 1;
    w.ev.now = world_day(-300);
    world_judge(&w);
    assert_true(world_says(&w, MW_CLOCK_WRONG, "revocation list"));
    assert_int_equal(w.v->clock.lower_bound.s, world_day(-1).s);
    /* And its age is judged by the time it bounds: it is not "from the future". */
    assert_int_equal(w.v->revocation.leaf, MW_REVOCATION_GOOD);
    world_close(&w);
}

/* An impostor's own list must not make a good clock look slow. */
static void an_untrusted_issuer_bounds_nothing(void **state)
{
    CLEANUP(buf_deinit) struct buf crl = BUF_INIT(1 << 16);
    struct mw_span crls[1];
    struct world w;

    (void)state;
    open_usual(&w);
    mw_policy_free(w.policy);
    assert_int_equal(mw_policy_new(&w.policy), 0);
    assert_int_equal(mill_crl(&crl, w.ca, NULL, 0, world_day(500), world_day(700)), 0);
    crls[0] = buf_span(&crl);
    w.ev.crls = crls;
    w.ev.n_crls = 1;
    world_judge(&w);
    assert_int_equal(w.v->clock.lower_bound.s, 0);
    assert_false(world_has(&w, MW_CLOCK_OFF));
    assert_false(world_has(&w, MW_CLOCK_WRONG));
    world_close(&w);
}

/* Forged SNTP that would make an expired certificate look good is refuted by what is known. */
static void a_time_that_has_passed_is_a_lie(void **state)
{
    struct mw_clock_reading r[3];
    struct world w;

    (void)state;
    open_usual(&w);
    w.ev.now = world_day(200);
    w.ev.built = world_day(150);
    for (size_t i = 0; i < 3; i++)
        r[i] = reading(MW_CLOCK_SNTP, -200);
    w.ev.clocks = r;
    w.ev.n_clocks = 3;
    world_judge(&w);
    assert_true(world_has(&w, MW_TIME_SERVER_LIES));
    assert_false(world_has(&w, MW_CLOCK_WRONG));
    assert_int_equal(w.v->clock.state, MW_CLOCK_NO_ANSWER);
    world_close(&w);
}

static void a_lying_time_server_is_named(void **state)
{
    struct mw_clock_reading r[3];
    struct world w;

    (void)state;
    open_usual(&w);
    clock_off(&w, 0, r, MW_CLOCK_ROUGHTIME, 3);
    r[1].offset_ms = -400LL * DAY_MS;
    r[1].server = "liar.test";
    world_judge(&w);
    assert_true(world_says(&w, MW_TIME_SERVER_LIES, "liar.test"));
    assert_int_equal(world_finding(&w, MW_TIME_SERVER_LIES)->severity, MW_WARNING);
    assert_int_equal(w.v->clock.state, MW_CLOCK_RIGHT);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    world_close(&w);
}

static void a_wrong_time_zone_is_recognised(void **state)
{
    struct mw_clock_reading r[2];
    struct world w;

    (void)state;
    open_usual(&w);
    clock_off(&w, 0, r, MW_CLOCK_SNTP, 2);
    r[0].offset_ms = r[1].offset_ms = -2LL * 3600 * 1000 + 400;
    world_judge(&w);
    assert_true(world_says(&w, MW_CLOCK_OFF, "time zone"));
    r[0].offset_ms = r[1].offset_ms = -2LL * 3600 * 1000 - 700000;
    world_judge(&w);
    assert_true(world_has(&w, MW_CLOCK_OFF));
    assert_false(world_says(&w, MW_CLOCK_OFF, "time zone"));
    world_close(&w);
}

/* --at TIME: the time was asked for, so no clock is in question. */
static void a_chosen_time_is_no_clock(void **state)
{
    struct mw_clock_reading r[2];
    struct world w;

    (void)state;
    open_usual(&w);
    clock_off(&w, 200, r, MW_CLOCK_ROUGHTIME, 2);
    w.ev.built = world_day(0);
    w.ev.now_chosen = true;
    world_judge(&w);
    assert_true(world_has(&w, MW_EXPIRED));
    assert_false(world_has(&w, MW_CLOCK_WRONG));
    w.ev.now = world_day(-5);
    world_judge(&w);
    assert_int_equal(w.v->outcome, MW_PRIVATE);
    assert_int_equal(w.v->clock.state, MW_CLOCK_UNASKED);
    assert_false(w.v->missing & MW_MISSING_TIME);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_clock_is_said_to_be),
        cmocka_unit_test(a_fast_clock_is_blamed),
        cmocka_unit_test(a_slow_clock_is_blamed),
        cmocka_unit_test(a_right_clock_is_not_blamed),
        cmocka_unit_test(a_wrong_clock_that_changes_nothing_is_not_blamed),
        cmocka_unit_test(a_harmless_error_is_a_warning),
        cmocka_unit_test(a_small_error_is_blamed_if_it_decides),
        cmocka_unit_test(an_expired_certificate_is_unmasked),
        cmocka_unit_test(silence_is_named),
        cmocka_unit_test(the_build_time_bounds_without_a_network),
        cmocka_unit_test(a_bound_past_the_end_unmasks),
        cmocka_unit_test(a_revocation_list_bounds),
        cmocka_unit_test(an_untrusted_issuer_bounds_nothing),
        cmocka_unit_test(a_time_that_has_passed_is_a_lie),
        cmocka_unit_test(a_lying_time_server_is_named),
        cmocka_unit_test(a_wrong_time_zone_is_recognised),
        cmocka_unit_test(a_chosen_time_is_no_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
