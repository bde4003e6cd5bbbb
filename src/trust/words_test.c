/*
 * Every code has words that can be shown, and every name leads back to what it names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <midwatch/trust.h>
#include <cmocka.h>

static void sentence(const char *text, const char *code)
{
    size_t n = strlen(text);

    if (n < 10 || (text[n - 1] != '.' && text[n - 1] != ')'))
        fail_msg("%s: not whole sentences: %s", code, text);
    if (strstr(text, "  ") != NULL || text[0] == ' ')
        fail_msg("%s: stray spaces: %s", code, text);
}

static void every_code_has_words(void **state)
{
    (void)state;
    for (int i = MW_CODE_NONE + 1; i < MW_CODES; i++) {
        const struct mw_code_info *info = mw_code_info((enum mw_code)i);

        assert_non_null(info);
        assert_true(strlen(info->title) > 10 && strlen(info->title) < 90);
        if (info->title[strlen(info->title) - 1] == '.')
            fail_msg("%s: the title ends in a full stop", info->code);
        sentence(info->explanation, info->code);
        sentence(info->person, info->code);
        sentence(info->it, info->code);
    }
}

static void codes_lead_back(void **state)
{
    (void)state;
    for (int i = MW_CODE_NONE + 1; i < MW_CODES; i++)
        assert_int_equal(mw_code_find(mw_code_info((enum mw_code)i)->code), i);
    assert_int_equal(mw_code_find("no-such-code"), MW_CODE_NONE);
    assert_int_equal(mw_code_find(NULL), MW_CODE_NONE);
    assert_null(mw_code_info(MW_CODE_NONE));
    assert_null(mw_code_info(MW_CODES));
}

static void names_are_the_documented_ones(void **state)
{
    (void)state;
    assert_string_equal(mw_outcome_name(MW_PRIVATE), "private");
    assert_string_equal(mw_outcome_name(MW_UNREACHABLE), "unreachable");
    assert_string_equal(mw_group_name(MW_GROUP_AUTHORITY), "authority");
    assert_string_equal(mw_group_name(MW_GROUP_DECISION), "decision");
    assert_string_equal(mw_place_name(MW_PLACE_THIS_COMPUTER), "this-computer");
    assert_string_equal(mw_certainty_name(MW_PROVEN), "proven");
    assert_string_equal(mw_severity_name(MW_ERROR), "error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_words),
        cmocka_unit_test(codes_lead_back),
        cmocka_unit_test(names_are_the_documented_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
