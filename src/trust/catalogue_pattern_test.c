/*
 * Patterns of the catalogue: what each operator matches, and what it does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trust/catalogue_pattern.h"

static bool match(enum pattern_op op, const char *pattern, const char *value)
{
    return pattern_match(op, span_str(pattern), span_str(value));
}

static void exact_ignores_case_and_outer_blanks_only(void **state)
{
    (void)state;
    assert_true(match(PATTERN_IS, "Zscaler Inc.", "zscaler INC."));
    assert_true(match(PATTERN_IS, "Zscaler Inc.", "  Zscaler Inc. \n"));
    assert_false(match(PATTERN_IS, "Zscaler Inc.", "Zscaler Inc"));
    assert_false(match(PATTERN_IS, "Zscaler Inc.", "Zscaler  Inc."));
    assert_false(match(PATTERN_IS, "Zscaler Inc.", "Zscaler Incorporated Ltd"));
}

static void ends_of_a_value(void **state)
{
    (void)state;
    assert_true(match(PATTERN_BEGINS, "Proxyman CA (", "proxyman ca (today)"));
    assert_false(match(PATTERN_BEGINS, "Proxyman CA (", "A Proxyman CA (today)"));
    assert_true(match(PATTERN_ENDS, ".goskope.com", "ca.example.GOSKOPE.com  "));
    assert_false(match(PATTERN_ENDS, ".goskope.com", "ca.goskope.com.example"));
    assert_false(match(PATTERN_ENDS, ".goskope.com", "goskope.com"));
}

static void words_stand_free(void **state)
{
    (void)state;
    assert_true(match(PATTERN_HAS_WORD, "GFI", "GFI"));
    assert_true(match(PATTERN_HAS_WORD, "GFI", "the (gfi) box"));
    assert_true(match(PATTERN_HAS_WORD, "GFI", "GFIX and GFI"));
    assert_false(match(PATTERN_HAS_WORD, "GFI", "GFIX"));
    assert_false(match(PATTERN_HAS_WORD, "GFI", "xGFI 7GFI GFI7"));
    assert_false(match(PATTERN_HAS_WORD, "GFI", "GFI\xc3\xa4"));
}

static void nothing_matches_nothing(void **state)
{
    (void)state;
    for (int op = PATTERN_IS; op <= PATTERN_HAS_WORD; op++) {
        assert_false(match((enum pattern_op)op, "", ""));
        assert_false(match((enum pattern_op)op, "", "value"));
        assert_false(match((enum pattern_op)op, "pattern", ""));
        assert_false(match((enum pattern_op)op, "pattern", "   "));
    }
}

static void bytes_after_a_nul_count(void **state)
{
    static const char value[] = "mitmproxy\0.example.com";

    (void)state;
    assert_false(pattern_match(PATTERN_IS, SPAN_LIT("mitmproxy"), SPAN_LIT(value)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_ignores_case_and_outer_blanks_only),
        cmocka_unit_test(ends_of_a_value),
        cmocka_unit_test(words_stand_free),
        cmocka_unit_test(nothing_matches_nothing),
        cmocka_unit_test(bytes_after_a_nul_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
