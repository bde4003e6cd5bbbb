/*
 * The HTML page and the JUnit document: nothing a server sends can break out of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/html.h"
#include "check/junit.h"

static const char hostile[] = "</li><script>alert(1)</script>&\"'";

static const struct mw_cert_view chain[] = {
    {
        .der = { (const uint8_t *)"\x30\x00", 2 },
        .subject = "CN=</dd><b>",
        .issuer = hostile,
        .short_subject = "</summary>",
        .short_issuer = "x",
        .not_before = { 1700000000 },
        .not_after = { 1800000000 },
        .serial = "01",
        .key = "EC P-256",
        .signature = "ecdsa-with-SHA256",
        .sha256 = "00",
        .sha1 = "00",
        .spki = "sha256/AAAA",
        .in_path = true,
        .sent = true,
    },
};

static const struct mw_finding findings[] = {
    { .code = MW_NAME_MISMATCH, .severity = MW_ERROR, .certainty = MW_CERTAIN, .cert = 0,
      .evidence = hostile, .disproof = hostile },
    { .code = MW_VPN_UP, .severity = MW_NOTE, .certainty = MW_CERTAIN, .cert = -1,
      .evidence = "wg0" },
};

static const struct mw_verdict untrusted = {
    .outcome = MW_UNTRUSTED, .host = "a.example", .port = 443, .at = { 1750000000 },
    .findings = findings, .n_findings = 2, .chain = chain, .n_chain = 1, .n_path = 1,
};
static const struct mw_verdict private_one = { .outcome = MW_PRIVATE, .host = "b.example",
                                           .port = 443 };
static const struct mw_verdict unreachable = { .outcome = MW_UNREACHABLE, .host = "c.example",
                                               .port = 8443 };

static void html_escapes_what_a_server_sent(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    const struct mw_evidence ev = { .host = "a.example", .port = 443,
                                    .local.vpn_interface = "<i>wg0" };

    (void)state;
    html_begin(&out, untrusted.at, 1);
    html_verdict(&out, &ev, &untrusted);
    html_end(&out, "1.2.3");
    assert_int_equal(buf_error(&out), 0);
    assert_null(strstr((char *)out.data, "<script"));
    assert_null(strstr((char *)out.data, "<b>"));
    assert_null(strstr((char *)out.data, "<i>"));
    assert_non_null(strstr((char *)out.data, "&#60;script&#62;alert(1)"));
    assert_non_null(strstr((char *)out.data, "name-mismatch"));
    assert_non_null(strstr((char *)out.data, "-----BEGIN CERTIFICATE-----\nMAA=\n"));
}

static void html_fetches_nothing(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);

    (void)state;
    html_begin(&out, untrusted.at, 0);
    html_end(&out, "1.2.3");
    assert_null(strstr((char *)out.data, "src="));
    assert_null(strstr((char *)out.data, "href="));
    assert_null(strstr((char *)out.data, "url("));
    assert_null(strstr((char *)out.data, "@import"));
    assert_non_null(strstr((char *)out.data, "default-src 'none'"));
}

static void html_over_its_maximum_fails_whole(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(100);
    const struct mw_evidence ev = { .host = "a.example" };

    (void)state;
    html_verdict(&out, &ev, &untrusted);
    assert_int_not_equal(buf_error(&out), 0);
}

static void junit_counts_and_escapes(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    struct junit j;
    const char *text;

    (void)state;
    junit_init(&j);
    junit_case(&j, &untrusted, 0.25);
    junit_case(&j, &private_one, 1);
    junit_case(&j, &unreachable, 5);
    junit_write(&j, untrusted.at, &out);
    junit_deinit(&j);
    assert_int_equal(buf_error(&out), 0);
    text = (const char *)out.data;
    assert_non_null(strstr(text, "tests=\"3\" failures=\"1\" errors=\"1\""));
    assert_non_null(strstr(text, "<failure type=\"name-mismatch\""));
    assert_null(strstr(text, "vpn-up"));
    assert_non_null(strstr(text, "name=\"b.example:443\" time=\"1.000\"/>"));
    assert_non_null(strstr(text, "<error type=\"unreachable\""));
    assert_null(strstr(text, "<script"));
    assert_non_null(strstr(text, "&lt;script&gt;"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_escapes_what_a_server_sent),
        cmocka_unit_test(html_fetches_nothing),
        cmocka_unit_test(html_over_its_maximum_fails_whole),
        cmocka_unit_test(junit_counts_and_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
