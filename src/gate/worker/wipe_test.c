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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_freed_blocks_are_clean) };

    return cmocka_run_group_tests_name("wipe", tests, NULL, NULL);
}
