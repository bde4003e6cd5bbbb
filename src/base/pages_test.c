/* Pages packed, given back and unpacked are as they were, and are nowhere in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
/* After what it needs. */
#include <cmocka.h>

#include "base/pages.h"

enum { N = 5, ROOM = N * PAGES_SIZE };

static uint64_t seed = 7;

static uint32_t chance(uint32_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((seed >> 33) % below);
}

static size_t resident(uint8_t *pages)
{
    unsigned char there[N];
    size_t n = 0;

    assert_int_equal(mincore(pages, ROOM, there), 0);
    for (size_t i = 0; i < N; i++)
        n += there[i] & 1;
    return n;
}

static uint8_t *pages_new(void)
{
    uint8_t *pages = aligned_alloc(PAGES_SIZE, ROOM);

    assert_non_null(pages);
    memset(pages, 0, ROOM);
    return pages;
}

/* Any runs of bytes, at any distance: the packed ones are exactly as many as measured. */
static void test_there_and_back(void **state)
{
    uint8_t *pages = pages_new(), *copy = malloc(ROOM), *packed;
    size_t full, size;

    (void)state;
    assert_non_null(copy);
    for (int turn = 0; turn < 2000; turn++) {
        for (uint32_t n = chance(20); n > 0; n--) {
            size_t from = chance(ROOM), len = 1 + chance(turn % 2 == 0 ? 40 : 6000);

            len = len < ROOM - from ? len : ROOM - from;
            memset(pages + from, (int)chance(3), len);
        }
        memcpy(copy, pages, ROOM);
        full = pages_full(pages, ROOM);
        size = pages_measure(pages, ROOM);
        assert_true(size <= full * PAGES_SIZE + ROOM / 2 && (full > 0) == (size > 8));
        packed = malloc(size);          /* one byte more would be found out */
        assert_non_null(packed);
        assert_int_equal(pages_pack(pages, ROOM, packed), size);
        assert_int_equal(pages_full(pages, ROOM), 0);
        pages_drop(pages, ROOM);
        if (pages_fit())
            assert_int_equal(resident(pages), 0);
        assert_int_equal(pages_unpack(pages, packed), size);
        assert_memory_equal(pages, copy, ROOM);
        free(packed);
        if (turn % 50 == 49)
            pages_wipe(pages, ROOM);
    }
    free(copy);
    free(pages);
}

/* The first and the last byte, a page's border, nothing, everything. */
static void test_edges(void **state)
{
    static const struct {
        size_t from, len, packed;
    } cases[] = {
        { 0, 0, 8 },
        { 0, 1, 24 },
        { ROOM - 1, 1, 24 },
        { PAGES_SIZE - 1, 2, 32 },
        { 0, ROOM, 8 + ROOM + 8 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t *pages = pages_new(), *packed = malloc(cases[i].packed);

        assert_non_null(packed);
        memset(pages + cases[i].from, 'x', cases[i].len);
        assert_int_equal(pages_measure(pages, ROOM), cases[i].packed);
        assert_int_equal(pages_pack(pages, ROOM, packed), cases[i].packed);
        assert_int_equal(pages_full(pages, ROOM), 0);
        pages_unpack(pages, packed);
        for (size_t k = 0; k < ROOM; k++)
            assert_true((pages[k] == 'x') ==
                        (k >= cases[i].from && k - cases[i].from < cases[i].len));
        free(packed);
        free(pages);
    }
}

/* What has something on it stays. */
static void test_drop(void **state)
{
    uint8_t *pages = pages_new();

    (void)state;
    pages[2 * PAGES_SIZE + 5] = 1;
    assert_int_equal(pages_full(pages, ROOM), 1);
    pages_drop(pages, ROOM);
    if (pages_fit())
        assert_int_equal(resident(pages), 1);
    assert_int_equal(pages[2 * PAGES_SIZE + 5], 1);
    pages_wipe(pages, ROOM);
    assert_int_equal(pages_full(pages, ROOM), 0);
    free(pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_drop),
    };

    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
