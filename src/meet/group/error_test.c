/* Every code has a name and words of its own. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <midwatch/mls_error.h>

static void every_code(void **state)
{
    (void)state;
    for (int i = 0; i < MW_MLS_E_COUNT; i++) {
        const char *name = mw_mls_error_name(i), *text = mw_mls_error_text(i);

        assert_non_null(name);
        assert_non_null(text);
        assert_true(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(name));
        assert_true(strlen(name) > 1 && strlen(text) > 8);
        assert_true(text[strlen(text) - 1] != '.');
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(name, mw_mls_error_name(k));
            assert_string_not_equal(text, mw_mls_error_text(k));
        }
    }
}

static void known_by_name(void **state)
{
    (void)state;
    assert_string_equal(mw_mls_error_name(MW_MLS_E_OK), "OK");
    assert_string_equal(mw_mls_error_name(MW_MLS_E_PATH_MISSING), "PATH_MISSING");
    assert_string_equal(mw_mls_error_name(MW_MLS_E_REFUSED), "REFUSED");
}

static void what_is_no_code(void **state)
{
    static const int others[] = { -ENOMEM, -EIO, INT_MIN, MW_MLS_E_COUNT, INT_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_string_equal(mw_mls_error_name(others[i]), others[i] < 0 ? "SYSTEM" : "UNKNOWN");
        assert_non_null(mw_mls_error_text(others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code),
        cmocka_unit_test(known_by_name),
        cmocka_unit_test(what_is_no_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
