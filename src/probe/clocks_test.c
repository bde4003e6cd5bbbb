#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "probe/clocks.h"
#include "probe/roughtime_signer.h"
#include "probe/serving.h"
#include "probe/sntp.h"

/* A time server that is `ahead_s` ahead, after being silent or broken for a while. */
struct time_serving {
    struct serving serving;
    int64_t ahead_s;
    unsigned silent, broken;    /* datagrams not answered, then answered with a bad signature */
    enum roughtime_fault fault;
    struct roughtime_signer signer;
    char text[256];             /* as --time-server takes it */
};

static void sntp_answer(void *context, struct mw_span in, struct buf *out)
{
    struct time_serving *t = context;
    int64_t ms = wall_now_ms() + t->ahead_s * 1000;

    assert_int_equal(in.len, SNTP_PACKET_BYTES);
    if (t->serving.served <= t->silent)
        return;
    buf_u8(out, 4 << 3 | 4);
    buf_u8(out, 1);
    buf_fill(out, 0, 22);
    buf_add(out, span_cut(in, 40, 8));
    for (int i = 0; i < 2; i++) {
        buf_u32(out, (uint32_t)(ms / 1000 + 2208988800));
        buf_u32(out, (uint32_t)(((uint64_t)(ms % 1000) << 32) / 1000));
    }
}

static void roughtime_answer(void *context, struct mw_span in, struct buf *out)
{
    struct time_serving *t = context;
    struct roughtime_signer s = t->signer;

    if (t->serving.served <= t->silent)
        return;
    s.midpoint_s = (uint64_t)(wall_now().s + t->ahead_s);
    s.from_s = s.midpoint_s - 10;
    s.until_s = s.midpoint_s + 10;
    s.radius_s = 2;
    s.fault = t->serving.served <= t->silent + t->broken ? ROUGHTIME_FAULT_SIGNATURE : t->fault;
    roughtime_signer_answer(&s, in, out);
}

static void serve_sntp(struct time_serving *t)
{
    serving_udp(&t->serving, sntp_answer, t);
    snprintf(t->text, sizeof t->text, "sntp:127.0.0.1:%u", (unsigned)t->serving.port);
}

static void serve_roughtime(struct time_serving *t)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(64);
    uint8_t raw[ROUGHTIME_KEY_BYTES];

    memset(t->signer.seed, 5, sizeof t->signer.seed);
    memset(t->signer.online_seed, 6, sizeof t->signer.online_seed);
    roughtime_signer_key(&t->signer, raw);
    text_base64(&key, span_of(raw, sizeof raw));
    serving_udp(&t->serving, roughtime_answer, t);
    snprintf(t->text, sizeof t->text, "roughtime:127.0.0.1:%u=%s", (unsigned)t->serving.port,
             (const char *)key.data);
}

static void on_done(void *context)
{
    ++*(unsigned *)context;
}

/* Asks them all; the readings are copied to `out`. */
static void ask(struct time_serving **servers, size_t n, int64_t limit_ms,
                struct mw_clock_reading *out)
{
    const struct dns_options options = { .hosts_file = "" };
    const char *texts[8];
    const struct mw_clock_reading *readings;
    struct once_wait *waits[3];
    struct clocks *clocks;
    uv_loop_t loop;
    struct dns *dns;
    unsigned told = 0;
    size_t got;

    for (size_t i = 0; i < n; i++)
        texts[i] = servers[i]->text;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_new(&dns, &loop, &options, NULL), 0);
    assert_int_equal(clocks_new(&clocks, &loop, dns, texts, n, limit_ms, (struct mw_wall){ 0 }),
                     0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(clocks_get(clocks, &waits[i], on_done, &told), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(told, 3);
    assert_int_equal(clocks_get(clocks, &waits[0], on_done, &told), -EALREADY);
    readings = clocks_readings(clocks, &got);
    assert_int_equal(got, n);
    memcpy(out, readings, n * sizeof *out);
    clocks_free(clocks);
    dns_free(dns);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void servers_are_asked_once_for_all(void **state)
{
    struct time_serving sntp = { .ahead_s = 3600 }, rough = { .ahead_s = -86400 };
    struct time_serving *servers[] = { &sntp, &rough };
    struct mw_clock_reading r[2];

    (void)state;
    serve_sntp(&sntp);
    serve_roughtime(&rough);
    ask(servers, 2, 3000, r);
    serving_stop(&sntp.serving);
    serving_stop(&rough.serving);
    assert_int_equal(sntp.serving.served, 1);
    assert_int_equal(rough.serving.served, 1);
    assert_true(r[0].ok && r[1].ok);
    assert_false(r[1].signature_bad);
    assert_int_equal(r[0].source, MW_CLOCK_SNTP);
    assert_int_equal(r[1].source, MW_CLOCK_ROUGHTIME);
    assert_in_range(r[0].offset_ms, 3599000, 3601000);
    assert_in_range(r[1].offset_ms + 86400000 + 1100, 0, 1200);     /* cut to its second */
    assert_in_range(r[1].uncertainty_ms, 2000, 3000);
}

static void a_lost_datagram_is_sent_again(void **state)
{
    struct time_serving sntp = { .silent = 2 };
    struct time_serving *servers[] = { &sntp };
    struct mw_clock_reading r;

    (void)state;
    serve_sntp(&sntp);
    ask(servers, 1, 900, &r);
    serving_stop(&sntp.serving);
    assert_true(r.ok);
    assert_int_equal(sntp.serving.served, 3);
}

static void silence_ends_in_time(void **state)
{
    struct time_serving sntp = { .silent = 99 };
    struct time_serving *servers[] = { &sntp };
    struct mw_clock_reading r;
    struct mono start = mono_now();

    (void)state;
    serve_sntp(&sntp);
    ask(servers, 1, 300, &r);
    serving_stop(&sntp.serving);
    assert_false(r.ok);
    assert_false(r.signature_bad);
    assert_in_range(mono_diff_ns(start, mono_now()) / 1000000, 290, 3000);
}

static void a_bad_signature_is_told_only_if_it_stays(void **state)
{
    struct time_serving greasing = { .broken = 2 };
    struct time_serving lying = { .fault = ROUGHTIME_FAULT_SIGNATURE };
    struct time_serving *servers[] = { &greasing, &lying };
    struct mw_clock_reading r[2];

    (void)state;
    serve_roughtime(&greasing);
    serve_roughtime(&lying);
    ask(servers, 2, 3000, r);
    serving_stop(&greasing.serving);
    serving_stop(&lying.serving);
    assert_true(r[0].ok);
    assert_false(r[0].signature_bad);
    assert_int_equal(greasing.serving.served, 3);
    assert_false(r[1].ok);
    assert_true(r[1].signature_bad);
}

static void servers_are_parsed(void **state)
{
    static const char *const bad[] = {
        "", "sntp", "sntp:", "ntp:time.example", "sntp:time.example:0", "sntp:time.example:65536",
        "roughtime:time.example", "roughtime:time.example=AAAA", "roughtime:=",
        "roughtime:time.example=***",
    };
    struct time_server t;

    (void)state;
    assert_int_equal(time_server_parse(&t, "sntp:time.example"), 0);
    assert_string_equal(t.host, "time.example");
    assert_int_equal(t.port, 123);
    assert_int_equal(time_server_parse(&t, "sntp:[::1]:1123"), 0);
    assert_string_equal(t.host, "::1");
    assert_int_equal(t.port, 1123);
    assert_int_equal(time_server_parse(&t, "roughtime:time.example="
                                           "AW5uAoTSTDfG5NfY1bTh08GUnOqlRb+HVhbJ3ODJvsE="),
                     0);
    assert_int_equal(t.port, 5319);
    assert_int_equal(t.key[0], 0x01);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(time_server_parse(&t, bad[i]), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_asked_once_for_all),
        cmocka_unit_test(a_lost_datagram_is_sent_again),
        cmocka_unit_test(silence_ends_in_time),
        cmocka_unit_test(a_bad_signature_is_told_only_if_it_stays),
        cmocka_unit_test(servers_are_parsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
