/*
 * Wrapping and widths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <cmocka.h>

#include "base/own.h"
#include "base/layout.h"

static void columns_are_those_of_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(text_columns(SPAN_LIT("abc")), 3);
    assert_int_equal(text_columns(SPAN_LIT("b\xc3\xbc"
                                           "cher")),
                     6);
    assert_int_equal(text_columns(SPAN_LIT("e\xcc\x81")), 1);                /* combining acute */
    assert_int_equal(text_columns(SPAN_LIT("\xe6\x97\xa5\xe6\x9c\xac")), 4); /* two Kanji */
    assert_int_equal(text_columns(SPAN_LIT("\xf0\x9f\x94\x92")), 2);         /* a padlock */
    assert_int_equal(text_columns(SPAN_LIT("\xe2\x80\xa6")), 1);             /* ellipsis */
    assert_int_equal(text_columns(SPAN_LIT("\xf0\x9f")), 1);                 /* cut off */
}

static void rows_are_wrapped_under_themselves(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct layout l = { .out = &out, .width = 40 };

    (void)state;
    layout_row(&l, "why", "the root is not public and nobody vouches for it here");
    layout_row(&l, "", "second");
    assert_string_equal((char *)out.data, "  why   the root is not public and\n"
                                          "        nobody vouches for it here\n"
                                          "        second\n");
}

static void no_line_is_wider_than_asked(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 16), text = BUF_INIT(1 << 16);
    struct layout l = { .out = &out, .width = 40 };
    struct mw_span rest, line;

    (void)state;
    for (int i = 0; i < 40; i++) {
        buf_fill(&text, 'x', (size_t)(i * 7 % 60));
        buf_str(&text, i % 3 == 0 ? " \xe6\x97\xa5\xe6\x9c\xac" : " \xc3\xbc ");
    }
    layout_row(&l, "long", (char *)text.data);
    rest = buf_span(&out);
    while (span_line(&rest, &line))
        assert_true(text_columns(line) <= 40);
}

static void colour_only_where_it_is_wanted(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    CLEANUP(own_fclose) FILE *file = tmpfile();
    struct layout l;

    (void)state;
    assert_non_null(file);
    unsetenv("COLUMNS");
    l = layout_for(file, COLOUR_AUTO, &out);
    assert_false(l.colour);
    assert_int_equal(l.width, 80);
    layout_tint(&l, TINT_BAD, "x");
    assert_string_equal((char *)out.data, "x");
    setenv("COLUMNS", "64", 1);
    l = layout_for(file, COLOUR_ALWAYS, &out);
    assert_true(l.colour);
    assert_int_equal(l.width, 64);
    setenv("COLUMNS", "5", 1);
    assert_int_equal(layout_for(file, COLOUR_AUTO, &out).width, LAYOUT_WIDTH_MIN);
    setenv("COLUMNS", "500", 1);
    assert_int_equal(layout_for(file, COLOUR_AUTO, &out).width, LAYOUT_WIDTH_MAX);
    unsetenv("COLUMNS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_of_a_terminal),
        cmocka_unit_test(rows_are_wrapped_under_themselves),
        cmocka_unit_test(no_line_is_wider_than_asked),
        cmocka_unit_test(colour_only_where_it_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
