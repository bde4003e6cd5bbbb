/* The bytes of a packet capture, block by block, and the file of one unlock. */
#include "gate/scribe/keylog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/reader.h"
#include "gate/scribe/pcapng.h"

static const struct mw_wall noon = { 1795348800 }, later = { 1795348860 };

static struct gate_packet sample(const char *from, const char *to, struct mw_span data)
{
    struct gate_packet p = {
        .client = "192.0.2.7", .host = "a.test", .when_us = 1795348800123456, .seq = 7, .ack = 9,
        .flags = PACKET_ACK, .data = data,
    };

    assert_int_equal(addr_parse(&p.from, span_str(from), 0), 0);
    assert_int_equal(addr_parse(&p.to, span_str(to), 0), 0);
    return p;
}

/* The next block's body; its two lengths agree. */
static struct mw_span block(struct reader *r, uint32_t want)
{
    uint32_t type = read_u32(r), len = read_u32(r);
    struct mw_span body = read_bytes(r, len - 12);

    assert_int_equal(type, want);
    assert_int_equal(len % 4, 0);
    assert_int_equal(read_u32(r), len);
    assert_false(r->failed);
    return body;
}

static void test_the_head(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct reader r, body;

    (void)state;
    pcapng_begin(&out);
    r.rest = buf_span(&out);
    r.failed = false;
    body = (struct reader){ .rest = block(&r, 0x0a0d0d0a) };
    assert_int_equal(read_u32(&body), 0x1a2b3c4d);
    assert_int_equal(read_u32(&body), 0x00010000);
    assert_true(read_u64(&body) == UINT64_MAX);
    body = (struct reader){ .rest = block(&r, 1) };
    assert_int_equal(read_u16(&body), 101);
    assert_true(read_done(&r));
}

static void test_secrets(void **state)
{
    const struct mw_span line = SPAN_LIT("CLIENT_RANDOM 00 11\n!");
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct reader r, body;

    (void)state;
    pcapng_secrets(&out, line);
    r = (struct reader){ .rest = buf_span(&out) };
    body = (struct reader){ .rest = block(&r, 10) };
    assert_int_equal(read_u32(&body), 0x544c534b);
    assert_int_equal(read_u32(&body), line.len);
    assert_true(span_eq(read_bytes(&body, line.len), line));
    assert_int_equal(body.rest.len, 3); /* padded to four */
    assert_true(read_done(&r));
}

/* Over data that carries its own checksum the sum is all ones (RFC 1071 section 1). */
static uint32_t folded(uint32_t so_far, struct mw_span s)
{
    for (size_t i = 0; i < s.len; i++)
        so_far += i % 2 == 0 ? (uint32_t)s.data[i] << 8 : s.data[i];
    while (so_far > 0xffff)
        so_far = (so_far & 0xffff) + (so_far >> 16);
    return so_far;
}

static struct mw_span ip_packet(const struct buf *out)
{
    struct reader r = { .rest = buf_span(out) }, body = { .rest = block(&r, 6) };
    uint32_t len;

    assert_int_equal(read_u32(&body), 0);
    assert_true(read_u64(&body) == 1795348800123456);
    len = read_u32(&body);
    assert_int_equal(read_u32(&body), len);
    assert_true(body.rest.len >= len && body.rest.len < len + 4);
    return span_cut(body.rest, 0, len);
}

static void test_a_packet_over_ipv4(void **state)
{
    const struct gate_packet p = sample("192.0.2.7:4711", "198.51.100.1:443", SPAN_LIT("hello"));
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct mw_span ip, tcp;

    (void)state;
    pcapng_packet(&out, &p);
    ip = ip_packet(&out);
    assert_int_equal(ip.len, 45);
    assert_int_equal(ip.data[0], 0x45);
    assert_int_equal(ip.data[3], 45);
    assert_int_equal(folded(0, span_cut(ip, 0, 20)), 0xffff);
    tcp = span_cut(ip, 20, ip.len);
    assert_int_equal(folded(6 + 25, span_cut(ip, 12, ip.len)), 0xffff);
    assert_memory_equal(tcp.data, "\x12\x67\x01\xbb\0\0\0\x07\0\0\0\x09\x50\x10\xff\xff", 16);
    assert_memory_equal(tcp.data + 20, "hello", 5);
}

static void test_a_packet_over_ipv6(void **state)
{
    const struct gate_packet p = sample("[2001:db8::7]:4711", "[2001:db8::1]:443",
                                        SPAN_LIT("hello"));
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct mw_span ip;

    (void)state;
    pcapng_packet(&out, &p);
    ip = ip_packet(&out);
    assert_int_equal(ip.len, 65);
    assert_int_equal(ip.data[0], 0x60);
    assert_int_equal(ip.data[5], 25);
    assert_int_equal(folded(6 + 25, span_cut(ip, 8, ip.len)), 0xffff);
}

/* -------------------------------------------------------------------------- its file ---- */

static void path_in(char path[120], const char *state, const char *name)
{
    snprintf(path, 120, "%s/unlock%s%s", state, name[0] != '\0' ? "/" : "", name);
}

static struct gate_packet piece(size_t len)
{
    static uint8_t zeros[PACKET_DATA_MAX];

    return sample("192.0.2.7:4711", "198.51.100.1:443", span_of(zeros, len));
}

static void test_only_if_it_is_asked_for(void **state)
{
    static const struct gate_keylog line = { "192.0.2.7", "a.test", "CLIENT_RANDOM 00 11" };
    struct gate_unlock u = { .until = later };
    struct gate_packet p = piece(10);
    char folder[] = "/tmp/mw-pcapng-XXXXXX", path[120];
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096);
    struct keylog k;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(keylog_init(&k, folder), 0);
    assert_int_equal(keylog_packet(&k, &p, noon), 1);
    keylog_unlock(&k, &u); /* secrets, and no packets */
    assert_int_equal(keylog_take(&k, &line, noon), 0);
    assert_int_equal(keylog_packet(&k, &p, noon), 1);
    path_in(path, folder, "packets-2026-11-22-1.pcapng");
    assert_int_equal(access(path, F_OK), -1);

    u.packets = true;
    keylog_unlock(&k, &u);
    assert_int_equal(keylog_take(&k, &line, noon), 0);
    assert_int_equal(keylog_packet(&k, &p, noon), 0);
    snprintf(p.host, sizeof(p.host), "b.test");
    assert_int_equal(keylog_packet(&k, &p, later), 1); /* its time is over */
    assert_true(keylog_tick(&k, later));
    keylog_tell(&k, &text);
    assert_string_equal((const char *)text.data, "1 lines and 1 packets were written");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    unlink(path);
    path_in(path, folder, "keys-2026-11-22.log");
    unlink(path);
    path_in(path, folder, "");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    keylog_deinit(&k);
}

/* Each unlock has a file of its own, which never grows beyond its bound. */
static void test_full(void **state)
{
    struct gate_unlock u = { .until = later, .packets = true };
    const struct gate_packet p = piece(PACKET_DATA_MAX);
    char folder[] = "/tmp/mw-pcapng-XXXXXX", first[120], second[120];
    struct keylog k;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(keylog_init(&k, folder), 0);
    keylog_unlock(&k, &u);
    while (k.capture.dropped < 3)
        assert_int_equal(keylog_packet(&k, &p, noon), 0);
    path_in(first, folder, "packets-2026-11-22-1.pcapng");
    assert_int_equal(stat(first, &st), 0);
    assert_true(st.st_size <= CAPTURE_MAX_BYTES && st.st_size > CAPTURE_MAX_BYTES - 40000);
    assert_true((uint64_t)st.st_size == k.capture.bytes);

    keylog_unlock(&k, &u);
    assert_int_equal(keylog_packet(&k, &p, noon), 0);
    assert_int_equal(k.capture.dropped, 0);
    path_in(second, folder, "packets-2026-11-22-2.pcapng");
    assert_int_equal(stat(second, &st), 0);
    unlink(first);
    unlink(second);
    path_in(first, folder, "");
    assert_int_equal(rmdir(first), 0);
    assert_int_equal(rmdir(folder), 0);
    keylog_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_head),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_a_packet_over_ipv4),
        cmocka_unit_test(test_a_packet_over_ipv6),
        cmocka_unit_test(test_only_if_it_is_asked_for),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
