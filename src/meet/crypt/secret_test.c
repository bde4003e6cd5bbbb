/* Secrets: by value, and in pages of their own. */
#include "meet/crypt/secret.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cmocka.h>

static void by_value(void **state)
{
    static const uint8_t zeros[sizeof(struct secret)];
    struct secret s = { .len = 64 };
    uint8_t long_one[65] = { 1 };

    (void)state;
    memset(s.bytes, 9, sizeof s.bytes);
    assert_int_equal(secret_set(&s, SPAN_LIT("short")), 0);
    assert_int_equal(s.len, 5);
    assert_memory_equal(s.bytes, "short", 5);
    assert_memory_equal(s.bytes + 5, zeros, 59);
    assert_int_equal(secret_set(&s, span_of(long_one, 65)), -EMSGSIZE);
    assert_int_equal(secret_set(&s, span_of(long_one, 64)), 0);
    assert_int_equal(s.len, 64);
    assert_int_equal(secret_set(&s, secret_span(&s)), 0);
    assert_int_equal(s.bytes[0], 1);
    secret_wipe(&s);
    assert_memory_equal(&s, zeros, sizeof s);
    secret_clear(NULL, 0);
}

/* The flags that the kernel keeps for the mapping that `at` lies in, as /proc spells them. */
static bool has_flag(const void *at, const char *flag)
{
    char line[512], text[8];
    FILE *f = fopen("/proc/self/smaps", "r");
    bool inside = false, found = false;

    assert_non_null(f);
    snprintf(text, sizeof text, " %s ", flag);
    while (fgets(line, sizeof line, f) != NULL) {
        char *end;
        unsigned long from = strtoul(line, &end, 16);

        if (end != line && *end == '-')     /* a mapping's first line: its two ends */
            inside = (uintptr_t)at >= from && (uintptr_t)at < strtoul(end + 1, NULL, 16);
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, text) != NULL;
    }
    fclose(f);
    return found;
}

static void pages_of_their_own(void **state)
{
    const size_t sizes[] = { 0, 1, 4096 - 64, 4096, 100000 };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *p = secret_new(sizes[i]);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xff, sizes[i]);
        assert_true(has_flag(p - 1, "dd"));     /* left out of core dumps */
        secret_freep(&p);
    }
    secret_free(NULL);
    assert_null(secret_new(SIZE_MAX));
    assert_null(secret_new(SIZE_MAX / 2));
}

static void locked_where_the_limit_allows(void **state)
{
    const struct rlimit none = { 0, 0 };
    void *p = secret_new(100), *probe;

    (void)state;
    /* The address sanitizer locks nothing, and neither may this process: a page of the test's
     * own tells. */
    probe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(probe, MAP_FAILED);
    (void)mlock(probe, 4096);
    assert_non_null(p);
    assert_int_equal(has_flag(p, "lo"), has_flag(probe, "lo"));
    assert_int_equal(munmap(probe, 4096), 0);
    secret_free(p);
    /* Whoever may not lock goes without. */
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    p = secret_new(100);
    assert_non_null(p);
    memset(p, 1, 100);
    secret_free(p);
}

static void pages_come_back_wiped(void **state)
{
    enum { MORE = 40 };
    struct secret_pool *pool;
    uint8_t *p, *again, *many[MORE];
    size_t kept = 0;

    (void)state;
    assert_int_equal(secret_pool_new(&pool), 0);
    p = secret_from(pool, 1000);
    assert_non_null(p);
    assert_true(has_flag(p - 1, "dd"));
    memset(p, 0xff, 1000);
    secret_free(p);
    again = secret_from(pool, 4096 - 64);
    assert_ptr_equal(again, p);         /* no new page */
    for (size_t i = 0; i < 4096 - 64; i++)
        assert_int_equal(again[i], 0);
    p = secret_from(pool, 1);
    assert_non_null(p);
    assert_ptr_not_equal(again, p);     /* which is in use */
    secret_free(p);
    secret_free(again);

    /* What is longer than a page, and what finds no room, goes back to the system. */
    p = secret_from(pool, 4096);
    assert_non_null(p);
    memset(p, 0xff, 4096);
    secret_free(p);
    for (size_t i = 0; i < MORE; i++) {
        many[i] = secret_from(pool, 8);
        assert_non_null(many[i]);
        many[i][0] = (uint8_t)i;
    }
    for (size_t i = 0; i < MORE; i++)
        assert_int_equal(many[i][0], i);
    for (size_t i = 0; i < MORE; i++)
        secret_free(many[i]);
    for (size_t i = 0; i < MORE; i++)
        kept += has_flag(many[i], "dd");
    assert_in_range(kept, 1, MORE - 1);
    secret_pool_free(pool);
    secret_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_come_back_wiped),
        cmocka_unit_test(by_value),
        cmocka_unit_test(pages_of_their_own),
        cmocka_unit_test(locked_where_the_limit_allows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
