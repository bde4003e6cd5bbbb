/* The memo gives back what was kept, and no more than it promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trust/x509_memo.h"

static void keeps_the_newest(void **state)
{
    struct x509_memo *m = x509_memo_new();
    X509 *x = X509_new(), *found;
    uint8_t key[X509_MEMO_KEY] = { 0 };

    (void)state;
    assert_null(x509_memo_find(m, key));
    for (int i = 0; i <= X509_MEMO_ENTRIES; i++) {
        key[0] = (uint8_t)i;
        x509_memo_keep(m, key, 1000, x);
        found = x509_memo_find(m, key);
        assert_ptr_equal(found, x);
        X509_free(found);
    }
    key[0] = 0;
    assert_null(x509_memo_find(m, key));
    x509_memo_free(m);
    X509_free(x);
}

static void leaves_large_ones_out(void **state)
{
    struct x509_memo *m = x509_memo_new();
    X509 *x = X509_new();
    uint8_t key[X509_MEMO_KEY] = { 1 };

    (void)state;
    x509_memo_keep(m, key, X509_MEMO_BYTES + 1, x);
    assert_null(x509_memo_find(m, key));
    x509_memo_free(m);
    X509_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_newest),
        cmocka_unit_test(leaves_large_ones_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
