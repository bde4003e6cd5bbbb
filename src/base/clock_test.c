#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int64_t parsed(const char *text)
{
    struct mw_wall t = { -1 };

    if (wall_parse(span_str(text), &t) < 0)
        fail_msg("\"%s\" was refused", text);
    return t.s;
}

static void refused(const char *text)
{
    struct mw_wall t = { 77 };

    if (wall_parse(span_str(text), &t) != -EINVAL)
        fail_msg("\"%s\" was accepted", text);
    assert_int_equal(t.s, 77);
}

static void test_parse(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2026-11-21T22:30:05Z"), 1795300205);
    assert_int_equal(parsed("2026-11-21t22:30:05z"), 1795300205);
    assert_int_equal(parsed("2026-11-21 22:30:05.999Z"), 1795300205);
    assert_int_equal(parsed("2026-11-22T00:00:05+01:30"), 1795300205);
    assert_int_equal(parsed("2026-11-21T21:30:05-01:00"), 1795300205);
    assert_int_equal(parsed("2026-11-21"), 1795300205 - (22 * 3600 + 30 * 60 + 5));
    assert_int_equal(parsed("1969-12-31T23:59:59Z"), -1);
    assert_int_equal(parsed("2000-02-29"), 951782400);
    assert_int_equal(parsed("2016-12-31T23:59:60Z"), 1483228800); /* a leap second */
    assert_true(parsed("9999-12-31T23:59:59Z") == 253402300799);
    assert_true(parsed("0000-01-01") == -62167219200);
}

static void test_parse_refuses(void **state)
{
    (void)state;
    refused("");
    refused("2026");
    refused("2026-13-01");
    refused("2026-00-01");
    refused("2026-01-00");
    refused("2026-02-29");
    refused("1900-02-29");
    refused("2026-04-31");
    refused("2026-11-21T");
    refused("2026-11-21T22:30");
    refused("2026-11-21T22:30:05");
    refused("2026-11-21T24:00:00Z");
    refused("2026-11-21T22:60:00Z");
    refused("2026-11-21T22:30:61Z");
    refused("2026-11-21T22:30:05.Z");
    refused("2026-11-21T22:30:05Z ");
    refused("2026-11-21T22:30:05+0130");
    refused("2026-11-21T22:30:05+24:00");
    refused("-026-11-21");
    refused("2026--1-21");
    refused("2026-11--1");
    refused("2026-11-21T-1:30:05Z");
    refused("2026-11-21T22:30:05+-1:00");
}

static void test_format_and_back(void **state)
{
    static const int64_t times[] = { 0,         -1,           1795300205,   951782399,
                                     951782400, -62167219200, 253402300799, -86400,
                                     86399,     4102444800 };
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        buf_truncate(&b, 0);
        wall_format(&b, (struct mw_wall){ times[i] });
        assert_true(parsed((const char *)b.data) == times[i]);
    }
    buf_truncate(&b, 0);
    wall_format(&b, (struct mw_wall){ 1795300205 });
    assert_string_equal((const char *)b.data, "2026-11-21T22:30:05Z");
    buf_truncate(&b, 0);
    wall_format_date(&b, (struct mw_wall){ -1 });
    assert_string_equal((const char *)b.data, "1969-12-31");
}

static void test_every_day_of_two_leap_cycles(void **state)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);

    (void)state;
    for (int64_t day = -150000; day < 150000; day += 7) {
        buf_truncate(&b, 0);
        wall_format_date(&b, (struct mw_wall){ day * 86400 });
        assert_true(parsed((const char *)b.data) == day * 86400);
    }
}

static void test_spans_of_time(void **state)
{
    static const struct {
        int64_t s;
        const char *words;
    } rows[] = {
        {0,            "0 seconds"         },
        { 1,           "1 second"          },
        { 119,         "119 seconds"       },
        { 120,         "2 minutes"         },
        { 7199,        "119 minutes"       },
        { 7200,        "2 hours"           },
        { 36 * 3600,   "36 hours"          },
        { 12 * 86400,  "12 days"           },
        { 400 * 86400, "400 days"          },
        { 730 * 86400, "2 years"           },
        { -12 * 86400, "12 days"           },
        { INT64_MIN,   "292471208677 years"},
    };
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_truncate(&b, 0);
        span_of_time_format(&b, rows[i].s);
        assert_string_equal((const char *)b.data, rows[i].words);
    }
}

static void test_clocks_move(void **state)
{
    struct mono before = mono_now();

    (void)state;
    assert_true(wall_now().s > 1700000000);
    assert_true(mono_diff_ns(before, mono_now()) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),           cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_format_and_back), cmocka_unit_test(test_every_day_of_two_leap_cycles),
        cmocka_unit_test(test_spans_of_time),   cmocka_unit_test(test_clocks_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
