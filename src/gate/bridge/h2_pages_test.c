/* What nghttp2 holds, packed and unpacked: every byte is where it was, and nothing is in memory in
 * between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "gate/bridge/h2.h"

enum { BLOCKS = 9, PAGE = 4096 };

/* All but the last stand one behind the other. */
static const size_t sizes[BLOCKS] = { 1, 8000, 4096, 3000, 20480, 1056, 4095, 4104, 65536 };

struct held {
    struct h2_memory memory;
    nghttp2_mem mem;
    uint8_t *at[BLOCKS];
    uint8_t *copy[BLOCKS];
    uint64_t seed;
};

static uint32_t chance(struct held *h, uint32_t below)
{
    h->seed = h->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((h->seed >> 33) % below);
}

static void held_begin(struct held *h, uint64_t seed)
{
    *h = (struct held){ .memory = { .max = 1 << 20, .lasting = true }, .seed = seed };
    h->mem = h2_nghttp2_mem(&h->memory);
    for (size_t i = 0; i < BLOCKS; i++) {
        h->at[i] = h->mem.malloc(sizes[i], h->mem.mem_user_data);
        assert_non_null(h->at[i]);
        assert_int_equal((uintptr_t)h->at[i] % _Alignof(max_align_t), 0);
        h->copy[i] = calloc(1, sizes[i]);
        assert_non_null(h->copy[i]);
        memset(h->at[i], 0, sizes[i]);
    }
}

static void held_end(struct held *h)
{
    h2_memory_deinit(&h->memory);
    assert_int_equal(h->memory.used, 0);
    for (size_t i = 0; i < BLOCKS; i++)
        free(h->copy[i]);
}

/* Runs of bytes, anywhere, up to so many times so long; the rest stays as it was. */
static void scribble(struct held *h, uint32_t runs, uint32_t longest)
{
    for (uint32_t n = chance(h, runs + 1); n > 0; n--) {
        size_t i = chance(h, BLOCKS), from = chance(h, (uint32_t)sizes[i]);
        size_t len = 1 + chance(h, longest);

        for (size_t k = from; k < from + len && k < sizes[i]; k++)
            h->at[i][k] = h->copy[i][k] = (uint8_t)chance(h, 3);
    }
}

static size_t resident(const struct held *h)
{
    unsigned char there[17];
    size_t n = 0;

    for (size_t i = 0; i < BLOCKS; i++) {
        uintptr_t from = (uintptr_t)h->at[i] / PAGE * PAGE;
        size_t pages = ((uintptr_t)h->at[i] + sizes[i] - from + PAGE - 1) / PAGE;

        assert_true(pages <= sizeof there);
        assert_int_equal(mincore((void *)from, pages * PAGE, there), 0);
        for (size_t k = 0; k < pages; k++)
            n += there[k] & 1;
    }
    return n;
}

static void check(const struct held *h)
{
    for (size_t i = 0; i < BLOCKS; i++)
        assert_memory_equal(h->at[i], h->copy[i], sizes[i]);
}

static void every_byte_comes_back(void **state)
{
    size_t packed = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct held h;

        held_begin(&h, seed);
        for (int turn = 0; turn < 20; turn++) {
            size_t used = h.memory.used;

            scribble(&h, 30, seed % 2 == 0 ? 30 : 3000);
            h2_memory_rest(&h.memory);
            if (h.memory.packed != NULL) {
                packed++;
                assert_int_equal(resident(&h), 0);
                assert_int_equal(h2_memory_full_pages(&h.memory), 0);
            }
            if (turn % 3 == 0)
                h2_memory_rest(&h.memory);      /* it rests already */
            h2_memory_wake(&h.memory);
            assert_null(h.memory.packed);
            h2_memory_wake(&h.memory);
            check(&h);
            assert_int_equal(h.memory.used, used);
        }
        if (seed % 4 == 0)
            h2_memory_rest(&h.memory);          /* it ends at rest */
        held_end(&h);
    }
    assert_true(packed > 400);
}

/* What was spent is gone after a rest, and nothing else. */
static void what_was_spent_goes(void **state)
{
    struct held h;

    (void)state;
    held_begin(&h, 1);
    for (size_t i = 0; i < BLOCKS; i++) {
        memset(h.at[i], 'x', 100 < sizes[i] ? 100 : 1);
        memset(h.copy[i], 'x', 100 < sizes[i] ? 100 : 1);
    }
    h2_memory_spent(&h.memory, h.at[4] + 10, 20);
    h2_memory_spent(&h.memory, h.at[4] + 40, 10);
    memset(h.copy[4] + 10, 0, 40);
    h2_memory_spent(&h.memory, h.at[1], 9);
    memset(h.copy[1], 0, 9);
    h2_memory_spent(&h.memory, (const uint8_t *)"from elsewhere", 10);
    h2_memory_rest(&h.memory);
    h2_memory_wake(&h.memory);
    check(&h);
    memset(h.at[4], 'x', 100);
    memset(h.copy[4], 'x', 100);
    h2_memory_rest(&h.memory);          /* it was spent once, not for ever */
    h2_memory_wake(&h.memory);
    check(&h);
    held_end(&h);
}

/* Packing is for what is mostly empty. */
static void what_is_full_stays(void **state)
{
    struct held h;

    (void)state;
    held_begin(&h, 1);
    for (size_t i = 0; i < BLOCKS; i++) {
        memset(h.at[i], 'x', sizes[i]);
        memset(h.copy[i], 'x', sizes[i]);
    }
    h2_memory_rest(&h.memory);
    assert_null(h.memory.packed);
    check(&h);
    held_end(&h);
}

/* Small blocks, too, can be given back and moved; what was in them is wiped at once. */
static void small_blocks_go(void **state)
{
    struct held h;
    uint8_t *moved;
    size_t used;

    (void)state;
    held_begin(&h, 1);
    used = h.memory.used;
    memset(h.at[3], 'x', sizes[3]);
    h.mem.free(h.at[3], h.mem.mem_user_data);
    assert_int_equal(h.memory.used, used - sizes[3]);
    assert_int_equal(h.at[3][0], 0);
    assert_memory_equal(h.at[3], h.at[3] + 1, sizes[3] - 1);
    memset(h.at[5], 'y', sizes[5]);
    moved = h.mem.realloc(h.at[5], 2 * sizes[5], h.mem.mem_user_data);
    assert_non_null(moved);
    assert_ptr_not_equal(moved, h.at[5]);
    assert_int_equal(h.memory.used, used - sizes[3] + sizes[5]);
    assert_int_equal(moved[0], 'y');
    assert_memory_equal(moved, moved + 1, sizes[5] - 1);
    assert_int_equal(h.at[5][0], 0);
    held_end(&h);
}

/* Where the pages for small blocks are full, they are taken elsewhere; past the limit, nowhere. */
static void many_small_blocks(void **state)
{
    struct h2_memory m = { .max = 100 * 1024, .lasting = true };
    nghttp2_mem mem = h2_nghttp2_mem(&m);
    uint8_t *at[101];

    (void)state;
    for (size_t i = 0; i < 101; i++) {
        at[i] = mem.malloc(1024, mem.mem_user_data);
        if (at[i] != NULL)
            memset(at[i], (int)i, 1024);
        assert_true((at[i] != NULL) == (i < 100));
    }
    assert_true(m.refused);
    h2_memory_rest(&m);
    h2_memory_wake(&m);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(at[i][0], i);
        assert_memory_equal(at[i], at[i] + 1, 1023);
    }
    assert_int_equal(m.used, m.max);
    assert_null(mem.malloc(1, mem.mem_user_data));
    for (size_t i = 0; i < 100; i++)
        mem.free(at[i], mem.mem_user_data);
    assert_int_equal(m.used, 0);
    h2_memory_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_was_spent_goes),
        cmocka_unit_test(what_is_full_stays),
        cmocka_unit_test(small_blocks_go),
        cmocka_unit_test(many_small_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
