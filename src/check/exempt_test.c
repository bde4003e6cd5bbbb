/*
 * The exceptions: each gateway's form says what its vendor's wildcard rules need, and the
 * catalogue of apps is sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/exempt_apps.h"
#include "check/exempt_forms.h"
#include "check/exempt_ticket.h"

static const struct exempt_name names[] = { { "meet.example.com", true },
                                            { "only.example.org", false } };

/* What each form must hold for the tree and for the single name, and must not hold. */
static const struct {
    const char *id, *tree, *apex, *single, *never;
} expected[] = {
    { "squid", "server_name .meet.example.com", "", "server_name only.example.org",
      ".only.example.org" },
    { "panos", "name=\"*.meet.example.com\"", "name=\"meet.example.com\"",
      "name=\"only.example.org\"", "*.only" },
    { "fortios", "\"*.meet.example.com\"", "\"meet.example.com\"", "\"only.example.org\"",
      "*.only" },
    { "zscaler", "\".meet.example.com\"", "", "\"only.example.org\"", "\".only" },
    { "sophos", "^([A-Za-z0-9.-]*\\.)?meet\\.example\\.com/", "", "^only\\.example\\.org/",
      "meet.example.com" },
    { "umbrella", "meet.example.com\n", "", "only.example.org\n", "*" },
    { "wsa", ".meet.example.com", "meet.example.com,", "only.example.org", ".only" },
    { "cloudflare", "http.conn.domains[*] in {\"meet.example.com\"}", "",
      "http.conn.hostname in {\"only.example.org\"}", "*." },
    { "mitmproxy", "'^(.+\\.)?meet\\.example\\.com:443$'", "", "'^only\\.example\\.org:443$'",
      "meet.example.com" },
    { "opnsense", ".meet.example.com", "", ",only.example.org", ".only" },
    { "sslproxy", "Pass to sni .meet.example.com*", "Pass to sni meet.example.com\n",
      "Pass to sni only.example.org\n", ".only" },
    { "midwatch", "\".meet.example.com\"", "", "\"only.example.org\"", "\".only" },
};

static void forms_cover_apex_and_tree_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(n_exempt_forms, ARRAY_LEN(expected));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(65536);
        const struct exempt_form *f = exempt_form_find(expected[i].id);
        const char *text;

        assert_non_null(f);
        f->print(&out, names, ARRAY_LEN(names));
        assert_int_equal(buf_error(&out), 0);
        text = (const char *)out.data;
        assert_non_null(strstr(text, expected[i].tree));
        assert_non_null(strstr(text, expected[i].apex));
        assert_non_null(strstr(text, expected[i].single));
        assert_null(strstr(text, expected[i].never));
    }
}

static void forms_have_other_names(void **state)
{
    (void)state;
    assert_ptr_equal(exempt_form_find("FortiGate"), exempt_form_find("fortios"));
    assert_ptr_equal(exempt_form_find("paloalto"), exempt_form_find("panos"));
    assert_null(exempt_form_find("nobody"));
}

static void apps_hold_the_usual_ones(void **state)
{
    static const char *const usual[] = { "screenmeet", "zoom",   "teams", "webex",
                                         "whatsapp",   "signal", "apple" };
    const struct exempt_apps apps = exempt_apps_builtin();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        size_t found = 0;

        for (size_t k = 0; k < apps.n; k++)
            found += span_eq(apps.items[k].app, span_str(usual[i]));
        assert_int_not_equal(found, 0);
    }
}

static void ticket_says_what_why_and_how_to_check(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(65536);
    const struct exempt_request request = { .names = names,
                                            .n_names = 2,
                                            .form = exempt_form_find("panos") };
    const char *text;

    (void)state;
    exempt_ticket(&out, &request);
    assert_int_equal(buf_error(&out), 0);
    text = (const char *)out.data;
    assert_non_null(strstr(text, "meet.example.com and *.meet.example.com"));
    assert_non_null(strstr(text, "<ssl-exclude-cert>"));
    assert_non_null(strstr(text, "midwatch check meet.example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_cover_apex_and_tree_and_no_more),
        cmocka_unit_test(forms_have_other_names),
        cmocka_unit_test(apps_hold_the_usual_ones),
        cmocka_unit_test(ticket_says_what_why_and_how_to_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
