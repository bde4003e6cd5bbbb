/*
 * What time it is, by what others say: medians, majorities and liars.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "trust/reckon.h"

static struct mw_clock_reading sntp(int64_t offset_ms)
{
    return (struct mw_clock_reading){
        .source = MW_CLOCK_SNTP, .ok = true, .offset_ms = offset_ms, .uncertainty_ms = 20
    };
}

static struct mw_clock_reading signed_(int64_t offset_ms)
{
    return (struct mw_clock_reading){
        .source = MW_CLOCK_ROUGHTIME, .ok = true, .offset_ms = offset_ms, .uncertainty_ms = 1000
    };
}

static struct mw_clock_reading http(int64_t offset_ms)
{
    return (struct mw_clock_reading){
        .source = MW_CLOCK_HTTP_DATE, .ok = true, .offset_ms = offset_ms, .uncertainty_ms = 1000
    };
}

static void nobody_answered(void **state)
{
    struct mw_clock_reading r[] = { { .source = MW_CLOCK_SNTP }, { .source = MW_CLOCK_HTTP_DATE } };
    struct reckoning out;

    (void)state;
    reckon(NULL, 0, &out);
    assert_false(out.known);
    reckon(r, ARRAY_LEN(r), &out);
    assert_false(out.known);
    assert_int_equal(out.answered, 0);
}

static void the_median_ignores_an_outlier(void **state)
{
    struct mw_clock_reading r[] = { sntp(400), sntp(-900000000), sntp(420) };
    struct reckoning out;

    (void)state;
    reckon(r, ARRAY_LEN(r), &out);
    assert_true(out.known);
    assert_false(out.is_signed);
    assert_int_equal(out.offset_ms, 400);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.certainty, MW_LIKELY);
    assert_int_equal(out.marks[1], RECKON_OUTLIER);
    assert_int_equal(out.marks[0], RECKON_AGREES);
}

static void two_that_disagree_are_none(void **state)
{
    struct mw_clock_reading r[] = { sntp(0), sntp(86400000) };
    struct reckoning out;

    (void)state;
    reckon(r, ARRAY_LEN(r), &out);
    assert_false(out.known);
    assert_int_equal(out.answered, 2);
}

static void one_unsigned_voice_is_a_hint(void **state)
{
    struct mw_clock_reading r[] = { sntp(5000) }, h[] = { http(5000), http(5100) };
    struct reckoning out;

    (void)state;
    reckon(r, 1, &out);
    assert_true(out.known);
    assert_int_equal(out.certainty, MW_HINT);
    reckon(h, 2, &out);
    assert_true(out.known);
    assert_int_equal(out.certainty, MW_HINT); /* whoever forges one forges two */
}

static void better_evidence_wins(void **state)
{
    struct mw_clock_reading r[] = { http(-50000000), sntp(70000000), sntp(70000000), signed_(10),
                                    signed_(-10) };
    struct reckoning out;

    (void)state;
    reckon(r, 5, &out);
    assert_true(out.is_signed);
    assert_int_equal(out.source, MW_CLOCK_ROUGHTIME);
    assert_int_equal(out.certainty, MW_CERTAIN);
    assert_in_range(out.offset_ms + 1000, 0, 2000);
    reckon(r, 4, &out);
    assert_true(out.is_signed);
    assert_int_equal(out.certainty, MW_LIKELY); /* one signer */
    reckon(r, 3, &out);
    assert_int_equal(out.source, MW_CLOCK_SNTP);
    assert_int_equal(out.offset_ms, 70000000);
}

static void a_signed_lie_is_found(void **state)
{
    struct mw_clock_reading r[] = { signed_(300), signed_(100000), signed_(-300) };
    struct reckoning out;

    (void)state;
    reckon(r, 3, &out);
    assert_true(out.known);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.marks[1], RECKON_LIES);
    assert_int_equal(out.marks[0], RECKON_AGREES);
    assert_int_equal(out.marks[2], RECKON_AGREES);
    assert_in_range(out.offset_ms + 1000, 0, 2000);
}

static void signed_without_a_majority_is_disputed(void **state)
{
    struct mw_clock_reading r[] = { signed_(0), signed_(100000), sntp(99990), sntp(100010) };
    struct reckoning out;

    (void)state;
    reckon(r, 4, &out);
    assert_int_equal(out.marks[0], RECKON_DISPUTED);
    assert_int_equal(out.marks[1], RECKON_DISPUTED);
    assert_true(out.known);
    assert_false(out.is_signed);
    assert_int_equal(out.source, MW_CLOCK_SNTP);
}

static void a_forged_answer_is_not_used(void **state)
{
    struct mw_clock_reading r[] = { signed_(86400000) };
    struct reckoning out;

    (void)state;
    r[0].signature_bad = true;
    reckon(r, 1, &out);
    assert_false(out.known);
    assert_int_equal(out.marks[0], RECKON_FORGED);
}

static void absurd_numbers_are_left_out(void **state)
{
    struct mw_clock_reading r[] = { sntp(INT64_MIN), sntp(INT64_MAX), sntp(7), sntp(7) };
    struct reckoning out;

    (void)state;
    r[2].uncertainty_ms = -1;
    reckon(r, 4, &out);
    assert_true(out.known);
    assert_int_equal(out.offset_ms, 7);
    assert_int_equal(out.n, 1);
}

/* Whatever a minority of signed readings says, the result stays within the truth of the rest. */
static void a_minority_cannot_move_the_time(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct mw_clock_reading r[9];
        struct reckoning out;
        size_t honest = 5;

        for (size_t i = 0; i < 9; i++) {
            seed = seed * 1103515245 + 12345;
            r[i] = signed_(i < honest ? (int64_t)(seed >> 16) % 900 - 450
                                      : (int64_t)(seed >> 8) % 2000000000 - 1000000000);
        }
        reckon(r, 9, &out);
        assert_true(out.known);
        assert_in_range(out.offset_ms + 2500, 0, 5000);
        for (size_t i = 0; i < honest; i++)
            assert_int_equal(out.marks[i], RECKON_AGREES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_answered),
        cmocka_unit_test(the_median_ignores_an_outlier),
        cmocka_unit_test(two_that_disagree_are_none),
        cmocka_unit_test(one_unsigned_voice_is_a_hint),
        cmocka_unit_test(better_evidence_wins),
        cmocka_unit_test(a_signed_lie_is_found),
        cmocka_unit_test(signed_without_a_majority_is_disputed),
        cmocka_unit_test(a_forged_answer_is_not_used),
        cmocka_unit_test(absurd_numbers_are_left_out),
        cmocka_unit_test(a_minority_cannot_move_the_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
