#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>
#include <openssl/crypto.h>

#include "gate/worker/wipe.h"

/* free() is wrapped: what does a block hold when it is given back? */
void __real_free(void *p);
void __wrap_free(void *p);

static const void *watched;
static bool seen, clean;

void __wrap_free(void *p)
{
    if (p != NULL && p == watched) {
        const uint8_t *bytes = p;

        seen = clean = true;
        for (size_t i = 0; i < 16000; i++)
            clean &= bytes[i] == 0;
    }
    __real_free(p);
}

static void test_freed_blocks_are_clean(void **state)
{
    char *block, *larger;

    (void)state;
    assert_int_equal(wipe_begin(), 0);
    block = OPENSSL_malloc(16000);
    assert_non_null(block);
    memset(block, 's', 16000);
    watched = block;
    larger = OPENSSL_realloc(block, 20000);
    assert_true(seen && clean);
    assert_int_equal(larger[15999], 's');
    seen = clean = false;
    watched = larger;
    OPENSSL_free(larger);
    assert_true(seen && clean);
    watched = NULL;
}

/* What is about as large as an SSL has pages to itself. */
static void test_pages(void **state)
{
    static const struct {
        size_t size, pages;
    } cases[] = { { 4095, 0 }, { 4096, 1 }, { 7624, 2 }, { 12289, 4 }, { 16383, 4 } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *block = OPENSSL_malloc(cases[i].size);

        assert_non_null(block);
        memset(block, 's', cases[i].size);
        if (cases[i].pages > 0)
            assert_int_equal(wipe_pages(block), cases[i].pages * 4096);
        block = OPENSSL_realloc(block, cases[i].size + 1);
        assert_int_equal(block[cases[i].size - 1], 's');
        OPENSSL_free(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_freed_blocks_are_clean),
        cmocka_unit_test(test_pages),
    };

    return cmocka_run_group_tests_name("wipe", tests, NULL, NULL);
}
