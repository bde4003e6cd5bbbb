#include "base/queue.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { LIMIT = 100000 };

static void test_bytes_come_out_in_order(void **state)
{
    CLEANUP(queue_deinit) struct queue q = QUEUE_INIT(LIMIT);
    uint8_t piece[977], next_in = 0, next_out = 0;
    size_t seen = 0, added = 0;

    (void)state;
    while (added < 3 * LIMIT) {
        while (queue_room(&q) >= sizeof(piece)) {
            for (size_t i = 0; i < sizeof(piece); i++)
                piece[i] = next_in++;
            assert_int_equal(queue_add(&q, span_of(piece, sizeof(piece))), 0);
            added += sizeof(piece);
        }
        for (int i = 0; i < 5; i++) {
            struct mw_span front = queue_front(&q);
            size_t take = front.len > 7001 ? 7001 : front.len;

            for (size_t k = 0; k < take; k++)
                assert_int_equal(front.data[k], next_out++);
            queue_drop(&q, take);
            seen += take;
        }
    }
    assert_int_equal(q.len, added - seen);
    queue_drop(&q, q.len);
    assert_int_equal(queue_front(&q).len, 0);
    assert_int_equal(queue_room(&q), LIMIT);
}

static void test_full_means_nothing_is_added(void **state)
{
    CLEANUP(queue_deinit) struct queue q = QUEUE_INIT(10);
    size_t room;

    (void)state;
    assert_int_equal(queue_add(&q, SPAN_LIT("12345678")), 0);
    assert_int_equal(queue_add(&q, SPAN_LIT("abc")), -EMSGSIZE);
    assert_int_equal(q.len, 8);
    assert_non_null(queue_reserve(&q, &room));
    assert_int_equal(room, 2);
    assert_int_equal(queue_add(&q, SPAN_LIT("ab")), 0);
    assert_int_equal(queue_room(&q), 0);
    assert_null(queue_reserve(&q, &room));
    queue_drop(&q, 3);
    assert_int_equal(queue_room(&q), 3);
    assert_memory_equal(queue_front(&q).data, "45678ab", 7);
}

static void test_reading_straight_into_it(void **state)
{
    CLEANUP(queue_deinit) struct queue q = QUEUE_INIT(LIMIT);
    size_t room = 0, total = 0;
    uint8_t *at;

    (void)state;
    while ((at = queue_reserve(&q, &room)) != NULL) {
        assert_true(room >= 1 && room <= queue_room(&q));
        memset(at, 'x', room);
        queue_took(&q, room);
        total += room;
    }
    assert_int_equal(total, LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_out_in_order),
        cmocka_unit_test(test_full_means_nothing_is_added),
        cmocka_unit_test(test_reading_straight_into_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
