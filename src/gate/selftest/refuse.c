/*
 * Points 25 to 29: what a gate must not speak, on either side.
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "gate/policy/hello.h"
#include "gate/selftest/points.h"

enum { ALERT = 21, HANDSHAKE = 22, ROOM = 16384 };

/* What the gate itself offers to servers.  `room` keeps the bytes. */
static bool offer_of(struct trial *t, struct hello *h, struct buf *bytes)
{
    struct origin o;
    struct answer a;
    bool heard = false;

    if (!trial_origin(t, "hello.selftest.test", (struct origin_plan){ .kind = ORIGIN_LISTENS },
                      &o))
        return false;
    if (trial_call(t, &t->stand->gate,
                   &(struct call){ .host = "hello.selftest.test", .port = o.port }, &a)) {
        origin_hear(&o, bytes);
        heard = hello_read(h, buf_span(bytes), NULL) == HELLO_DONE;
    }
    expect(t, heard, "the gate's ClientHello to a server cannot be read (%zu bytes)", bytes->len);
    answer_deinit(&a);
    origin_stop(&o);
    return heard;
}

/* The gate's answer to bytes of a client; 0: it closed. */
static size_t say(struct trial *t, const char *host, struct mw_span bytes, uint8_t reply[ROOM])
{
    CLEANUP(own_close) int fd = -1;
    size_t n = 0;
    int status;

    fd = tunnel_open(&t->stand->gate, host, t->stand->lab_port, &status);
    expect(t, fd >= 0, "%s: the proxy says %d", host, status);
    if (fd >= 0)
        tunnel_ask(fd, bytes, reply, ROOM, &n);
    return n;
}

static uint16_t lowest(struct mw_span versions)
{
    uint16_t low = 0xffff;

    for (size_t i = 0; i < versions.len / 2; i++)
        if (!hello_is_grease(hello_item(versions, i)) && hello_item(versions, i) < low)
            low = hello_item(versions, i);
    return low;
}

static void old_client(struct trial *t, int version, const char *name)
{
    const struct call c = { .host = "good.lab.test", .port = t->stand->lab_port, .min = version,
                            .max = version, .stop = true, .ciphers = "ALL:@SECLEVEL=0" };
    struct answer a;

    if (trial_call(t, &t->stand->gate, &c, &a)) {
        expect(t, a.connect == 200, "the proxy says %d", a.connect);
        expect(t, !a.greeted && !a.answered, "a client with %s is served", name);
    }
    answer_deinit(&a);
}

/* SSL 2.0's CLIENT-HELLO, SSL 3.0's, and what follows them. */
static void old_versions(struct trial *t)
{
    static const char sslv2[] = "\x80\x1c\x01\x00\x02\x00\x03\x00\x00\x00\x10\x01\x00\x80"
                                "0123456789abcdef";
    static const uint16_t suites[] = { 0xc02b, 0xc02f, 0x002f };
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 17), ssl3 = BUF_INIT(4096);
    struct hello h = { 0 };
    uint8_t reply[ROOM];
    struct origin o;
    int status;

    expect_cases_refused(t, "tls-1-0 tls-1-1");
    old_client(t, TLS1_VERSION, "TLS 1.0");
    old_client(t, TLS1_1_VERSION, "TLS 1.1");
    raw_hello_write(&ssl3, &(struct raw_hello){ .host = "good.lab.test", .suites = suites,
                                                .n_suites = ARRAY_LEN(suites) });
    if (ssl3.len > 10)
        ssl3.data[10] = 0;      /* legacy_version 3.0 */
    expect(t, say(t, "good.lab.test", buf_span(&ssl3), reply) == 0 || reply[0] != HANDSHAKE,
           "a client with SSL 3.0 is served");
    if (trial_origin(t, "old.selftest.test", (struct origin_plan){ .kind = ORIGIN_LISTENS }, &o)) {
        CLEANUP(own_close) int fd = -1;
        size_t n = 0;

        fd = tunnel_open(&t->stand->gate, "old.selftest.test", o.port, &status);
        expect(t, fd >= 0, "old.selftest.test: the proxy says %d", status);
        if (fd >= 0) {
            tunnel_ask(fd, SPAN_LIT(sslv2), reply, sizeof(reply), &n);
            /* It closes as soon as it knows, or hands the bytes on: then they arrive. */
            origin_hear(&o, &bytes);
        }
        expect(t, bytes.len == 0, "a client's SSL 2.0 is handed on");
        buf_truncate(&bytes, 0);
    }
    origin_stop(&o);
    if (offer_of(t, &h, &bytes))
        expect(t, h.versions.len > 0 ? lowest(h.versions) >= TLS1_2_VERSION
                                     : h.legacy_version >= TLS1_2_VERSION,
               "the gate offers version %04x to servers", lowest(h.versions));
    note(t, "tls-1-0, tls-1-1: no trusted leaf; clients of SSL 2.0 to TLS 1.1 turned away; "
            "servers offered 1.2 and 1.3 alone");
}

/* By IANA's registry: NULL, export, RC4, DES and 3DES. */
static bool is_broken(uint16_t suite)
{
    return suite <= 0x001b || (suite >= 0x001e && suite <= 0x002e) ||
           (suite >= 0x003b && suite <= 0x003b) || (suite >= 0x0060 && suite <= 0x0066) ||
           suite == 0x008a || suite == 0x008b || suite == 0x008e || suite == 0x008f ||
           suite == 0x0092 || suite == 0x0093 || (suite >= 0x00b0 && suite <= 0x00b1) ||
           (suite >= 0xc001 && suite <= 0xc003) || (suite >= 0xc006 && suite <= 0xc008) ||
           (suite >= 0xc00b && suite <= 0xc00d) || (suite >= 0xc010 && suite <= 0xc012) ||
           (suite >= 0xc015 && suite <= 0xc017);
}

static void broken_suites(struct trial *t)
{
    static const uint16_t suites[] = { 0x0005, 0x0004, 0x000a, 0x0003, 0x0001, 0x0002, 0x003b,
                                       0xc007, 0xc011, 0xc008, 0xc012, 0xc006, 0xc010 };
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 17), raw = BUF_INIT(4096);
    struct hello h = { 0 };
    uint8_t reply[ROOM];

    expect_cases_refused(t, "rc4 triple-des export null");
    raw_hello_write(&raw, &(struct raw_hello){ .host = "good.lab.test", .suites = suites,
                                               .n_suites = ARRAY_LEN(suites) });
    expect(t, say(t, "good.lab.test", buf_span(&raw), reply) == 0 || reply[0] == ALERT,
           "a client that has nothing but broken suites is served");
    if (offer_of(t, &h, &bytes))
        for (size_t i = 0; i < h.suites.len / 2; i++)
            expect(t, !is_broken(hello_item(h.suites, i)), "the gate offers suite %04x",
                   hello_item(h.suites, i));
    note(t, "rc4, triple-des, export, null: no trusted leaf; clients with these alone get an "
            "alert; %zu suites offered, none of them", h.suites.len / 2);
}

static void small_groups(struct trial *t)
{
    const struct call c = { .host = "good.lab.test", .port = t->stand->lab_port,
                            .max = TLS1_2_VERSION, .stop = true,
                            .ciphers = "DHE:!aNULL:@SECLEVEL=0" };
    struct answer a;

    expect_cases_refused(t, "dh480 dh512 dh1024");
    if (trial_call(t, &t->stand->gate, &c, &a))
        expect(t, !a.greeted || a.group_bits >= 2048, "a client with DHE alone gets %d bits",
               a.group_bits);
    note(t, "dh480, dh512, dh1024: no trusted leaf; a client with DHE alone %s",
         a.greeted ? "gets a large group" : "is turned away");
    answer_deinit(&a);
}

static void compression(struct trial *t)
{
    static const uint16_t suites[] = { 0xc02b, 0xc02f, 0xc02c, 0xc030 };
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 17), raw = BUF_INIT(4096);
    struct hello h = { 0 };
    uint8_t reply[ROOM];
    size_t n, at;

    raw_hello_write(&raw, &(struct raw_hello){ .host = "good.lab.test", .suites = suites,
                                               .n_suites = ARRAY_LEN(suites), .deflate = true });
    n = say(t, "good.lab.test", buf_span(&raw), reply);
    /* record 5, message 4, version 2, random 32, session_id 1+n, suite 2: then the method */
    at = n > 44 ? 5 + 4 + 2 + 32 + 1U + reply[43] + 2 : 0;
    expect(t, n > 44 && reply[0] == HANDSHAKE && at < n,
           "a client that offers compression too is not served");
    expect(t, at == 0 || at >= n || reply[at] == 0, "the gate compresses");
    if (offer_of(t, &h, &bytes)) {
        /* legacy_compression_methods follow the suites (RFC 8446 section 4.1.2). */
        const uint8_t *methods = h.suites.data + h.suites.len;

        expect(t, methods[0] == 1 && methods[1] == 0, "the gate offers compression to servers");
    }
    note(t, "a client's offer is declined; servers are offered none");
}

static void renegotiation(struct trial *t)
{
    const struct call c = { .host = "tls-1-2.lab.test", .port = t->stand->lab_port,
                            .max = TLS1_2_VERSION, .renegotiate = true };
    CLEANUP(buf_deinit) struct buf alert = BUF_INIT(1 << 17);
    struct origin web = { .told = -1 }, strips = { .told = -1 };
    struct answer a;

    if (trial_call(t, &t->stand->gate, &c, &a)) {
        expect(t, a.greeted && a.can_renegotiate, "the gate does not know RFC 5746");
        expect(t, !a.renegotiated, "a client may renegotiate");
    }
    answer_deinit(&a);
    if (trial_origin(t, "renews.selftest.test",
                     (struct origin_plan){ .kind = ORIGIN_RENEGOTIATES, .max = TLS1_2_VERSION },
                     &web) &&
        trial_call(t, &t->stand->gate,
                   &(struct call){ .host = "renews.selftest.test", .port = web.port }, &a)) {
        expect(t, a.greeted, "a server that would renegotiate is not reached");
        expect(t, a.body.len == 0 || strstr((char *)a.body.data, " renegotiated") == NULL,
               "a server may renegotiate");
        answer_deinit(&a);
    }
    origin_stop(&web);
    if (trial_origin(t, "strips.selftest.test",
                     (struct origin_plan){ .kind = ORIGIN_WEB, .max = TLS1_2_VERSION }, &web) &&
        trial_origin(t, "strips.selftest.test",
                     (struct origin_plan){ .kind = ORIGIN_STRIPS, .to = web.port }, &strips)) {
        expect_refused(t, "strips.selftest.test", strips.port);
        origin_hear(&strips, &alert);
        /* An alert in the clear, at once: before the key exchange, and not because of what we
         * changed, which would be found with the Finished message. */
        expect(t,
               alert.len == 7 && alert.data[0] == ALERT &&
                   alert.data[6] == SSL_AD_HANDSHAKE_FAILURE,
               "a server without RFC 5746 is not turned away by an alert");
    }
    origin_stop(&strips);
    origin_stop(&web);
    note(t, "neither side may renegotiate; a server without RFC 5746 gets handshake_failure");
}

static const struct point points[] = {
    { 25, "SSL 2.0 to TLS 1.1 are refused", old_versions },
    { 26, "RC4, 3DES, NULL and export suites are refused", broken_suites },
    { 27, "Diffie-Hellman of 1024 bits or less is refused", small_groups },
    { 28, "compression is refused", compression },
    { 29, "insecure renegotiation is refused", renegotiation },
};

const struct point_table points_refuse = { points, ARRAY_LEN(points) };
