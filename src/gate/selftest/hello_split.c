#include "gate/selftest/hello_split.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "gate/policy/hello.h"

enum { HANDSHAKE = 22, ROOM = 16384, EVERY = 24, PQ_SHARE = 1216, HUGE_SHARE = 12000 };

static void try_call(struct trial *t, struct call c, const char *what, size_t n)
{
    struct answer a;

    c.host = "good.lab.test";
    c.port = t->stand->lab_port;
    c.stop = true;
    if (trial_call(t, &t->stand->gate, &c, &a))
        expect(t, a.greeted && a.trusted, "a ClientHello %s %zu bytes is not read", what, n);
    answer_deinit(&a);
}

/* The gate's parser at every byte, without the network between. */
static void every_prefix(struct trial *t, struct mw_span raw)
{
    struct hello h;
    uint8_t scratch[ROOM];

    for (size_t n = 0; n < raw.len; n++)
        expect(t, hello_read(&h, span_cut(raw, 0, n), scratch) == HELLO_MORE,
               "%zu of %zu bytes of a ClientHello are not waited for", n, raw.len);
    expect(t, hello_read(&h, raw, scratch) == HELLO_DONE, "a whole ClientHello is not read");
}

static void by_hand(struct trial *t, const struct raw_hello *h, const char *what)
{
    CLEANUP(buf_deinit) struct buf raw = BUF_INIT(1 << 17);
    CLEANUP(own_close) int fd = -1;
    uint8_t reply[ROOM] = { 0 };
    size_t n = 0;
    int status;

    raw_hello_write(&raw, h);
    every_prefix(t, buf_span(&raw));
    fd = tunnel_open(&t->stand->gate, h->host, t->stand->lab_port, &status);
    expect(t, fd >= 0, "%s: the proxy says %d", h->host, status);
    if (fd >= 0)
        tunnel_ask(fd, buf_span(&raw), reply, sizeof(reply), &n);
    expect(t, n > 5 && reply[0] == HANDSHAKE, "a ClientHello with %s is not answered", what);
}

void hello_split(struct trial *t)
{
    static const uint16_t suites[] = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f };
    static const size_t records[] = { 1, 2, 5, 64, 200 };
    struct raw_hello h = { .host = "good.lab.test", .suites = suites,
                           .n_suites = ARRAY_LEN(suites), .modern = true };

    by_hand(t, &h, "TLS 1.3");
    h.grease = true;
    by_hand(t, &h, "GREASE");
    h.padding = PQ_SHARE;
    by_hand(t, &h, "a post-quantum share");
    h.padding = HUGE_SHARE;
    by_hand(t, &h, "a share of 12,000 bytes");
    try_call(t, (struct call){ .split = 1 }, "in pieces of", 1);
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        try_call(t, (struct call){ .record = records[i] }, "in records of", records[i]);
    for (size_t at = 1; at <= 16; at++)
        try_call(t, (struct call){ .first = at }, "cut after", at);
    for (size_t at = EVERY; at < 300; at += EVERY)
        try_call(t, (struct call){ .first = at }, "cut after", at);
    note(t, "at every byte, in records of 1 to 200 bytes, with GREASE, with shares of %d and %d "
            "bytes", PQ_SHARE, HUGE_SHARE);
}
