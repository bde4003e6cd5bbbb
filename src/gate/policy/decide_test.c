/*
 * Which rule fits: policies as text, sessions as facts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "gate/policy/decide.h"

enum { NOON_WEDNESDAY = 1767787200 };   /* 2026-01-07T12:00:00Z */

static struct gate_config *policy(const char *text)
{
    struct buf error = BUF_INIT(4096);
    struct gate_config *c = NULL;
    struct gate_bundle *b = NULL;

    if (gate_bundle_read(&b, NULL, text, &error) != 0 || gate_config_load(&c, b, &error) != 0)
        fail_msg("%s", error.data != NULL ? (char *)error.data : "?");
    gate_bundle_free(b);
    buf_deinit(&error);
    return c;
}

static struct addr address(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(&a, span_str(text), 443), 0);
    return a;
}

static struct gate_facts facts(const char *host)
{
    return (struct gate_facts){ .client = address("10.1.2.3"),
                                .host = host,
                                .asked = host,
                                .port = 443,
                                .tls = true,
                                .ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1",
                                .now = { NOON_WEDNESDAY } };
}

/* One policy, one session: the action and the rule that decided. */
static void decides(const char *text, const struct gate_facts *f, enum gate_action action,
                    const char *rule)
{
    struct gate_config *c = policy(text);
    struct gate_decision d = gate_decide(c, NULL, 0, f);

    if (d.action != action || strcmp(d.rule, rule) != 0)
        fail_msg("%s\n%s, asked %s: %s by %s, not %s by %s", text, f->host, f->asked,
                 gate_action_name(d.action), d.rule, gate_action_name(action), rule);
    gate_config_unref(c);
}

static void names_are_anchored_on_labels(void **state)
{
    static const struct {
        const char *host;
        bool covered;
    } cases[] = {
        { "screenmeet.test", true },      { "a.b.screenmeet.test", true },
        { "notscreenmeet.test", false },  { "screenmeet.test.evil.test", false },
        { "test", false },                { "eet.test", false },
        { "only.example.com", true },     { "www.only.example.com", false },
        { "xonly.example.com", false },   { "m\xc3\xbcnchen.example", false },
        { "xn--mnchen-3ya.example", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct gate_facts f = facts(cases[i].host);

        decides("rule { names [.ScreenMeet.test, only.example.com, .m\xc3\xbcnchen.example];"
                " action block }",
                &f, cases[i].covered ? GATE_BLOCK : GATE_INSPECT,
                cases[i].covered ? "rule 1" : "undefined");
    }
}

static void the_first_rule_that_fits_decides(void **state)
{
    static const char text[] = "undefined block\n"
                               "rule a { names .shop.test; port 8443; action block }\n"
                               "rule b { names .shop.test; action inspect }\n"
                               "rule c { names .shop.test; action bypass }\n";
    struct gate_facts f = facts("www.shop.test");

    (void)state;
    decides(text, &f, GATE_INSPECT, "rule 2 (b)");
    f.port = 8443;
    decides(text, &f, GATE_BLOCK, "rule 1 (a)");
    f.host = f.asked = "www.other.test";
    decides(text, &f, GATE_BLOCK, "undefined");
    decides("", &f, GATE_INSPECT, "undefined");
}

static void who(void **state)
{
    static const char *const groups[] = { "it", "finance", NULL };
    struct gate_facts f = facts("a.test");

    (void)state;
    decides("rule { client 10.0.0.0/8; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { client [11.0.0.0/8, 10.1.2.4]; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { client 10.1.2.2/31; action block }", &f, GATE_BLOCK, "rule 1");
    f.client = address("::ffff:10.1.2.3");
    decides("rule { client 10.1.2.3; action block }", &f, GATE_BLOCK, "rule 1");
    f.client = address("2001:db8:8000::1");
    decides("rule { client 2001:db8:8000::/33; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { client 0.0.0.0/0; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { user anna; action block }", &f, GATE_INSPECT, "undefined");
    f.user = "anna";
    decides("rule { user anna; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { user bert; group finance; action block }", &f, GATE_INSPECT, "undefined");
    f.groups = groups;
    decides("rule { user bert; group finance; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { group fin; action block }", &f, GATE_INSPECT, "undefined");
}

static void what(void **state)
{
    struct gate_facts f = facts("a.test");

    (void)state;
    decides("rule { ja4 t13d1516h2_8daaf6152771_e5627efa2ab1; action block }", &f, GATE_BLOCK,
            "rule 1");
    decides("rule { ja4 [t13d1516h2_*]; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { ja4 t12*; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { sni-missing yes; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { ech no; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { tls no; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { entrance [socks5, tproxy]; action block }", &f, GATE_INSPECT, "undefined");
    f.entrance = GATE_ENTRANCE_TPROXY;
    decides("rule { entrance [socks5, tproxy]; action block }", &f, GATE_BLOCK, "rule 1");
    f.sni_missing = true;
    decides("rule { sni-missing yes; action block }", &f, GATE_BLOCK, "rule 1");
    f.ech = true;
    decides("ech block", &f, GATE_BLOCK, "ech");
    decides("ech bypass", &f, GATE_BYPASS, "ech");
    decides("ech block; rule { names a.test; action bypass }", &f, GATE_BLOCK, "ech");
    decides("ech block; rule { names a.test; ech yes; action inspect }", &f, GATE_INSPECT,
            "rule 1");
    decides("ech bypass; undefined block", &f, GATE_BLOCK, "undefined");
    f.tls = false;
    decides("rule { ech yes; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { tls no; action block }", &f, GATE_BLOCK, "rule 1");
}

static void when(void **state)
{
    struct gate_facts f = facts("a.test");

    (void)state;
    decides("rule { days wed; hours 08:00-18:00; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { days [mon, thu-tue]; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { days sun-wed; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { hours 12:00-12:01; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { hours 11:00-12:00; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { hours 13:00-14:00; zone +01:00; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { hours 01:00-02:00; zone +13:00; days thu; action block }", &f, GATE_BLOCK,
            "rule 1");
    decides("rule { hours 06:30-07:30; zone -05:00; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { until 2026-01-08; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { until 2026-01-07; action block }", &f, GATE_INSPECT, "undefined");
    f.now.s += 13 * 3600;       /* Thursday, 01:00: still Wednesday's night */
    decides("rule { days wed; hours 22:00-06:00; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { days thu; hours 22:00-06:00; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { hours 00:00-24:00; action block }", &f, GATE_BLOCK, "rule 1");
}

/* A bypass that a client could have by naming a good site while it goes to another. */
static void a_claimed_name_alone_opens_nothing(void **state)
{
    static const char bypass[] = "rule { names .bank.test; action bypass }";
    static const char block[] = "rule { names .evil.test; action block }";
    struct gate_facts f = facts("www.bank.test");

    (void)state;
    decides(bypass, &f, GATE_BYPASS, "rule 1");
    f.asked = "www.evil.test";
    decides(bypass, &f, GATE_INSPECT, "undefined");
    decides("rule { names .bank.test; action inspect }\nundefined block", &f, GATE_BLOCK,
            "undefined");
    decides(block, &f, GATE_BLOCK, "rule 1");
    f.asked = "api.bank.test";
    decides(bypass, &f, GATE_BYPASS, "rule 1");
    f.asked = "192.0.2.7";
    decides(bypass, &f, GATE_BYPASS, "rule 1");
    f.asked = NULL;
    decides(bypass, &f, GATE_BYPASS, "rule 1");
    f.host = "www.screenmeet.com";
    f.asked = "www.evil.test";
    decides("", &f, GATE_INSPECT, "undefined");
    f.host = "www.evil.test";
    f.asked = "www.screenmeet.com";
    decides("", &f, GATE_INSPECT, "undefined");
    f.host = f.asked;
    decides("", &f, GATE_BYPASS, "catalogue: screenmeet");
}

/* Two names, of which one is to be inspected: no bypass of both, whatever comes first. */
static void of_two_names_the_inspected_one_counts(void **state)
{
    static const char watched[] = "rule { names files.cdn.test; action inspect }\n"
                                  "rule { names .cdn.test; action bypass }";
    static const char known[] = "rule { names files.zoom.us; action inspect }";
    struct gate_facts f = facts("files.cdn.test");

    (void)state;
    decides(watched, &f, GATE_INSPECT, "rule 1");
    f.asked = "www.cdn.test";
    decides(watched, &f, GATE_INSPECT, "rule 1");
    f.host = "www.cdn.test";
    f.asked = "files.cdn.test";
    decides(watched, &f, GATE_INSPECT, "rule 1");
    f.asked = "img.cdn.test";
    decides(watched, &f, GATE_BYPASS, "rule 2");
    f.host = "files.zoom.us";
    f.asked = "www.zoom.us";
    decides(known, &f, GATE_INSPECT, "rule 1");
    f.host = "img.zoom.us";
    decides(known, &f, GATE_BYPASS, "catalogue: zoom");
}

/* Before the client has spoken nobody knows whether it will speak TLS. */
static void what_was_not_heard_decides_nothing(void **state)
{
    static const char allowed[] = "undefined block; rule { tls yes; action inspect }";
    struct gate_facts f = facts("a.test");
    struct gate_config *c = policy(allowed);
    struct gate_decision d;

    (void)state;
    f.tls = false;
    f.unheard = true;
    decides("rule { tls no; action block }", &f, GATE_INSPECT, "undefined");
    decides("rule { ja4 t13*; action block }", &f, GATE_INSPECT, "undefined");
    d = gate_decide(c, NULL, 0, &f);
    assert_int_equal(d.action, GATE_BLOCK);
    assert_int_equal(d.wants, GATE_WANTS_HELLO);
    assert_int_equal(d.might_pass, GATE_WANTS_HELLO);
    gate_config_unref(c);
    c = policy("rule { tls yes; action block }\nundefined block");
    d = gate_decide(c, NULL, 0, &f);
    assert_int_equal(d.wants, GATE_WANTS_HELLO);
    assert_int_equal(d.might_pass, 0);
    gate_config_unref(c);
}

static void what_is_not_known_yet_is_wanted(void **state)
{
    struct gate_config *c = policy("rule { names .a.test; destination 10.0.0.0/8; action block }\n"
                                   "rule { port 25; destination 10.0.0.0/8; action block }\n"
                                   "rule { finding expired; action block }");
    struct gate_facts f = facts("x.a.test");
    struct gate_decision d = gate_decide(c, NULL, 0, &f);

    (void)state;
    assert_int_equal(d.action, GATE_INSPECT);
    assert_int_equal(d.wants, GATE_WANTS_DESTINATION | GATE_WANTS_VERDICT);
    f.destination = address("10.9.9.9");
    d = gate_decide(c, NULL, 0, &f);
    assert_int_equal(d.action, GATE_BLOCK);
    assert_int_equal(d.n_rule, 0);
    assert_int_equal(d.wants, 0);
    f.destination = address("192.0.2.1");
    d = gate_decide(c, NULL, 0, &f);
    assert_int_equal(d.action, GATE_INSPECT);
    assert_int_equal(d.wants, GATE_WANTS_VERDICT);
    gate_config_unref(c);
    f = facts("10.3.4.5");      /* an address as the name is its own destination */
    decides("rule { destination 10.3.0.0/16; action block }", &f, GATE_BLOCK, "rule 1");
}

static void learned_exceptions_follow_the_rules(void **state)
{
    const struct gate_learned learned[] = {
        { "pin-1", "a.test", NULL, "10.9.9.9", { NOON_WEDNESDAY + 60 } },
        { "pin-2", "a.test", "t13other", NULL, { NOON_WEDNESDAY + 60 } },
        { "pin-3", "a.test", NULL, NULL, { NOON_WEDNESDAY } },
        { "pin-4", "a.test", "t13d1516h2_8daaf6152771_e5627efa2ab1", "10.1.2.3",
          { NOON_WEDNESDAY + 60 } },
    };
    struct gate_config *c = policy("rule { names b.test; action block }");
    struct gate_facts f = facts("a.test");
    struct gate_decision d = gate_decide(c, learned, ARRAY_LEN(learned), &f);

    (void)state;
    assert_int_equal(d.action, GATE_BYPASS);
    assert_int_equal(d.exception, GATE_BY_LEARNER);
    assert_string_equal(d.reason, "pin-4");
    d = gate_decide(c, learned, 3, &f);
    assert_int_equal(d.action, GATE_INSPECT);
    f.asked = "b.test";
    d = gate_decide(c, learned, ARRAY_LEN(learned), &f);
    assert_int_equal(d.action, GATE_BLOCK);
    gate_config_unref(c);
}

static void the_catalogue_as_it_is_taken(void **state)
{
    struct gate_facts f = facts("zoom.us");

    (void)state;
    decides("", &f, GATE_BYPASS, "catalogue: zoom");
    decides("catalogue { except zoom }", &f, GATE_INSPECT, "undefined");
    decides("catalogue { classes [] }", &f, GATE_INSPECT, "undefined");
    decides("catalogue { classes []; also [zoom] }", &f, GATE_BYPASS, "catalogue: zoom");
    decides("rule { app zoom; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { category meeting; action inspect }", &f, GATE_INSPECT, "rule 1");
    f.host = f.asked = "notzoom.us";
    decides("", &f, GATE_INSPECT, "undefined");
    f.host = f.asked = "tenant.sharepoint.com";
    decides("catalogue { classes performance }", &f, GATE_INSPECT, "undefined");
    f.host = f.asked = "mail.google.com";
    decides("", &f, GATE_INSPECT, "undefined");
    decides("catalogue { also chromeos }", &f, GATE_BYPASS, "catalogue: chromeos");
    f.host = f.asked = "www.town.gov";
    decides("", &f, GATE_INSPECT, "undefined");
    decides("catalogue { classes [technical, privacy] }", &f, GATE_BYPASS, "catalogue: gov-us");
}

/* The catalogue excepts from inspection, nobody from a block; a rule that names the site knows. */
static void exceptions_and_rules(void **state)
{
    static const char office[] = "undefined block\n"
                                 "rule office { client 10.0.0.0/8; action inspect }";
    struct gate_facts f = facts("zoom.us");

    (void)state;
    decides("undefined block", &f, GATE_BLOCK, "undefined");
    decides(office, &f, GATE_BYPASS, "catalogue: zoom");
    decides("rule { client 10.0.0.0/8; exceptions no; action inspect }", &f, GATE_INSPECT,
            "rule 1");
    decides("rule { names .zoom.us; action inspect }", &f, GATE_INSPECT, "rule 1");
    decides("rule { names .zoom.us; exceptions yes; action inspect }", &f, GATE_BYPASS,
            "catalogue: zoom");
    decides("rule { client 10.0.0.0/8; action block }", &f, GATE_BLOCK, "rule 1");
    f.client = address("192.0.2.1");
    decides(office, &f, GATE_BLOCK, "undefined");
}

static void decisions_say_where_they_come_from(void **state)
{
    struct gate_config *c = policy("rule works-council { names .hr.test; action bypass;"
                                   " reason \"agreed with the works council\" }");
    struct gate_facts f = facts("x.hr.test");
    struct gate_decision d = gate_decide(c, NULL, 0, &f);

    (void)state;
    assert_string_equal(d.reason, "agreed with the works council");
    assert_int_equal(d.exception, GATE_BY_RULE);
    assert_int_equal(d.entry, SIZE_MAX);
    f.host = f.asked = "api.scrn.mt";
    d = gate_decide(c, NULL, 0, &f);
    assert_int_equal(d.exception, GATE_TECHNICAL);
    assert_string_equal(gate_exception_at(d.entry)->domain, ".scrn.mt");
    assert_string_equal(d.source, gate_exception_at(d.entry)->source);
    gate_config_unref(c);
}

static void client_certificates(void **state)
{
    struct gate_facts f = facts("a.test");

    (void)state;
    f.client_cert_wanted = true;
    decides("", &f, GATE_BYPASS, "client-cert");
    decides("client-cert block", &f, GATE_BLOCK, "client-cert");
    decides("client-cert without", &f, GATE_INSPECT, "undefined");
    decides("rule { names .a.test; action inspect }", &f, GATE_BYPASS, "client-cert");
    decides("rule { client-cert-wanted yes; action inspect }", &f, GATE_INSPECT, "rule 1");
    decides("undefined block", &f, GATE_BLOCK, "undefined");
}

/* ------------------------------------------------------------------------------ findings ---- */

static void judged(const char *text, const char *host, const struct mw_finding *findings, size_t n,
                   enum mw_outcome outcome, enum gate_on_finding on, enum mw_code code)
{
    const struct mw_cert_view cert = { .subject = "CN=x" };
    const struct mw_verdict v = { .outcome = outcome,
                                  .host = host,
                                  .findings = findings,
                                  .n_findings = n,
                                  .chain = &cert,
                                  .n_chain = 1,
                                  .n_path = 1 };
    struct gate_config *c = policy(text);
    struct gate_facts f = facts(host);
    enum mw_code got = MW_CODES;
    enum gate_on_finding did;

    f.verdict = &v;
    did = gate_decide_verdict(c, &f, &got);
    if (did != on || got != code)
        fail_msg("%s: %d by %s", text, (int)did,
                 got == MW_CODE_NONE ? "none" : mw_code_info(got)->code);
    gate_config_unref(c);
}

static void findings_by_default(void **state)
{
    const struct mw_finding expired[] = { { .code = MW_EXPIRED, .severity = MW_ERROR } };
    const struct mw_finding unknown[] = { { .code = MW_REVOCATION_UNKNOWN, .severity = MW_NOTE } };
    const struct mw_finding sct[] = { { .code = MW_SCT_MISSING, .severity = MW_WARNING } };
    const struct mw_finding nested[] = { { .code = MW_SCT_MISSING, .severity = MW_WARNING },
                                         { .code = MW_INTERCEPTOR_NAMED,
                                           .severity = MW_WARNING } };
    const struct mw_finding local[] = { { .code = MW_LOCAL_ANCHOR, .severity = MW_NOTE } };
    const struct mw_finding lowered[] = { { .code = MW_VALIDITY_TOO_LONG, .severity = MW_NOTE } };

    (void)state;
    judged("", "a.test", NULL, 0, MW_PRIVATE, GATE_ON_ACCEPT, MW_CODE_NONE);
    judged("", "a.test", expired, 1, MW_UNTRUSTED, GATE_ON_REFUSE, MW_EXPIRED);
    judged("", "a.test", unknown, 1, MW_PRIVATE, GATE_ON_ACCEPT, MW_CODE_NONE);
    judged("", "a.test", sct, 1, MW_PRIVATE, GATE_ON_ACCEPT, MW_CODE_NONE);
    judged("", "a.test", local, 1, MW_PRIVATE, GATE_ON_ACCEPT, MW_CODE_NONE);
    judged("", "a.test", lowered, 1, MW_PRIVATE, GATE_ON_ACCEPT, MW_CODE_NONE);
    judged("", "a.test", nested, 2, MW_INSPECTED, GATE_ON_ASK, MW_INTERCEPTOR_NAMED);
    /* Not judged, or untrusted for no reason that is told. */
    judged("", "a.test", NULL, 0, MW_UNJUDGED, GATE_ON_REFUSE, MW_CODE_NONE);
    judged("", "a.test", NULL, 0, MW_UNTRUSTED, GATE_ON_REFUSE, MW_CODE_NONE);
}

static void findings_as_the_admin_wants(void **state)
{
    const struct mw_finding two[] = { { .code = MW_SELF_SIGNED, .severity = MW_ERROR },
                                      { .code = MW_EXPIRED, .severity = MW_ERROR } };
    const struct mw_finding accepted[] = { { .code = MW_EXPIRED, .severity = MW_ERROR,
                                             .accepted = true } };

    (void)state;
    judged("on { expired ask; self-signed sign-untrusted }", "a.test", two, 2, MW_UNTRUSTED,
           GATE_ON_ASK, MW_EXPIRED);
    judged("on { expired sign-untrusted; self-signed ask }", "a.test", two, 2, MW_UNTRUSTED,
           GATE_ON_ASK, MW_SELF_SIGNED);
    judged("on { clock accept; authority accept }", "a.test", two, 2, MW_UNTRUSTED,
           GATE_ON_ACCEPT, MW_CODE_NONE);
    judged("on { expired ask }", "a.test", accepted, 1, MW_UNTRUSTED, GATE_ON_ACCEPT,
           MW_CODE_NONE);
    judged("on { expired refuse }", "a.test", accepted, 1, MW_UNTRUSTED, GATE_ON_REFUSE,
           MW_EXPIRED);
}

static void rules_speak_of_findings_first(void **state)
{
    static const char text[] = "on { expired ask }\n"
                               "rule { names .old.test; on { expired accept } }\n"
                               "rule { names .old.test; action inspect; on { expired refuse } }";
    const struct mw_finding expired[] = { { .code = MW_EXPIRED, .severity = MW_ERROR } };
    const struct mw_finding revoked[] = { { .code = MW_REVOKED, .severity = MW_ERROR } };

    (void)state;
    judged(text, "a.old.test", expired, 1, MW_UNTRUSTED, GATE_ON_ACCEPT, MW_CODE_NONE);
    judged(text, "a.new.test", expired, 1, MW_UNTRUSTED, GATE_ON_ASK, MW_EXPIRED);
    judged("on { revocation accept }", "a.test", revoked, 1, MW_UNTRUSTED, GATE_ON_REFUSE,
           MW_REVOKED);
}

static void rules_may_ask_for_findings(void **state)
{
    const struct mw_finding old[] = { { .code = MW_TLS_OLD_VERSION, .severity = MW_ERROR } };
    const struct mw_verdict v = { .outcome = MW_UNTRUSTED, .findings = old, .n_findings = 1 };
    struct gate_facts f = facts("a.test");

    (void)state;
    decides("rule { finding [parameters]; action block }", &f, GATE_INSPECT, "undefined");
    f.verdict = &v;
    decides("rule { finding [parameters]; action block }", &f, GATE_BLOCK, "rule 1");
    decides("rule { finding expired; action block }", &f, GATE_INSPECT, "undefined");
}

/* Who names a site to be strict about does not escape that by asking the proxy for another. */
static void the_stricter_of_two_names_counts(void **state)
{
    static const struct mw_finding none[] = { { .code = MW_REVOCATION_NONE,
                                                .severity = MW_NOTE } };
    static const struct mw_cert_view cert = { .subject = "CN=x" };
    static const struct mw_verdict v = { .outcome = MW_PRIVATE, .host = "pay.test",
                                         .findings = none, .n_findings = 1,
                                         .chain = &cert, .n_chain = 1, .n_path = 1 };
    struct gate_config *c = policy("rule { names pay.test; on { revocation-none = refuse } }");
    struct gate_facts f = facts("pay.test");
    enum mw_code code;

    (void)state;
    f.verdict = &v;
    assert_int_equal(gate_decide_verdict(c, &f, &code), GATE_ON_REFUSE);
    assert_int_equal(code, MW_REVOCATION_NONE);
    f.asked = "www.other.test";
    assert_int_equal(gate_decide_verdict(c, &f, &code), GATE_ON_REFUSE);
    f.host = "www.other.test";
    f.asked = "pay.test";
    assert_int_equal(gate_decide_verdict(c, &f, &code), GATE_ON_REFUSE);
    f.asked = "www.other.test";
    assert_int_equal(gate_decide_verdict(c, &f, &code), GATE_ON_ACCEPT);
    gate_config_unref(c);
    c = policy("on { revocation-none = refuse }\n"
               "rule { names pay.test; on { revocation-none = accept } }");
    assert_int_equal(gate_decide_verdict(c, &f, &code), GATE_ON_REFUSE);
    f.host = "pay.test";
    assert_int_equal(gate_decide_verdict(c, &f, &code), GATE_ON_REFUSE);
    f.asked = "pay.test";
    assert_int_equal(gate_decide_verdict(c, &f, &code), GATE_ON_ACCEPT);
    gate_config_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_anchored_on_labels),
        cmocka_unit_test(the_first_rule_that_fits_decides),
        cmocka_unit_test(who),
        cmocka_unit_test(what),
        cmocka_unit_test(when),
        cmocka_unit_test(a_claimed_name_alone_opens_nothing),
        cmocka_unit_test(of_two_names_the_inspected_one_counts),
        cmocka_unit_test(what_was_not_heard_decides_nothing),
        cmocka_unit_test(what_is_not_known_yet_is_wanted),
        cmocka_unit_test(learned_exceptions_follow_the_rules),
        cmocka_unit_test(the_catalogue_as_it_is_taken),
        cmocka_unit_test(exceptions_and_rules),
        cmocka_unit_test(decisions_say_where_they_come_from),
        cmocka_unit_test(client_certificates),
        cmocka_unit_test(findings_by_default),
        cmocka_unit_test(findings_as_the_admin_wants),
        cmocka_unit_test(rules_speak_of_findings_first),
        cmocka_unit_test(the_stricter_of_two_names_counts),
        cmocka_unit_test(rules_may_ask_for_findings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
