/* A piece of a stream on its way from a worker to the scribe. */
#include "gate/wire/packet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/wire/channel.h"

static struct gate_packet sample(const char *from, const char *to)
{
    struct gate_packet p = {
        .client = "192.0.2.7", .host = "a.test", .when_us = 1795348800123456, .seq = 0xfffffff0,
        .ack = 17, .flags = PACKET_ACK | PACKET_PUSH, .data = SPAN_LIT("\x16\x03\x01 bytes"),
    };

    assert_int_equal(addr_parse(&p.from, span_str(from), 0), 0);
    assert_int_equal(addr_parse(&p.to, span_str(to), 0), 0);
    return p;
}

static void test_there_and_back(void **state)
{
    static const char *const ends[][2] = { { "192.0.2.7:4711", "198.51.100.1:443" },
                                           { "[2001:db8::7]:4711", "[2001:db8::1]:443" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        CLEANUP(buf_deinit) struct buf wire = BUF_INIT(CHANNEL_MAX_MESSAGE);
        struct gate_packet got, p = sample(ends[i][0], ends[i][1]);

        packet_write(&wire, &p);
        assert_int_equal(buf_error(&wire), 0);
        assert_int_equal(packet_read(&got, buf_span(&wire)), 0);
        assert_string_equal(got.client, p.client);
        assert_string_equal(got.host, p.host);
        assert_true(got.when_us == p.when_us);
        assert_true(addr_eq(&got.from, &p.from) && addr_eq(&got.to, &p.to));
        assert_int_equal(got.seq, p.seq);
        assert_int_equal(got.ack, p.ack);
        assert_int_equal(got.flags, p.flags);
        assert_true(span_eq(got.data, p.data));
        for (size_t cut = 0; cut < wire.len - p.data.len; cut++)
            assert_int_equal(packet_read(&got, span_cut(buf_span(&wire), 0, cut)), -EINVAL);
    }
}

static void test_what_is_refused(void **state)
{
    static uint8_t many[PACKET_DATA_MAX + 1];
    CLEANUP(buf_deinit) struct buf mixed = BUF_INIT(4096), nul = BUF_INIT(4096),
                                   past = BUF_INIT(4096), large = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct gate_packet got, p = sample("192.0.2.7:1", "[::1]:2");

    (void)state;
    packet_write(&mixed, &p); /* no connection has two families */
    assert_int_equal(packet_read(&got, buf_span(&mixed)), -EINVAL);

    p = sample("192.0.2.7:1", "192.0.2.8:2");
    packet_write(&nul, &p);
    nul.data[5] = '\0'; /* in the client's name */
    assert_int_equal(packet_read(&got, buf_span(&nul)), -EINVAL);

    p.when_us = -1;
    packet_write(&past, &p);
    assert_int_equal(packet_read(&got, buf_span(&past)), -EINVAL);

    p.when_us = 1;
    p.data = span_of(many, sizeof(many));
    packet_write(&large, &p); /* cut, so that it can be read */
    assert_int_equal(packet_read(&got, buf_span(&large)), 0);
    assert_int_equal(got.data.len, PACKET_DATA_MAX);
    buf_u8(&large, 0);
    assert_int_equal(packet_read(&got, buf_span(&large)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
