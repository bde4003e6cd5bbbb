/*
 * The scales: what adds up to which word, and that the table in docs/weighing.md is the one
 * that is used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "trust/weigh.h"

static struct weighing weigh(const int *pieces, size_t n)
{
    struct weighing w = { 0 };

    for (size_t i = 0; i < n; i++)
        weigh_add(&w, pieces[i]);
    return w;
}

static void nothing_means_nobody(void **state)
{
    struct weighing w = { 0 };
    enum mw_certainty how;

    (void)state;
    assert_false(weigh_certainty(&w, &how));
}

static void a_heap_of_weak_hints_finds_nobody(void **state)
{
    const int weak[] = { 5, 5, 5, 5, 5, 8, 8, 9, 9, 9 };
    struct weighing w = weigh(weak, ARRAY_LEN(weak));
    enum mw_certainty how;

    (void)state;
    assert_int_equal(weigh_sum(&w), WEIGH_PRIOR + WEIGH_WEAK_MOST);
    assert_false(weigh_certainty(&w, &how));
}

static void strong_pieces_make_likely_then_certain(void **state)
{
    const int pieces[] = { 25, 18 };
    struct weighing w = weigh(pieces, 1);
    enum mw_certainty how = MW_PROVEN;

    (void)state;
    assert_true(weigh_certainty(&w, &how));
    assert_int_equal(how, MW_LIKELY);
    w = weigh(pieces, 2);
    assert_true(weigh_certainty(&w, &how));
    assert_int_equal(how, MW_CERTAIN);
}

static void what_speaks_against_is_subtracted(void **state)
{
    const int pieces[] = { 12, -5 };
    struct weighing w = weigh(pieces, 2);
    enum mw_certainty how;

    (void)state;
    assert_int_equal(weigh_sum(&w), -3);
    assert_false(weigh_certainty(&w, &how));
}

static void proof_outweighs_everything(void **state)
{
    const int pieces[] = { -5, WEIGH_PROOF }, against[] = { 40, 40, -WEIGH_PROOF };
    struct weighing w = weigh(pieces, 2);
    enum mw_certainty how = MW_HINT;

    (void)state;
    assert_true(weigh_certainty(&w, &how));
    assert_int_equal(how, MW_PROVEN);
    w = weigh(against, 3);
    assert_false(weigh_certainty(&w, &how));
}

/* Rows like "| `local-anchor-on-public` | 25 | … |". */
static bool row_read(struct mw_span line, char code[64], int64_t *weight)
{
    struct mw_span cell;

    if (line.len < 4 || line.data[0] != '|')
        return false;
    line = span_cut(line, 1, line.len);
    if (!span_field(&line, '|', &cell))
        return false;
    cell = span_trim(cell);
    if (cell.len < 3 || cell.data[0] != '`' || cell.len - 2 >= 64)
        return false;
    memcpy(code, cell.data + 1, cell.len - 2);
    code[cell.len - 2] = '\0';
    return span_field(&line, '|', &cell) && text_number(span_trim(cell), -2000, 2000, weight) == 0;
}

static void the_documented_table_is_the_one_used(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    struct mw_span rest, line;
    size_t rows = 0, weighed = 0;
    char code[64];
    int64_t weight;

    (void)state;
    assert_int_equal(file_read("docs/weighing.md", &text), 0);
    rest = buf_span(&text);
    while (span_line(&rest, &line)) {
        if (!row_read(line, code, &weight))
            continue;
        assert_int_not_equal(mw_code_find(code), MW_CODE_NONE);
        if (weigh_of(mw_code_find(code)) != weight)
            fail_msg("%s weighs %d, documented is %d", code, weigh_of(mw_code_find(code)),
                     (int)weight);
        rows++;
    }
    for (int i = 1; i < MW_CODES; i++)
        weighed += weigh_of((enum mw_code)i) != 0;
    assert_int_equal(rows, weighed);
}

static void weighed_pieces_can_be_disproved(void **state)
{
    (void)state;
    for (int i = 1; i < MW_CODES; i++) {
        int weight = weigh_of((enum mw_code)i);

        if (weight != 0 && i != MW_KNOWN_BAD_ROOT && i != MW_ECHO_AGREES)
            assert_non_null(weigh_disproof((enum mw_code)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_means_nobody),
        cmocka_unit_test(a_heap_of_weak_hints_finds_nobody),
        cmocka_unit_test(strong_pieces_make_likely_then_certain),
        cmocka_unit_test(what_speaks_against_is_subtracted),
        cmocka_unit_test(proof_outweighs_everything),
        cmocka_unit_test(the_documented_table_is_the_one_used),
        cmocka_unit_test(weighed_pieces_can_be_disproved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
