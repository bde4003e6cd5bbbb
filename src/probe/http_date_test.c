#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "probe/http_date.h"

static void all_three_forms_are_read(void **state)
{
    static const char *const forms[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994", "  Sun, 06 Nov 1994 08:49:37 GMT ",
    };
    const struct mw_wall near = wall_from_utc(1999, 1, 1, 0, 0, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct mw_wall t;

        assert_int_equal(http_date_parse(span_str(forms[i]), near, &t), 0);
        assert_int_equal(t.s, 784111777);
    }
}

static void two_digits_are_the_nearest_year(void **state)
{
    struct mw_wall t;

    (void)state;
    assert_int_equal(http_date_parse(SPAN_LIT("Monday, 06-Nov-26 08:49:37 GMT"),
                                     wall_from_utc(2026, 1, 1, 0, 0, 0), &t),
                     0);
    assert_int_equal(t.s, wall_from_utc(2026, 11, 6, 8, 49, 37).s);
    assert_int_equal(http_date_parse(SPAN_LIT("Sunday, 06-Nov-94 08:49:37 GMT"),
                                     wall_from_utc(2026, 1, 1, 0, 0, 0), &t),
                     0);
    assert_int_equal(t.s, wall_from_utc(1994, 11, 6, 8, 49, 37).s);
}

static void other_texts_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 31 Feb 2026 08:49:37 GMT", "Sun, 29 Feb 2026 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Noe 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
    };
    struct mw_wall t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(http_date_parse(span_str(bad[i]), (struct mw_wall){ 0 }, &t), -EINVAL);
    assert_int_equal(http_date_parse(SPAN_LIT("Thu, 29 Feb 2024 08:49:37 GMT"),
                                     (struct mw_wall){ 0 }, &t),
                     0);
}

static void a_reading_knows_how_coarse_it_is(void **state)
{
    struct mw_clock_reading r = { 0 };

    (void)state;
    http_date_reading(&r, (struct mw_wall){ 1000 }, 700000, 700400);
    assert_int_equal(r.source, MW_CLOCK_HTTP_DATE);
    assert_true(r.ok);
    assert_int_equal(r.offset_ms, 300300);
    assert_int_equal(r.uncertainty_ms, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_three_forms_are_read),
        cmocka_unit_test(two_digits_are_the_nearest_year),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_reading_knows_how_coarse_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
