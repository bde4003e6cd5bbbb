/*
 * The pages: nothing from outside breaks out of them, no origin makes them large, and they say
 * what they are for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gate/door/page.h"
#include "gate/door/page_ca.h"

#define HOSTILE "</p></dd></summary><script>alert(1)</script>&\"'>\n\xff\xe2\x80\xae"
#define ESCAPED                                                                                    \
    "&#60;script&#62;alert(1)&#60;/script&#62;&#38;&#34;&#39;&#62;\\x0a\\xff\\xe2\\x80\\xae"

static const struct gate_config hostile_gate = { .name = HOSTILE, .contact = HOSTILE };

static void is_safe(const struct buf *html)
{
    static const char *const never[] = { "<script", "\xff", "\xe2\x80\xae", "src=", "url(",
                                         "javascript:" };

    assert_int_equal(buf_error(html), 0);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        assert_null(strstr((const char *)html->data, never[i]));
    assert_non_null(strstr((const char *)html->data, ESCAPED));
    assert_non_null(strstr((const char *)html->data, "default-src 'none'"));
    assert_true(html->len <= PAGE_MAX_BYTES);
}

static void blocked_escapes(void **state)
{
    CLEANUP(buf_deinit) struct buf html = BUF_INIT(1 << 20);
    const struct gate_decision d = { .action = GATE_BLOCK, .rule = HOSTILE, .reason = HOSTILE,
                                     .source = HOSTILE };

    (void)state;
    page_blocked(&html, &hostile_gate, HOSTILE, &d);
    is_safe(&html);
}

static void stopped_escapes(void **state)
{
    CLEANUP(buf_deinit) struct buf html = BUF_INIT(1 << 20);

    (void)state;
    page_stopped(&html, &hostile_gate, 502, HOSTILE, HOSTILE);
    is_safe(&html);
}

#define CERT                                                                                       \
    {                                                                                              \
        .subject = HOSTILE, .issuer = HOSTILE, .short_subject = HOSTILE, .short_issuer = HOSTILE,  \
        .names = one_name, .n_names = 1, .serial = HOSTILE, .key = HOSTILE, .signature = HOSTILE,  \
        .sha256 = HOSTILE, .sha1 = HOSTILE, .spki = HOSTILE, .in_path = true, .sent = true,        \
    }

static const char *const one_name[] = { "DNS:" HOSTILE };
static const struct mw_finding one_finding[] = {
    { .code = MW_NAME_MISMATCH, .severity = MW_ERROR, .certainty = MW_CERTAIN, .cert = 0,
      .evidence = HOSTILE, .disproof = HOSTILE },
};

static void untrusted_escapes(void **state)
{
    CLEANUP(buf_deinit) struct buf html = BUF_INIT(1 << 20);
    static const struct mw_cert_view chain[] = { CERT, CERT };
    const struct mw_verdict v = { .outcome = MW_UNTRUSTED, .host = HOSTILE, .port = 443,
                                  .findings = one_finding, .n_findings = 1, .chain = chain,
                                  .n_chain = 2, .n_path = 2 };

    (void)state;
    page_untrusted(&html, &hostile_gate, &v, MW_NAME_MISMATCH, "/" HOSTILE);
    is_safe(&html);
    assert_non_null(strstr((const char *)html.data, "<form method=\"post\" action=\"/&#60;/p"));
}

/* An origin with a thousand names, as long as names can be, all of what is escaped. */
static void untrusted_is_bounded(void **state)
{
    enum { NAMES = 1000, CERTS = 16, FINDINGS = 200 };
    CLEANUP(buf_deinit) struct buf html = BUF_INIT(4 << 20);
    static char lengthy[2000];
    static const char *many[NAMES];
    static struct mw_cert_view chain[CERTS];
    static struct mw_finding found[FINDINGS];
    const struct mw_verdict v = { .outcome = MW_UNTRUSTED, .host = lengthy, .findings = found,
                                  .n_findings = FINDINGS, .chain = chain, .n_chain = CERTS };

    (void)state;
    memset(lengthy, '&', sizeof(lengthy) - 1);
    for (size_t i = 0; i < NAMES; i++)
        many[i] = lengthy;
    for (size_t i = 0; i < CERTS; i++)
        chain[i] = (struct mw_cert_view){ .subject = lengthy, .issuer = lengthy, .key = "EC P-256",
                                          .short_subject = lengthy, .short_issuer = lengthy,
                                          .names = many, .n_names = NAMES, .signature = "x",
                                          .serial = lengthy, .sha256 = "00", .spki = "x" };
    for (size_t i = 0; i < FINDINGS; i++)
        found[i] = (struct mw_finding){ .code = MW_EXPIRED, .severity = MW_ERROR,
                                        .evidence = lengthy };
    page_untrusted(&html, &hostile_gate, &v, MW_EXPIRED, NULL);
    assert_int_equal(buf_error(&html), 0);
    assert_true(html.len <= PAGE_MAX_BYTES);
    assert_non_null(strstr((const char *)html.data, " and 980 more</dd>"));
    assert_non_null(strstr((const char *)html.data, "<p>And 180 more.</p>"));
    assert_non_null(strstr((const char *)html.data, "<p>And 8 more.</p>"));
}

static void untrusted_names_the_cause(void **state)
{
    static const struct gate_config c = { .name = "gate.test", .contact = "it@corp.example" };
    static const char *const names[] = { "DNS:a.example", "IP:192.0.2.1" };
    static const struct mw_cert_view leaf[] = { {
        .subject = "CN=a.example", .issuer = "CN=CA", .short_subject = "a.example",
        .short_issuer = "CA", .names = names,
        .n_names = 2, .not_before = { 1700000000 }, .not_after = { 1710000000 }, .serial = "01",
        .key = "EC P-256", .signature = "ecdsa-with-SHA256", .sha256 = "AB:CD",
        .sha1 = "00", .spki = "sha256/AAAA", .in_path = true, .sent = true } };
    static const struct mw_finding found[] = {
        { .code = MW_NAME_MISMATCH, .severity = MW_ERROR, .evidence = "it is for a.example" },
        { .code = MW_EXPIRED, .severity = MW_ERROR, .evidence = "it ended long ago" },
    };
    const struct mw_verdict v = { .outcome = MW_UNTRUSTED, .host = "b.example",
                                  .at = { 1720000000 },
                                  .findings = found, .n_findings = 2, .chain = leaf, .n_chain = 1 };
    const char *const words[] = {
        "<h1>b.example was not shown to you</h1>", "it ended long ago",
        mw_code_info(MW_EXPIRED)->title, "it is for a.example", "a.example, IP:192.0.2.1",
        "2023-11-14 to 2024-03-09, expired ", "AB:CD", "EC P-256", "CN=CA",
        "href=\"mailto:it@corp.example\"", "form-action 'none'",
    };
    CLEANUP(buf_deinit) struct buf html = BUF_INIT(1 << 20);

    (void)state;
    page_untrusted(&html, &c, &v, MW_EXPIRED, NULL);
    assert_int_equal(buf_error(&html), 0);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strstr((const char *)html.data, words[i]) == NULL)
            fail_msg("the page does not say: %s", words[i]);
    }
    assert_null(strstr((const char *)html.data, "<form"));
    buf_truncate(&html, 0);
    page_untrusted(&html, &c, &v, MW_CODE_NONE, "/.midwatch/continue/0");
    assert_non_null(strstr((const char *)html.data, "form-action 'self'"));
    assert_non_null(strstr((const char *)html.data, "action=\"/.midwatch/continue/0\""));
    buf_truncate(&html, 0);
    page_untrusted(&html, &c, &v, MW_CODE_NONE, "https://evil.example/");
    assert_null(strstr((const char *)html.data, "<form"));
}

/* Judged by nobody: still a page, and not an empty one. */
static void untrusted_without_findings(void **state)
{
    const struct mw_verdict v = { .outcome = MW_UNJUDGED };
    CLEANUP(buf_deinit) struct buf html = BUF_INIT(1 << 20);

    (void)state;
    page_untrusted(&html, &hostile_gate, &v, MW_CODES, NULL);
    assert_int_equal(buf_error(&html), 0);
    assert_non_null(strstr((const char *)html.data, "could not be judged"));
}

static void contacts_become_links_or_not(void **state)
{
    static const struct {
        const char *contact, *shows;
    } cases[] = {
        { "https://help.example/", "<a href=\"https://help.example/\">https://help.example/</a>." },
        { "tel:+1555", "<a href=\"tel:+1555\">" },
        { "MAILTO:a@b.example", "<a href=\"MAILTO:a@b.example\">" },
        { "the help desk, room 5", "Ask the help desk, room 5." },
        { "javascript:alert(1)@x", "Ask javascript:alert(1)@x." },
        { "\"onclick=x@y", "Ask &#34;onclick=x@y." },
        { "data:text/html,x", "Ask data:text/html,x." },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct gate_config c = { .name = "gate.test", .contact = cases[i].contact };
        CLEANUP(buf_deinit) struct buf html = BUF_INIT(1 << 20);

        page_stopped(&html, &c, 502, "x", "y");
        if (strstr((const char *)html.data, cases[i].shows) == NULL)
            fail_msg("%s is not shown as %s", cases[i].contact, cases[i].shows);
    }
}

/* ---------------------------------------------------------------- our own answers ---- */

static const char *local(struct buf *out, const struct gate_config *c, const char *path)
{
    struct addr at = addr_make(AF_INET, "\xc0\x00\x02\x01", 3128);

    buf_truncate(out, 0);
    page_local(out, c, span_of(NULL, 0), path, &at);
    assert_int_equal(buf_error(out), 0);
    return (const char *)out->data;
}

static void local_answers_no_more_than_it_should(void **state)
{
    static const struct gate_config c = { .name = "gate.test", .contact = "",
                                          .file = "/etc/secret.conf", .users_file = "/etc/users" };
    static const char *const absent[] = { "/status", "/metrics", "/control", "/favicon.ico", "//",
                                          "/install/", "/CA.PEM", "", "?", "/../ca.pem",
                                          "/.midwatch/continue/0" };
    static const char *const early[] = { "/ca.pem", "/ca.crt", "/ca.mobileconfig", "/install?x" };
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        assert_memory_equal(local(&out, &c, absent[i]), "HTTP/1.1 404 Not Found\r\n", 24);
    for (size_t i = 0; i < ARRAY_LEN(early); i++)
        assert_memory_equal(local(&out, &c, early[i]), "HTTP/1.1 503 ", 13);
    assert_memory_equal(local(&out, &c, "/"), "HTTP/1.1 200 OK\r\n", 17);
    assert_null(strstr((const char *)out.data, "/etc/"));
    assert_memory_equal(local(&out, &c, "/?x=y"), "HTTP/1.1 200 OK\r\n", 17);
}

static void head_has_the_same_head(void **state)
{
    static const struct gate_config c = { .name = "gate.test", .contact = "" };
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    char length[64];
    const char *end;

    (void)state;
    end = strstr(local(&out, &c, "/"), "\r\n\r\n");
    assert_non_null(end);
    snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", strlen(end + 4));
    page_head_only(&out);
    assert_non_null(strstr((const char *)out.data, length));
    assert_memory_equal(out.data + out.len - 4, "\r\n\r\n", 4);
}

static void pac_fits_the_listener(void **state)
{
    static struct gate_listener listeners[] = {
        { .entrance = GATE_ENTRANCE_HTTP }, { .entrance = GATE_ENTRANCE_SOCKS5 },
        { .entrance = GATE_ENTRANCE_TPROXY },
    };
    static const struct {
        const char *at, *says;
    } cases[] = {
        { "192.0.2.1:3128", "return \"PROXY 192.0.2.1:3128\";" },      /* by its address */
        { "192.0.2.9:3128", "return \"DIRECT\";\n}\n" },
        { "192.0.2.9:1080", "return \"SOCKS5 192.0.2.9:1080; SOCKS 192.0.2.9:1080\";" },
        { "[2001:db8::1]:1080", "return \"SOCKS5 [2001:db8::1]:1080; SOCKS [2001:db8::1]:1080\";" },
        { "192.0.2.1:3129", "return \"DIRECT\";\n}\n" },
    };
    struct gate_config c = { .name = "\"+alert(1)+\"", .contact = "", .listeners = listeners,
                             .n_listeners = 3 };

    (void)state;
    assert_int_equal(addr_parse(&listeners[0].at, SPAN_LIT("192.0.2.1:3128"), 0), 0);
    assert_int_equal(addr_parse(&listeners[1].at, SPAN_LIT("[::]:1080"), 0), 0);
    assert_int_equal(addr_parse(&listeners[2].at, SPAN_LIT("0.0.0.0:3129"), 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 16);
        struct addr at;

        assert_int_equal(addr_parse(&at, span_str(cases[i].at), 0), 0);
        pac_write(&out, &c, &at);
        assert_int_equal(buf_error(&out), 0);
        assert_non_null(strstr((const char *)out.data, cases[i].says));
        assert_null(strstr((const char *)out.data, "alert"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocked_escapes),
        cmocka_unit_test(stopped_escapes),
        cmocka_unit_test(untrusted_escapes),
        cmocka_unit_test(untrusted_is_bounded),
        cmocka_unit_test(untrusted_names_the_cause),
        cmocka_unit_test(untrusted_without_findings),
        cmocka_unit_test(contacts_become_links_or_not),
        cmocka_unit_test(local_answers_no_more_than_it_should),
        cmocka_unit_test(head_has_the_same_head),
        cmocka_unit_test(pac_fits_the_listener),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
