/*
 * One dial straight to a server, well or badly behaved: how far it came, what it saw, and that
 * it ends in time.  Proxies and STARTTLS: dial_way_test.c.  Old and broken TLS: dial_tls_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "dial_fixture.h"
#include "peer.h"

static const struct probe_limits quick = { .connect_ms = 2000, .handshake_ms = 300 };

static struct probe_target target_at(const char *at)
{
    return (struct probe_target){ .host = "site.lab.test", .port = 443, .connect_to = at };
}

static struct dial_result *dial_peer(peer_part *part, void *context,
                                     const struct probe_limits *limits)
{
    struct peer *p = peer_start(part, context);
    struct probe_target t = target_at(peer_at(p));
    struct dial_result *r = fixture_dial(&t, limits, NULL);

    peer_stop(p);
    return r;
}

/* --------------------------------------------------------------------------- good ---- */

static int pick_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned in_len, void *unused)
{
    (void)ssl;
    (void)unused;
    assert_memory_equal(in, "\x02h2\x08http/1.1", in_len);
    *out = in + 1;
    *out_len = 2;
    return SSL_TLSEXT_ERR_OK;
}

static int give_staple(SSL *ssl, void *unused)
{
    unsigned char *copy = OPENSSL_memdup("staple", 6);

    (void)unused;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, 6);
    return SSL_TLSEXT_ERR_OK;
}

static int check_name(SSL *ssl, int *alert, void *context)
{
    (void)alert;
    snprintf(context, 64, "%s", SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    return SSL_TLSEXT_ERR_OK;
}

static void a_good_server_is_seen_whole(void **state)
{
    struct fixture_site site;
    struct dial_result *r;
    char name[64] = "";

    (void)state;
    fixture_site_open(&site, 0, 0);
    SSL_CTX_set_alpn_select_cb(site.ctx, pick_h2, NULL);
    SSL_CTX_set_tlsext_status_cb(site.ctx, give_staple);
    SSL_CTX_set_tlsext_servername_callback(site.ctx, check_name);
    SSL_CTX_set_tlsext_servername_arg(site.ctx, name);
    r = dial_peer(peer_tls, site.ctx, NULL);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->offer, DIAL_OFFER_MODERN);
    assert_int_equal(r->n_certs, 2);
    assert_true(span_eq(r->certs[0], mill_cert_der(site.leaf)));
    assert_true(span_eq(r->certs[1], mill_cert_der(site.intermediate)));
    assert_true(span_eq(r->staple, SPAN_LIT("staple")));
    assert_int_equal(r->tls.version, TLS1_3_VERSION);
    assert_int_equal(r->tls.group, 29);
    assert_int_equal(r->tls.signature_scheme, 0x0403);
    assert_string_equal(r->tls.alpn, "h2");
    assert_string_equal(r->tls.cipher_name, "TLS_AES_256_GCM_SHA384");
    assert_int_equal(r->tls.downgrade_mark, MW_SEEN_NO);
    assert_int_equal(r->tls.ech_accepted, MW_NOT_LOOKED);
    assert_false(r->tls.client_cert_wanted);
    assert_string_equal(name, "site.lab.test");
    assert_int_equal(r->hello.data[0], 1);
    assert_int_equal(r->hello.len, 4 + (r->hello.data[2] << 8 | r->hello.data[3]));
    assert_true(r->exporter_known);
    assert_true(r->connect_us > 0 && r->first_answer_us > 0 && r->at.s > 0);
    assert_string_equal(r->peer_text, "127.0.0.1");
    assert_null(r->detail);
    dial_result_free(r);
    fixture_site_close(&site);
}

/* Tells the exporter it sees, then answers one line with another. */
static void converse(int fd, void *context)
{
    SSL *ssl = SSL_new(context);
    unsigned char exporter[32];
    char line[5];

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1 &&
        SSL_export_keying_material(ssl, exporter, 32, "EXPORTER-Channel-Binding", 24,
                                   (const unsigned char *)"", 0, 1) == 1) {
        SSL_write(ssl, exporter, 32);
        if (SSL_read(ssl, line, 5) == 5 && memcmp(line, "ping\n", 5) == 0)
            SSL_write(ssl, "pong\n", 5);
    }
    SSL_free(ssl);
}

/* The descriptor is not blocking: reads until `len` bytes are there. */
static void stream_read(struct tls *t, void *to, size_t len)
{
    size_t have = 0, n;
    enum io io;

    for (int turns = 0; have < len && turns < 5000; turns++) {
        io = tls_read(t, (char *)to + have, len - have, &n);
        have += n;
        if (io == IO_WANT_READ)
            uv_sleep(1);
        else
            assert_int_equal(io, IO_OK);
    }
    assert_int_equal(have, len);
}

static void a_stream_kept_open_carries_the_same_exporter(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct fixture_site site;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct dial_options keep = { .keep_open = true };
        struct probe_target t;
        struct dial_result *r;
        struct peer *p;
        uint8_t theirs[32];
        char line[5];
        size_t n;

        fixture_site_open(&site, versions[i], versions[i]);
        p = peer_start(converse, site.ctx);
        t = target_at(peer_at(p));
        r = fixture_dial(&t, NULL, &keep);
        assert_non_null(r->stream);
        stream_read(r->stream, theirs, sizeof(theirs));
        assert_true(r->exporter_known);
        assert_memory_equal(theirs, r->exporter, 32);
        assert_int_equal(tls_write(r->stream, SPAN_LIT("ping\n"), &n), IO_OK);
        stream_read(r->stream, line, sizeof(line));
        assert_memory_equal(line, "pong\n", 5);
        dial_result_free(r);
        peer_stop(p);
        fixture_site_close(&site);
    }
}

/* ---------------------------------------------------------------- no handshake ---- */

static void a_closed_port_is_refused(void **state)
{
    char at[ADDR_TEXT];
    struct probe_target t;
    struct dial_result *r;

    (void)state;
    peer_nobody(at);
    t = target_at(at);
    r = fixture_dial(&t, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_REFUSED);
    fixture_says(r, at);
    assert_false(r->peer_known);
    dial_result_free(r);
}

static void hear_and_reset(int fd, void *unused)
{
    char hello[4096];

    (void)unused;
    (void)peer_read(fd, hello, sizeof(hello));
    peer_reset(fd);
}

static void hear_and_close(int fd, void *unused)
{
    char hello[4096];

    (void)unused;
    (void)peer_read(fd, hello, sizeof(hello));
}

static void hear_and_alert(int fd, void *unused)
{
    char hello[4096];

    (void)unused;
    (void)peer_read(fd, hello, sizeof(hello));
    peer_send(fd, "\x15\x03\x03\x00\x02\x02\x70", 7);
}

static void reset_close_and_alert_are_told_apart(void **state)
{
    struct dial_result *r = dial_peer(hear_and_reset, NULL, NULL);

    (void)state;
    assert_int_equal(r->reach, MW_REACH_RESET);
    fixture_says(r, "right after the ClientHello");
    dial_result_free(r);
    r = dial_peer(hear_and_close, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_CLOSED);
    dial_result_free(r);
    r = dial_peer(hear_and_alert, NULL, NULL);
    assert_int_equal(r->reach, MW_REACH_ALERT);
    assert_int_equal(r->tls.alert, 112);
    fixture_says(r, "alert 112");
    dial_result_free(r);
}

static void hang(int fd, void *unused)
{
    (void)unused;
    peer_wait_for_end(fd);
}

/* One byte now and then, of a record that never ends. */
static void drip(int fd, void *unused)
{
    (void)unused;
    peer_send(fd, "\x16\x03\x03\x3f\xff\x02\x00\x3f\xf0", 9);
    for (int i = 0; i < 100; i++) {
        char byte = 0;

        uv_sleep(20);
        if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
            return;
    }
}

static void silence_and_slowness_end_in_time(void **state)
{
    struct mono before = mono_now();
    struct dial_result *r = dial_peer(hang, NULL, &quick);

    (void)state;
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE_TIMEOUT);
    fixture_says(r, "no answer to the ClientHello");
    dial_result_free(r);
    r = dial_peer(drip, NULL, &quick);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE_TIMEOUT);
    fixture_says(r, "half-way");
    dial_result_free(r);
    assert_in_range(mono_diff_ns(before, mono_now()) / 1000000, 600, 5000);
}

static void say_text(int fd, void *context)
{
    peer_say(fd, context);
    peer_wait_for_end(fd);
}

static void what_is_not_tls_is_named(void **state)
{
    static const struct {
        const char *greeting, *words;
    } cases[] = {
        { "HTTP/1.1 400 Bad Request\r\n\r\n", "speaks HTTP without TLS" },
        { "SSH-2.0-OpenSSH_9.2\r\n", "SSH server: \"SSH-2.0-OpenSSH_9.2\"" },
        { "220 mail.lab.test ESMTP\r\n", "--starttls smtp" },
        { "220 FTP server\r\n", "--starttls ftp" },
        { "* OK IMAP4rev1\r\n", "--starttls imap" },
        { "+OK hello\r\n", "--starttls pop3" },
        { "\x01\x02\x03 garbage \x1b[31m", "not TLS: bytes 01 02 03" },
        { "\x16", "" },         /* could still become a record: hangs */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dial_result *r = dial_peer(say_text, (void *)cases[i].greeting, &quick);

        if (cases[i].words[0] != 0) {
            assert_int_equal(r->reach, MW_REACH_NOT_TLS);
            fixture_says(r, cases[i].words);
        } else {
            assert_int_equal(r->reach, MW_REACH_HANDSHAKE_TIMEOUT);
        }
        dial_result_free(r);
    }
}

/* ------------------------------------------------------------------- many and ends ---- */

struct crowd {
    unsigned handshakes, others;
};

static void count_one(void *context, struct dial_result *r)
{
    struct crowd *c = context;

    if (r->reach == MW_REACH_HANDSHAKE && r->n_certs == 2)
        c->handshakes++;
    else
        c->others++;
    dial_result_free(r);
}

static void many_go_at_once(void **state)
{
    struct fixture_site site;
    struct crowd crowd = { 0, 0 };
    struct dns_options none = { .hosts_file = "" };
    struct probe_target t;
    struct dialer *dialer;
    struct peer *p;
    struct dns *dns;
    char error[256];
    uv_loop_t loop;

    (void)state;
    fixture_site_open(&site, 0, 0);
    p = peer_start(peer_tls, site.ctx);
    t = target_at(peer_at(p));
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_new(&dns, &loop, &none, error), 0);
    assert_int_equal(dialer_new(&dialer, &loop, dns, NULL), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(dial_start(NULL, dialer, &t, NULL, count_one, &crowd, error), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(crowd.handshakes, 100);
    assert_int_equal(crowd.others, 0);
    dialer_free(dialer);
    dns_free(dns);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    peer_stop(p);
    fixture_site_close(&site);
}

static void must_not_come(void *context, struct dial_result *result)
{
    (void)context;
    dial_result_free(result);
    fail_msg("a cancelled dial was told");
}

static void a_cancelled_dial_says_nothing(void **state)
{
    struct peer *p = peer_start(hang, NULL);
    struct probe_target t = target_at(peer_at(p));
    struct dns_options none = { .hosts_file = "" };
    struct dialer *dialer;
    struct dns *dns;
    char error[256];
    uv_loop_t loop;

    (void)state;
    /* After each number of turns it is somewhere else on its way. */
    for (int turns = 0; turns < 6; turns++) {
        struct dial *d;

        assert_int_equal(uv_loop_init(&loop), 0);
        assert_int_equal(dns_new(&dns, &loop, &none, error), 0);
        assert_int_equal(dialer_new(&dialer, &loop, dns, NULL), 0);
        assert_int_equal(dial_start(&d, dialer, &t, NULL, must_not_come, NULL, error), 0);
        for (int i = 0; i < turns; i++) {
            uv_run(&loop, UV_RUN_NOWAIT);
            uv_sleep(2);
        }
        dial_cancel(d);
        dialer_free(dialer);
        dns_free(dns);
        uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_loop_close(&loop), 0);
    }
    peer_stop(p);
}

static void settings_that_do_not_parse_are_named(void **state)
{
    static const struct {
        struct probe_target target;
        const char *words;
    } cases[] = {
        { { .host = "not a host", .port = 443 }, "host \"not a host\"" },
        { { .host = "a.test", .port = 0 }, "port" },
        { { .host = "a.test", .port = 443, .connect_to = "x:y:z" }, "connect address" },
        { { .host = "a.test", .port = 443, .connect_to = "1.2.3.4:0" }, "connect address" },
        { { .host = "a.test", .port = 443, .server_name = "192.0.2.1" }, "server name" },
        { { .host = "a.test", .port = 443, .alpn = "h2,,x" }, "ALPN" },
        { { .host = "a.test", .port = 443, .proxy = "ftp://p.test" }, "proxy" },
    };
    char error[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        error[0] = 0;
        assert_int_equal(dial_check(&cases[i].target, error), -22);
        if (strstr(error, cases[i].words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server_is_seen_whole),
        cmocka_unit_test(a_stream_kept_open_carries_the_same_exporter),
        cmocka_unit_test(a_closed_port_is_refused),
        cmocka_unit_test(reset_close_and_alert_are_told_apart),
        cmocka_unit_test(silence_and_slowness_end_in_time),
        cmocka_unit_test(what_is_not_tls_is_named),
        cmocka_unit_test(many_go_at_once),
        cmocka_unit_test(a_cancelled_dial_says_nothing),
        cmocka_unit_test(settings_that_do_not_parse_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
