#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "probe/sntp.h"

static const uint8_t cookie[SNTP_COOKIE_BYTES] = { 9, 8, 7, 6, 5, 4, 3, 2 };

struct reply {
    uint8_t flags, stratum;
    uint32_t delay, dispersion;
    const uint8_t *origin;
    int64_t in_ms, out_ms;      /* since 1970 */
    size_t len;
};

static struct reply good(int64_t in_ms, int64_t out_ms)
{
    return (struct reply){ .flags = 4 << 3 | 4, .stratum = 2, .origin = cookie, .in_ms = in_ms,
                           .out_ms = out_ms, .len = SNTP_PACKET_BYTES };
}

/* Wraps at 2036, as the wire does. */
static void timestamp(struct buf *b, int64_t ms)
{
    buf_u32(b, (uint32_t)(ms / 1000 + 2208988800));
    buf_u32(b, (uint32_t)(((uint64_t)(ms % 1000) << 32) / 1000));
}

static int read_reply(struct sntp_answer *a, const struct reply *r, int64_t sent, int64_t received)
{
    CLEANUP(buf_deinit) struct buf b = BUF_INIT(256);
    const struct mw_wall built = wall_from_utc(2026, 1, 1, 0, 0, 0);

    buf_u8(&b, r->flags);
    buf_u8(&b, r->stratum);
    buf_u16(&b, 0);
    buf_u32(&b, r->delay);
    buf_u32(&b, r->dispersion);
    buf_str(&b, "RATE");
    buf_u64(&b, 0);
    buf_add(&b, span_of(r->origin, SNTP_COOKIE_BYTES));
    timestamp(&b, r->in_ms);
    timestamp(&b, r->out_ms);
    buf_fill(&b, 'x', 20);
    return sntp_response_read(a, span_of(b.data, r->len), cookie, sent, received, built);
}

static const int64_t base_ms = INT64_C(1795000000000);

static void offset_and_uncertainty_follow_the_rfc(void **state)
{
    struct reply r = good(base_ms + 5030, base_ms + 5040);
    struct sntp_answer a;

    (void)state;
    r.delay = 1 << 15;                  /* half a second */
    r.dispersion = 1 << 14;             /* a quarter */
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms + 90), 0);
    /* ((5030 - 0) + (5040 - 90)) / 2, and (90 - 10) / 2 + 250 + 250 + 1 */
    assert_in_range(a.offset_ms, 4989, 4991);
    assert_in_range(a.uncertainty_ms, 540, 543);
}

static void a_clock_that_is_years_off_is_measured(void **state)
{
    struct reply r = good(base_ms, base_ms);
    struct sntp_answer a;

    (void)state;
    assert_int_equal(read_reply(&a, &r, 0, 10), 0);     /* we think it is 1970 */
    assert_in_range(a.offset_ms, base_ms - 6, base_ms);
}

static void timestamps_after_2036_are_in_the_next_era(void **state)
{
    int64_t late = wall_from_utc(2040, 6, 1, 0, 0, 0).s * 1000;
    struct reply r = good(late, late);
    struct sntp_answer a;

    (void)state;
    assert_int_equal(read_reply(&a, &r, late - 50, late + 50), 0);
    assert_in_range(a.offset_ms + 10, 8, 12);
    /* and just before and after the wrap itself, 2036-02-07T06:28:16Z */
    late = wall_from_utc(2036, 2, 7, 6, 28, 15).s * 1000;
    r = good(late, late + 2000);
    assert_int_equal(read_reply(&a, &r, late, late + 2000), 0);
    assert_in_range(a.offset_ms + 10, 8, 12);
}

static void answers_of_no_use_are_told_apart(void **state)
{
    static const uint8_t other[SNTP_COOKIE_BYTES] = { 1 };
    struct sntp_answer a;
    struct reply r;

    (void)state;
    r = good(base_ms, base_ms);
    r.stratum = 0;
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_KISS);
    r.stratum = 16;
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_UNSYNCHRONISED);
    r = good(base_ms, base_ms);
    r.flags |= 0xc0;
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_UNSYNCHRONISED);
    r = good(base_ms, base_ms);
    r.origin = other;
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_NOT_OURS);
    r.stratum = 0;                      /* nor may a stranger's kiss turn us away */
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_NOT_OURS);
}

static void malformed_answers_are_refused(void **state)
{
    struct sntp_answer a;
    struct reply r = good(base_ms, base_ms);

    (void)state;
    for (r.len = 0; r.len < SNTP_PACKET_BYTES; r.len++)
        assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_MALFORMED);
    r = good(base_ms, base_ms);
    r.flags = 4 << 3 | 3;               /* our own request, reflected */
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_MALFORMED);
    r.flags = 1 << 3 | 4;
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_MALFORMED);
    r = good(base_ms, base_ms - 1000);
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_MALFORMED);
    r = good(base_ms, base_ms);
    r.dispersion = 17 << 16;
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), SNTP_E_MALFORMED);
    r = good(base_ms, base_ms);
    r.len = SNTP_PACKET_BYTES + 20;     /* something may follow */
    assert_int_equal(read_reply(&a, &r, base_ms, base_ms), 0);
}

static void the_request_gives_nothing_away(void **state)
{
    uint8_t request[SNTP_PACKET_BYTES], zeros[SNTP_PACKET_BYTES] = { 0 };

    (void)state;
    sntp_request_write(request, cookie);
    assert_int_equal(request[0], 4 << 3 | 3);
    assert_memory_equal(request + 1, zeros, SNTP_PACKET_BYTES - 1 - SNTP_COOKIE_BYTES);
    assert_memory_equal(request + 40, cookie, sizeof cookie);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offset_and_uncertainty_follow_the_rfc),
        cmocka_unit_test(a_clock_that_is_years_off_is_measured),
        cmocka_unit_test(timestamps_after_2036_are_in_the_next_era),
        cmocka_unit_test(answers_of_no_use_are_told_apart),
        cmocka_unit_test(malformed_answers_are_refused),
        cmocka_unit_test(the_request_gives_nothing_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
