/*
 * The way to a server: names, proxies and STARTTLS, good and refusing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "dial_fixture.h"
#include "peer.h"

static const struct probe_limits quick = { .connect_ms = 2000, .handshake_ms = 500 };

/* What a scripted server says before TLS.  A line that begins with "<" is expected, one with
 * ">" is sent, each with CR LF. */
struct script {
    const char *const *lines;
    struct fixture_site *site;  /* NULL: the script ends the conversation */
    bool kept;                  /* every expectation held */
};

static void play(int fd, void *context)
{
    struct script *s = context;
    char line[512];

    s->kept = true;
    for (size_t i = 0; s->lines[i] != NULL; i++) {
        snprintf(line, sizeof(line), "%s\r\n", s->lines[i] + 1);
        if (s->lines[i][0] == '>')
            peer_say(fd, line);
        else if (!peer_expect(fd, line))
            s->kept = false;
    }
    if (s->site != NULL)
        peer_tls(fd, s->site->ctx);
    else
        peer_wait_for_end(fd);
}

static struct dial_result *dial_script(struct script *s, enum probe_starttls kind)
{
    struct peer *p = peer_start(play, s);
    struct probe_target t = { .host = "site.lab.test", .port = 25, .connect_to = peer_at(p),
                              .starttls = kind };
    struct dial_result *r = fixture_dial(&t, &quick, NULL);

    peer_stop(p);
    return r;
}

/* ----------------------------------------------------------------------- STARTTLS ---- */

#define LINES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void line_protocols_lead_to_tls(void **state)
{
    const struct {
        enum probe_starttls kind;
        const char *const *lines;
    } cases[] = {
        { PROBE_STARTTLS_SMTP,
          LINES(">220-hello", ">220 site.lab.test ESMTP", "<EHLO midwatch.invalid",
                ">250-site.lab.test", ">250-STARTTLS", ">250 SIZE 1000", "<STARTTLS",
                ">220 go ahead") },
        { PROBE_STARTTLS_IMAP,
          LINES(">* OK ready", "<mw1 STARTTLS", ">* NOTE untagged", ">mw1 OK begin") },
        { PROBE_STARTTLS_POP3, LINES(">+OK ready", "<STLS", ">+OK begin") },
        { PROBE_STARTTLS_FTP, LINES(">220-a", ">220 b", "<AUTH TLS", ">234 go") },
    };
    struct fixture_site site;

    (void)state;
    fixture_site_open(&site, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct script s = { .lines = cases[i].lines, .site = &site };
        struct dial_result *r = dial_script(&s, cases[i].kind);

        if (r->reach != MW_REACH_HANDSHAKE)
            fail_msg("case %zu: %d %s", i, r->reach, r->detail);
        assert_true(s.kept);
        assert_int_equal(r->n_certs, 2);
        assert_null(r->tls.alpn);
        dial_result_free(r);
    }
    fixture_site_close(&site);
}

static void refusals_carry_the_servers_words(void **state)
{
    const struct {
        enum probe_starttls kind;
        const char *const *lines;
        const char *words;
    } cases[] = {
        { PROBE_STARTTLS_SMTP, LINES(">554 no \x1b[31mservice"), "554 no \\x1b[31mservice" },
        { PROBE_STARTTLS_SMTP, LINES(">220 a", "<EHLO midwatch.invalid", ">250 SIZE 1"),
          "does not offer STARTTLS" },
        { PROBE_STARTTLS_SMTP,
          LINES(">220 a", "<EHLO midwatch.invalid", ">250 STARTTLS", "<STARTTLS", ">454 not now"),
          "454 not now" },
        { PROBE_STARTTLS_SMTP, LINES(">HTTP/1.1 400 Bad Request"), "another protocol" },
        { PROBE_STARTTLS_IMAP, LINES(">* PREAUTH welcome"), "PREAUTH" },
        { PROBE_STARTTLS_IMAP, LINES(">* OK a", "<mw1 STARTTLS", ">mw1 NO never"), "mw1 NO never" },
        { PROBE_STARTTLS_POP3, LINES(">+OK a", "<STLS", ">-ERR unknown"), "-ERR unknown" },
        { PROBE_STARTTLS_FTP, LINES(">220 a", "<AUTH TLS", ">502 what"), "502 what" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct script s = { .lines = cases[i].lines };
        struct dial_result *r = dial_script(&s, cases[i].kind);

        if (r->reach != MW_REACH_STARTTLS_REFUSED)
            fail_msg("case %zu: %d %s", i, r->reach, r->detail);
        fixture_says(r, cases[i].words);
        assert_true(s.kept);
        dial_result_free(r);
    }
}

/* CVE-2011-0411: what arrives in the clear behind the go-ahead must not count as protected. */
static void words_put_behind_the_go_ahead_are_refused(void **state)
{
    const struct {
        enum probe_starttls kind;
        const char *const *lines;
    } cases[] = {
        { PROBE_STARTTLS_SMTP, LINES(">220 a", "<EHLO midwatch.invalid", ">250 STARTTLS",
                                     "<STARTTLS", ">220 go\r\n250 injected") },
        { PROBE_STARTTLS_IMAP, LINES(">* OK", "<mw1 STARTTLS", ">mw1 OK\r\n* injected") },
        { PROBE_STARTTLS_POP3, LINES(">+OK", "<STLS", ">+OK\r\n+injected") },
        { PROBE_STARTTLS_FTP, LINES(">220", "<AUTH TLS", ">234 go\r\n230 injected") },
    };
    struct fixture_site site;

    (void)state;
    fixture_site_open(&site, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct script s = { .lines = cases[i].lines, .site = &site };
        struct dial_result *r = dial_script(&s, cases[i].kind);

        assert_int_equal(r->reach, MW_REACH_STARTTLS_REFUSED);
        fixture_says(r, "in the clear");
        assert_int_equal(r->n_certs, 0);
        dial_result_free(r);
    }
    fixture_site_close(&site);
}

static void xmpp_part(int fd, void *context)
{
    char stream[256];

    (void)peer_read(fd, stream, sizeof(stream));
    peer_say(fd, "<?xml version='1.0'?><stream:stream from='site.lab.test' version='1.0'>"
                 "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>");
    uv_sleep(20);
    peer_say(fd, "<required/></starttls></stream:features>");
    if (peer_expect(fd, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"))
        peer_say(fd, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    peer_tls(fd, context);
}

static void ldap_part(int fd, void *context)
{
    char request[31];

    (void)peer_read(fd, request, sizeof(request));
    if (memcmp(request + 9, "1.3.6.1.4.1.1466.20037", 22) == 0)
        peer_send(fd, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00", 14);
    peer_tls(fd, context);
}

static void postgres_part(int fd, void *context)
{
    char request[8];

    (void)peer_read(fd, request, sizeof(request));
    if (memcmp(request, "\0\0\0\x08\x04\xd2\x16\x2f", 8) == 0)
        peer_say(fd, "S");
    peer_tls(fd, context);
}

static void mysql_part(int fd, void *context)
{
    static const char greeting[] = "\x19\0\0\0\x0a" "8.0\0" "\1\0\0\0" "saltsalt\0" "\xff\xff"
                                   "\x21\2\0\0";
    char request[36];

    peer_send(fd, greeting, 29);
    if (peer_read(fd, request, sizeof(request)) == 36 && (request[5] & 8) != 0)
        peer_tls(fd, context);
}

static void other_protocols_lead_to_tls(void **state)
{
    static const struct {
        enum probe_starttls kind;
        peer_part *part;
    } cases[] = {
        { PROBE_STARTTLS_XMPP, xmpp_part },
        { PROBE_STARTTLS_LDAP, ldap_part },
        { PROBE_STARTTLS_POSTGRES, postgres_part },
        { PROBE_STARTTLS_MYSQL, mysql_part },
    };
    struct fixture_site site;

    (void)state;
    fixture_site_open(&site, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peer *p = peer_start(cases[i].part, site.ctx);
        struct probe_target t = { .host = "site.lab.test", .port = 1, .connect_to = peer_at(p),
                                  .starttls = cases[i].kind };
        struct dial_result *r = fixture_dial(&t, &quick, NULL);

        if (r->reach != MW_REACH_HANDSHAKE)
            fail_msg("case %zu: %d %s", i, r->reach, r->detail);
        dial_result_free(r);
        peer_stop(p);
    }
    fixture_site_close(&site);
}

static void say_bytes(int fd, void *context)
{
    struct mw_span *bytes = context;
    char request[256];

    (void)peer_read(fd, request, 1);
    peer_send(fd, bytes->data, bytes->len);
    peer_wait_for_end(fd);
}

static void other_protocols_refuse(void **state)
{
    static const struct {
        enum probe_starttls kind;
        const char *bytes;
        size_t len;
        const char *words;
    } cases[] = {
        { PROBE_STARTTLS_XMPP, "<stream:stream><stream:features></stream:features>", 50,
          "does not offer STARTTLS" },
        { PROBE_STARTTLS_XMPP, "<stream:stream><stream:features><starttls/></stream:features>"
                               "<failure/></stream:stream>", 87, "refuses STARTTLS" },
        { PROBE_STARTTLS_LDAP,
          "\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\x02\x04\x00\x04\x03" "no!", 17, "\"no!\"" },
        { PROBE_STARTTLS_LDAP, "HTTP/1.1 400\r\n", 14, "another protocol" },
        { PROBE_STARTTLS_POSTGRES, "N", 1, "no TLS" },
        { PROBE_STARTTLS_POSTGRES, "Sextra", 6, "in the clear" },
        { PROBE_STARTTLS_POSTGRES, "E....", 5, "another protocol" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct mw_span bytes = span_of(cases[i].bytes, cases[i].len);
        struct peer *p = peer_start(say_bytes, &bytes);
        struct probe_target t = { .host = "site.lab.test", .port = 1, .connect_to = peer_at(p),
                                  .starttls = cases[i].kind };
        struct dial_result *r = fixture_dial(&t, &quick, NULL);

        if (r->reach != MW_REACH_STARTTLS_REFUSED)
            fail_msg("case %zu: %d %s", i, r->reach, r->detail);
        fixture_says(r, cases[i].words);
        dial_result_free(r);
        peer_stop(p);
    }
}

/* ----------------------------------------------------------------------- proxies ---- */

struct proxying {
    const char *expect;         /* the request, whole */
    size_t expect_len;
    const char *answer;
    size_t answer_len;
    const char *expect2, *answer2;      /* a second turn; NULL: none */
    size_t expect2_len, answer2_len;
    struct fixture_site *site;
    bool kept;
};

static bool expect_bytes(int fd, const char *bytes, size_t len)
{
    char got[512] = "";
    size_t have = 0, n;

    while (have < len) {
        n = peer_read(fd, got + have, len - have);
        if (n == 0)
            return false;
        have += n;
    }
    return memcmp(got, bytes, len) == 0;
}

static void proxy_part(int fd, void *context)
{
    struct proxying *p = context;

    p->kept = expect_bytes(fd, p->expect, p->expect_len);
    peer_send(fd, p->answer, p->answer_len);
    if (p->expect2 != NULL) {
        p->kept = p->kept && expect_bytes(fd, p->expect2, p->expect2_len);
        peer_send(fd, p->answer2, p->answer2_len);
    }
    if (p->site != NULL)
        peer_tls(fd, p->site->ctx);
    else
        peer_wait_for_end(fd);
}

static struct dial_result *dial_proxy(struct proxying *play_it, const char *scheme,
                                      const char *host)
{
    struct peer *p = peer_start(proxy_part, play_it);
    char url[128];
    struct probe_target t = { .host = host, .port = 443, .proxy = url };
    struct dial_result *r;

    snprintf(url, sizeof(url), "%s%s", scheme, peer_at(p));
    r = fixture_dial(&t, &quick, NULL);
    peer_stop(p);
    return r;
}

#define BYTES(s) s, sizeof(s) - 1

static void connect_opens_a_tunnel(void **state)
{
    struct fixture_site site;
    struct proxying play_it = {
        BYTES("CONNECT site.lab.test:443 HTTP/1.1\r\nHost: site.lab.test:443\r\n"
              "Proxy-Authorization: Basic YW5hOnMzY3JldC8=\r\n\r\n"),
        BYTES("HTTP/1.1 200 Connection established\r\nVia: proxy\r\n\r\n"), .site = &site,
    };
    struct proxying v6 = {
        BYTES("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n"),
        BYTES("HTTP/1.0 200 OK\r\n\r\n"), .site = &site,
    };
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, 0, 0);
    r = dial_proxy(&play_it, "http://ana:s3cret%2f@", "site.lab.test");
    assert_true(play_it.kept);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_true(r->proxy_used);
    assert_int_equal(r->n_certs, 2);
    dial_result_free(r);
    r = dial_proxy(&v6, "http://", "2001:db8::1");
    assert_true(v6.kept);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    dial_result_free(r);
    fixture_site_close(&site);
}

static void connect_refused_says_why(void **state)
{
    static const struct {
        const char *answer, *words;
        enum mw_reach reach;
    } cases[] = {
        { "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno.", "answers 403: \"Forbidden\"",
          MW_REACH_PROXY_REFUSED },
        { "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\n\r\n", "user name and password",
          MW_REACH_PROXY_REFUSED },
        { "HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\n\r\n", "answers 302",
          MW_REACH_PROXY_REFUSED },
        { "SSH-2.0-x\r\n\r\n", "not HTTP/1.1", MW_REACH_PROXY_REFUSED },
        { "HTTP/1.1 200 OK\r\n\r\n220 early words", "in the clear", MW_REACH_NOT_TLS },
        { "HTTP/1.1 200", "did not answer in time", MW_REACH_HANDSHAKE_TIMEOUT },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct proxying play_it = { BYTES("CONNECT site.lab.test:443 HTTP/1.1\r\n"
                                          "Host: site.lab.test:443\r\n\r\n"),
                                    .answer = cases[i].answer,
                                    .answer_len = strlen(cases[i].answer) };
        struct dial_result *r = dial_proxy(&play_it, "http://", "site.lab.test");

        if (r->reach != cases[i].reach)
            fail_msg("case %zu: %d %s", i, r->reach, r->detail);
        fixture_says(r, cases[i].words);
        assert_true(play_it.kept);
        dial_result_free(r);
    }
}

static void socks_opens_a_tunnel(void **state)
{
    struct fixture_site site;
    struct proxying by_name = {
        BYTES("\5\1\0"), BYTES("\5\0"),
        "\5\1\0\3\15site.lab.test\1\xbb", "\5\0\0\1\0\0\0\0\0\0", 20, 10, &site, false,
    };
    struct proxying by_address = {
        BYTES("\5\1\0"), BYTES("\5\0"),
        "\5\1\0\1\300\0\2\1\1\xbb", "\5\0\0\3\2xy\0\0", 10, 9, &site, false,
    };
    struct proxying with_login = {
        BYTES("\5\2\0\2"), BYTES("\5\2"), "\1\3ana\3pwd", "\1\1", 9, 2, NULL, false,
    };
    struct dial_result *r;

    (void)state;
    fixture_site_open(&site, 0, 0);
    r = dial_proxy(&by_name, "socks5h://", "site.lab.test");
    assert_true(by_name.kept);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    dial_result_free(r);
    r = dial_proxy(&by_address, "socks5://", "192.0.2.1");
    assert_true(by_address.kept);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    dial_result_free(r);
    r = dial_proxy(&with_login, "socks5h://ana:pwd@", "site.lab.test");
    assert_true(with_login.kept);
    assert_int_equal(r->reach, MW_REACH_PROXY_REFUSED);
    fixture_says(r, "does not take this user name");
    dial_result_free(r);
    fixture_site_close(&site);
}

static void socks_refused_says_why(void **state)
{
    static const struct {
        const char *method, *reply, *words;
        size_t reply_len;
    } cases[] = {
        { "\5\xff", "", "the proxy wants a user name", 0 },
        { "HT", "", "no SOCKS 5 proxy", 0 },
        { "\5\0", "\5\2\0\1\0\0\0\0\0\0", "rules forbid it", 10 },
        { "\5\0", "\5\5", "server refuses the proxy's connection", 2 },
        { "\5\0", "\5\x63\0\1", "the proxy refuses", 4 },
        { "\5\0", "\5\0\0\7\0\0\0\0\0\0", "malformed", 10 },
        { "\5\0", "\4\0\0\1\0\0\0\0\0\0", "malformed", 10 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct proxying play_it = { BYTES("\5\1\0"), cases[i].method, 2,
                                    "\5\1\0\3\15site.lab.test\1\xbb", cases[i].reply, 20,
                                    cases[i].reply_len, NULL, false };
        struct dial_result *r;

        if (cases[i].reply_len == 0)
            play_it.expect2 = NULL;
        r = dial_proxy(&play_it, "socks5h://", "site.lab.test");
        if (r->reach != MW_REACH_PROXY_REFUSED)
            fail_msg("case %zu: %d %s", i, r->reach, r->detail);
        fixture_says(r, cases[i].words);
        assert_true(play_it.kept);
        dial_result_free(r);
    }
}

static void a_proxy_that_is_not_there_is_named(void **state)
{
    char at[ADDR_TEXT], url[128];
    struct probe_target t = { .host = "site.lab.test", .port = 443, .proxy = url };
    struct dial_result *r;

    (void)state;
    peer_nobody(at);
    snprintf(url, sizeof(url), "http://%s", at);
    r = fixture_dial(&t, &quick, NULL);
    assert_int_equal(r->reach, MW_REACH_PROXY_REFUSED);
    fixture_says(r, "the proxy 127.0.0.1:");
    dial_result_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_protocols_lead_to_tls),
        cmocka_unit_test(refusals_carry_the_servers_words),
        cmocka_unit_test(words_put_behind_the_go_ahead_are_refused),
        cmocka_unit_test(other_protocols_lead_to_tls),
        cmocka_unit_test(other_protocols_refuse),
        cmocka_unit_test(connect_opens_a_tunnel),
        cmocka_unit_test(connect_refused_says_why),
        cmocka_unit_test(socks_opens_a_tunnel),
        cmocka_unit_test(socks_refused_says_why),
        cmocka_unit_test(a_proxy_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
