/* The window against a plain memory of everything. */
#include "meet/sframe/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FAR = 4096 };

struct memory {
    bool seen[FAR];             /* by counter, less the base */
    uint64_t top;
    bool any;
};

static int expected(const struct memory *m, uint64_t at)
{
    if (!m->any || at > m->top)
        return 0;
    if (m->top - at >= MW_SFRAME_WINDOW)
        return MW_SFRAME_E_OLD;
    return m->seen[at] ? MW_SFRAME_E_REPLAYED : 0;
}

/* xorshift64*: the same numbers in every run. */
static uint64_t next(uint64_t *s, uint64_t below)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return (*s * 0x2545f4914f6cdd1dU >> 20) % below;
}

static void play(uint64_t base, uint64_t seed, unsigned jump)
{
    struct sframe_window w = { 0 };
    struct memory m = { 0 };
    int answers[16] = { 0 };

    for (int i = 0; i < 20000; i++) {
        uint64_t from = m.any && m.top > 200 ? m.top - 200 : 0;
        uint64_t at = from + next(&seed, 200 + jump);
        int r;

        if (at >= FAR)
            break;
        r = sframe_window_check(&w, base + at);
        assert_int_equal(r, expected(&m, at));
        answers[r]++;
        if (r != 0 || next(&seed, 4) == 0)
            continue;           /* refused, or a tag that was wrong: nothing is remembered */
        sframe_window_mark(&w, base + at);
        m.seen[at] = true;
        m.top = m.any && m.top > at ? m.top : at;
        m.any = true;
    }
    assert_true(answers[0] > 0 && answers[MW_SFRAME_E_OLD] > 0);
    assert_true(answers[MW_SFRAME_E_REPLAYED] > 0);
}

static void as_the_memory_says(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 50; seed++) {
        play(0, seed, 1 + seed % 7);
        play(0, seed, 1 + seed % 300);
        play(UINT64_MAX - FAR, seed, 1 + seed % 50);
    }
}

static void both_edges(void **state)
{
    struct sframe_window w = { 0 };

    (void)state;
    assert_int_equal(sframe_window_check(&w, 0), 0);
    sframe_window_mark(&w, 0);
    assert_int_equal(sframe_window_check(&w, 0), MW_SFRAME_E_REPLAYED);
    sframe_window_mark(&w, 127);
    assert_int_equal(sframe_window_check(&w, 0), MW_SFRAME_E_REPLAYED);
    assert_int_equal(sframe_window_check(&w, 1), 0);
    sframe_window_mark(&w, 128);
    assert_int_equal(sframe_window_check(&w, 0), MW_SFRAME_E_OLD);
    assert_int_equal(sframe_window_check(&w, 1), 0);
    assert_int_equal(sframe_window_check(&w, 127), MW_SFRAME_E_REPLAYED);
    sframe_window_mark(&w, UINT64_MAX);
    assert_int_equal(sframe_window_check(&w, 128), MW_SFRAME_E_OLD);
    assert_int_equal(sframe_window_check(&w, UINT64_MAX), MW_SFRAME_E_REPLAYED);
    assert_int_equal(sframe_window_check(&w, UINT64_MAX - 127), 0);
    assert_int_equal(sframe_window_check(&w, UINT64_MAX - 128), MW_SFRAME_E_OLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_memory_says),
        cmocka_unit_test(both_edges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
