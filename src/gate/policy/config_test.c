/*
 * The gate's configuration: what is set when nothing is said, what can be said, and how a slip is
 * answered.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <crypt.h>

#include "base/file.h"
#include "base/own.h"
#include "gate/policy/load.h"

struct fixture {
    char folder[64], path[128];
    struct buf error;
    struct gate_config *config;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->error.max = 8192;
    snprintf(f->folder, sizeof f->folder, "/tmp/mw-gate-config-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/gate.conf", f->folder);
    *state = f;
    return 0;
}

static void put(const struct fixture *f, const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    assert_int_equal(file_replace(path, span_str(text), 0600), 0);
}

static int teardown(void **state)
{
    static const char *const names[] = { "gate.conf", "names", "users", "roots.pem" };
    struct fixture *f = *state;
    char path[128];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->folder), 0);
    gate_config_unref(f->config);
    buf_deinit(&f->error);
    free(f);
    return 0;
}

/* Through the bytes that processes are given. */
static int load_bundle(struct fixture *f, const struct gate_bundle *b)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 26);
    struct gate_bundle *copy = NULL;
    int r;

    gate_bundle_encode(b, &bytes);
    assert_int_equal(buf_error(&bytes), 0);
    assert_int_equal(gate_bundle_decode(&copy, buf_span(&bytes)), 0);
    gate_config_unref(f->config);
    f->config = NULL;
    r = gate_config_load(&f->config, copy, &f->error);
    gate_bundle_free(copy);
    return r;
}

static int load(struct fixture *f, const char *text, const char *extra)
{
    struct gate_bundle *b = NULL;
    int r;

    buf_truncate(&f->error, 0);
    if (text != NULL)
        put(f, "gate.conf", text);
    r = gate_bundle_read(&b, text != NULL ? f->path : NULL, extra, &f->error);
    if (r == 0)
        r = load_bundle(f, b);
    gate_bundle_free(b);
    return r;
}

static const struct gate_config *loaded(struct fixture *f, const char *text, const char *extra)
{
    if (load(f, text, extra) != 0)
        fail_msg("%s", f->error.data != NULL ? (char *)f->error.data : "?");
    return f->config;
}

/* The text is refused with this, behind the file's name. */
static void refused(struct fixture *f, const char *text, const char *message)
{
    assert_int_equal(load(f, text, ""), UCL_WRONG);
    assert_non_null(f->error.data);
    if (strncmp((char *)f->error.data, f->path, strlen(f->path)) != 0 ||
        strcmp((char *)f->error.data + strlen(f->path), message) != 0)
        fail_msg("\n%s\nis not FILE%s", f->error.data, message);
}

static void nothing_said_is_sensible(void **state)
{
    struct fixture *f = *state;
    const struct gate_config *c = loaded(f, NULL, "");
    struct mw_span bytes;

    (void)bytes;
    assert_string_equal(c->file, "built-in");
    assert_int_equal(c->n_listeners, 1);
    assert_string_equal(c->listeners[0].text, "http://127.0.0.1:3128");
    assert_int_equal(c->listeners[0].entrance, GATE_ENTRANCE_HTTP);
    assert_true(addr_is_loopback(&c->listeners[0].at));
    assert_int_equal(addr_port(&c->listeners[0].at), 3128);
    assert_int_equal(c->state_folder[0], '/');
    assert_true(c->workers >= 1 && c->workers <= 64);
    assert_string_equal(c->name, "midwatch.gate");
    assert_true(c->upstream.private_destinations);
    assert_true(c->upstream.fetch);
    assert_int_equal(c->min_version, 0x0303);
    assert_int_equal(c->undefined, GATE_INSPECT);
    assert_int_equal(c->quic, GATE_BLOCK);
    assert_int_equal(c->ca.leaf_s, 7 * 86400);
    assert_true(c->audit.block_when_full);
    assert_int_equal(c->learner.mode, GATE_LEARN_PROPOSE);
    assert_int_equal(c->limits.idle_s, 300);
    assert_int_equal(c->on_finding[MW_EXPIRED], GATE_ON_REFUSE);
    assert_int_equal(c->on_finding[MW_SCT_MISSING], GATE_ON_ACCEPT);
    assert_int_equal(c->on_finding[MW_LOCAL_ANCHOR], GATE_ON_ACCEPT);
    assert_int_equal(c->on_finding[MW_LOCAL_ANCHOR_ON_PUBLIC], GATE_ON_ASK);
    assert_int_equal(c->n_rules, 0);
    assert_non_null(strstr(c->ca.folder, "/ca"));
    assert_int_equal(strncmp(c->ca.folder, c->state_folder, strlen(c->state_folder)), 0);
}

static const char everything[] =
    "listen [http://0.0.0.0:0, \"socks5://[::1]:1080\"]; listen tproxy://[::]:8443\n"
    "state /srv/gate; workers 3; user proxy; name GATE.example; contact \"help@site.example\"\n"
    "undefined block; not-tls block; ech bypass; quic bypass; client-cert without\n"
    "min-version 1.3; mirror-version no; users-file users\n"
    "on { clock = ask; expired = refuse; self-signed sign-untrusted }\n"
    "upstream { roots roots.pem; dns [192.0.2.53, \"[2001:db8::1]:5353\"]; fetch no;\n"
    "  private-destinations yes }\n"
    "ca { folder keys; passphrase-file /run/pass; pkcs11 \"pkcs11:object=x\"; pin-file pin;\n"
    "  pkcs11-module /lib/softhsm.so; leaf-lifetime 90d; rate-per-minute 10 }\n"
    "audit { folder /var/log/gate; format ocsf; rotate-size 64mb; rotate-time 1h; keep 30d;\n"
    "  syslog tls://log.example:6514; syslog-roots roots.pem; when-full pass }\n"
    "admin { listen 127.0.0.1:9464 }\n"
    "learner { mode apply; failures 5; window 1h; lifetime 2d; bypass-unattended yes;\n"
    "  unattended-ja4 [t13d1516h2_*] }\n"
    "limits { connections 9; per-client 8; hello-time 1s; dial-time 2s; handshake-time 3s;\n"
    "  idle-time 4s; tunnel-idle-time 5s; request-body 1mb; response-body 2mb; streams 7 }\n"
    "catalogue { classes [technical, privacy]; except zoom; also chromeos }\n"
    "list banks { names [.bank-of-us.example]; names-file names }\n"
    "rule \"finance\" { category [banks, health]; app zoom; client [10.0.0.0/8, ::1]; user anna;\n"
    "  group finance; destination 192.0.2.0/24; port [443, 8000-8100]; entrance http;\n"
    "  ja4 t13d1516h2_8daaf6152771_e5627efa2ab1; days mon-fri; hours 08:00-18:00; zone +02:00;\n"
    "  until 2030-01-01; sni-missing no; ech no; tls yes; action bypass;\n"
    "  reason \"works council\" }\n"
    "exception { names = [ \".meet.example\", \"one.example\" ];\n    action = bypass;\n}\n"
    "rule { names .old.example; on { tls-old-version = accept } }\n";

static void everything_can_be_said(void **state)
{
    struct fixture *f = *state;
    const struct gate_config *c;
    char roots[128];

    put(f, "names", "# ours\nsavings.example\n  .credit.example # all\n\n");
    put(f, "users", "anna:$6$salt$x:finance,it\n");
    put(f, "roots.pem", "roots\n");
    c = loaded(f, everything, "");
    snprintf(roots, sizeof roots, "%s/roots.pem", f->folder);
    assert_string_equal(c->file, f->path);
    assert_int_equal(c->n_listeners, 3);
    assert_int_equal(c->listeners[2].entrance, GATE_ENTRANCE_TPROXY);
    assert_int_equal(addr_port(&c->listeners[0].at), 0);
    assert_string_equal(c->state_folder, "/srv/gate");
    assert_string_equal(c->name, "gate.example");
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->undefined, GATE_BLOCK);
    assert_int_equal(c->ech, GATE_BYPASS);
    assert_int_equal(c->quic, GATE_BYPASS);
    assert_int_equal(c->client_cert, GATE_MTLS_WITHOUT);
    assert_int_equal(c->min_version, 0x0304);
    assert_false(c->mirror_version);
    assert_int_equal(c->on_finding[MW_NOT_YET_VALID], GATE_ON_ASK);
    assert_int_equal(c->on_finding[MW_EXPIRED], GATE_ON_REFUSE);
    assert_int_equal(c->on_finding[MW_SELF_SIGNED], GATE_ON_SIGN_UNTRUSTED);
    assert_string_equal(c->upstream.roots, roots);
    assert_int_equal(c->upstream.n_dns_servers, 2);
    assert_false(c->upstream.fetch);
    assert_true(c->upstream.private_destinations);
    assert_string_equal(c->ca.passphrase_file, "/run/pass");
    assert_int_equal(c->ca.leaf_s, 90 * 86400);
    assert_int_equal(c->audit.format, GATE_LOG_OCSF);
    assert_int_equal(c->audit.rotate_bytes, 64 << 20);
    assert_false(c->audit.block_when_full);
    assert_int_equal(addr_port(&c->admin.at), 9464);
    assert_int_equal(c->learner.mode, GATE_LEARN_APPLY);
    assert_int_equal(c->learner.failures, 5);
    assert_int_equal(c->learner.n_unattended_ja4, 1);
    assert_int_equal(c->limits.connections, 9);
    assert_int_equal(c->limits.request_body, 1 << 20);
    assert_int_equal(c->limits.streams, 7);
    assert_int_equal(c->n_rules, 3);
    assert_string_equal(c->rules[0].text, "rule 1 (finance)");
    assert_string_equal(c->rules[0].reason, "works council");
    assert_int_equal(c->rules[0].action, GATE_BYPASS);
    assert_true(rule_covers_name(&c->rules[0], "a.bank-of-us.example"));
    assert_true(rule_covers_name(&c->rules[0], "x.credit.example"));
    assert_true(rule_covers_name(&c->rules[0], "savings.example"));
    assert_false(rule_covers_name(&c->rules[0], "x.savings.example"));
    assert_true(rule_covers_name(&c->rules[0], "us.zoom.us"));
    assert_int_equal(c->rules[1].action, GATE_BYPASS);
    assert_int_equal(c->rules[2].action, GATE_UNDECIDED);
    assert_string_equal(c->rules[2].text, "rule 3");
}

static void the_command_line_replaces_the_file(void **state)
{
    struct fixture *f = *state;
    const struct gate_config *c =
        loaded(f, "listen http://127.0.0.1:1; listen http://127.0.0.1:2; workers 2\n"
                  "upstream { fetch no }\nlimits { streams 5; connections 50 }\n"
                  "rule file { names a.example; action block }",
               "listen http://127.0.0.1:3; limits { streams 6 }\n"
               "rule line { names a.example; action inspect }");

    assert_int_equal(c->n_listeners, 1);
    assert_string_equal(c->listeners[0].text, "http://127.0.0.1:3");
    assert_int_equal(c->workers, 2);
    assert_false(c->upstream.fetch);
    assert_int_equal(c->limits.streams, 6);
    assert_int_equal(c->limits.connections, 50);
    assert_int_equal(c->n_rules, 2);
    assert_string_equal(c->rules[0].text, "rule 1 (line)");
    assert_string_equal(c->rules[1].text, "rule 2 (file)");
    assert_int_equal(load(f, NULL, "listen http://127.0.0.1:3\nworkrs 3"), UCL_WRONG);
    assert_string_equal((char *)f->error.data,
                        "command line:2:1: unknown setting \"workrs\"; did you mean \"workers\"?");
}

static void private_destinations_follow_the_listener(void **state)
{
    struct fixture *f = *state;

    assert_false(loaded(f, "listen http://192.0.2.1:3128", "")->upstream.private_destinations);
    assert_true(loaded(f, "listen http://192.0.2.1:3128", "upstream { private-destinations yes }")
                    ->upstream.private_destinations);
    assert_false(loaded(f, "upstream { private-destinations no }", "")
                     ->upstream.private_destinations);
}

static void settings_that_are_wrong(void **state)
{
    struct fixture *f = *state;

    refused(f, "\n  lsten http://127.0.0.1:1",
            ":2:3: unknown setting \"lsten\"; did you mean \"listen\"?");
    refused(f, "upstream { root x }", ":1:12: unknown setting \"root\"; did you mean \"roots\"?");
    refused(f, "upstream yes", ":1:10: upstream wants a section: upstream { ... }");
    refused(f, "upstream x { }", ":1:10: upstream has no label");
    refused(f, "workers 2\nworkers 3", ":2:1: workers is set twice; line 1 set it first");
    refused(f, "workers 65", ":1:9: workers must be from 1 to 64, not 65");
    refused(f, "listen ftp://127.0.0.1:1",
            ":1:8: listen: \"ftp://127.0.0.1:1\" is not of the form http://127.0.0.1:3128; there "
            "are http, socks5, tproxy and redirect, each with an address");
    refused(f, "listen [http://127.0.0.1:1,\n socks5://127.0.0.1:1]",
            ":2:2: listen: http://127.0.0.1:1 and socks5://127.0.0.1:1 are the same address");
    refused(f, "undefined bypass", ":1:11: undefined wants inspect or block, not \"bypass\"");
    refused(f, "min-version 0.9", ":1:13: min-version wants 1.0, 1.1, 1.2 or 1.3, not \"0.9\"");
    refused(f, "ca { leaf-lifetime 200d }",
            ":1:20: leaf-lifetime must be from 3600 to 17193600 seconds, not 200d");
    refused(f, "on { expird = refuse }", ":1:6: unknown finding \"expird\"; did you mean "
                                         "\"expired\"?");
    refused(f, "on { expired = pass }",
            ":1:16: expired wants refuse, sign-untrusted, ask or accept, not \"pass\"");
    refused(f, "on { revoked = accept }",
            ":1:16: revoked is always refused; except the site from inspection if its clients are "
            "to judge themselves");
    refused(f, "catalogue { except zom }",
            ":1:20: the catalogue has no app \"zom\"; did you mean \"zoom\"?");
    refused(f, "catalogue { classes [secret] }",
            ":1:21: classes wants technical, privacy or performance, not \"secret\"");
    refused(f, "list { names a.example }", ":1:1: a list wants a name: list \"banks\" { ... }");
    refused(f, "list a { }\nlist a { }",
            ":2:1: the list \"a\" stands there twice; line 1 has the first");
    refused(f, "name 10.0.0.1", ":1:6: name wants a host name, not \"10.0.0.1\"");
    refused(f, "users-file \"\"", ":1:12: users-file wants a file's name");
}

static void rules_that_are_wrong(void **state)
{
    struct fixture *f = *state;

    refused(f, "rule { names .com; action bypass }",
            ":1:14: names: \".com\" is a public suffix: everybody's names lie below it; name the "
            "domains that are meant, or say whole-suffix = yes");
    refused(f, "rule { names [a.example,\n .co.uk]; action block }",
            ":2:2: names: \".co.uk\" is a public suffix: everybody's names lie below it; name the "
            "domains that are meant, or say whole-suffix = yes");
    refused(f, "rule { names .github.io; action bypass }",
            ":1:14: names: \".github.io\" is a public suffix: everybody's names lie below it; name "
            "the domains that are meant, or say whole-suffix = yes");
    refused(f, "rule { names *.example.com; action bypass }",
            ":1:14: names: no \"*\" in \"*.example.com\"; a leading dot covers a name and all "
            "below it");
    refused(f, "rule { names 192.0.2.1; action bypass }",
            ":1:14: names: 192.0.2.1 is an address; write it under \"destination\"");
    refused(f, "rule { names \"a b\"; action bypass }", ":1:14: names: \"a b\" is not a host name");
    refused(f, "rule { names a.example }",
            ":1:1: this rule does nothing: give it an action, or an \"on\" section");
    refused(f, "rule { client 10.0.0.1/8; action block }",
            ":1:15: client: 10.0.0.1/8 goes beyond its prefix; is 10.0.0.0/8 meant?");
    refused(f, "rule { destination [::1, 2001:db8::1/32]; action block }",
            ":1:26: destination: 2001:db8::1/32 goes beyond its prefix; is 2001:db8::/32 meant?");
    refused(f, "rule { client anna; action block }",
            ":1:15: client: \"anna\" is not an address or a range such as 10.0.0.0/8");
    refused(f, "rule { port 0; action block }",
            ":1:13: port: \"0\" is not a port such as 443, nor a range such as 8000-8100");
    refused(f, "rule { port 9-8; action block }",
            ":1:13: port: \"9-8\" is not a port such as 443, nor a range such as 8000-8100");
    refused(f, "rule { category bnk; action block }",
            ":1:1: there is no category or list \"bnk\"; did you mean \"bank\"?");
    refused(f, "rule { app zooom; action block }",
            ":1:1: there is no app \"zooom\"; did you mean \"zoom\"?");
    refused(f, "rule { ja4 chrome; action block }",
            ":1:12: ja4: \"chrome\" is not of the form t13d1516h2_8daaf6152771_e5627efa2ab1 (a "
            "\"*\" may stand at the end)");
    refused(f, "rule { days mo; action block }",
            ":1:13: days: \"mo\" is not a day such as mon, nor a range such as mon-fri");
    refused(f, "rule { hours 8-18; action block }",
            ":1:14: hours: \"8-18\" is not a range such as 08:00-18:00");
    refused(f, "rule { zone Europe/Vienna; action block }",
            ":1:13: zone wants UTC or an offset such as +02:00, not \"Europe/Vienna\"; names of "
            "zones change with the seasons");
    refused(f, "rule { until soon; action block }",
            ":1:14: until wants a date such as 2027-03-31, not \"soon\"");
    refused(f, "rule { tls no; sni-missing yes; action block }",
            ":1:1: this rule never fits: without TLS there is no fingerprint, no server name, no "
            "ECH and no finding");
    refused(f, "rule { user []; action block }", ":1:13: user is empty: the rule would never fit");
    refused(f, "rule { action pass }",
            ":1:15: action wants inspect, bypass or block, not \"pass\"");
}

static void whole_suffixes_are_possible_when_meant(void **state)
{
    struct fixture *f = *state;
    const struct gate_config *c =
        loaded(f, "rule { whole-suffix yes; names [.zip, .co.uk]; action block }\n"
                  "rule { names [.internal, .corp, printer, .printer.local]; action inspect }", "");

    assert_true(rule_covers_name(&c->rules[0], "a.zip"));
    assert_false(rule_covers_name(&c->rules[0], "a.azip"));
    assert_true(rule_covers_name(&c->rules[1], "a.b.internal"));
    assert_true(rule_covers_name(&c->rules[1], "printer"));
}

static void files_are_named_where_they_fail(void **state)
{
    struct fixture *f = *state;
    char expected[400];

    snprintf(expected, sizeof expected, ":1:18: cannot read %s/nowhere: No such file or directory",
             f->folder);
    refused(f, "upstream { roots nowhere }", expected);
    put(f, "names", "good.example\n\nbad name.example\n");
    assert_int_equal(load(f, "rule { names-file names; action bypass }", ""), UCL_WRONG);
    snprintf(expected, sizeof expected,
             "%s/names:3:1: names-file: \"bad name.example\" is not a host name", f->folder);
    assert_string_equal((char *)f->error.data, expected);
    unlink(f->path);
    assert_int_equal(load(f, NULL, "rule { names-file nowhere/at-all; action block }"), UCL_WRONG);
    assert_non_null(strstr((char *)f->error.data, "command line:1:19: cannot read nowhere/at-all"));
}

/* Is it the password?  The first time it has to be worked out, then it is known. */
static bool in(const struct gate_config *c, struct mw_span user, struct mw_span password,
               int again, const char *const **groups)
{
    struct sign_in_question *q = NULL;
    enum sign_in r = gate_config_sign_in(c, user, password, groups, &q);

    assert_true(r != SIGN_IN_ASK || again == 0);
    if (r == SIGN_IN_ASK) {
        sign_in_work(q);
        assert_int_equal(sign_in_done(q), 0);
        q = NULL;
        r = gate_config_sign_in(c, user, password, groups, &q);
    }
    assert_null(q);
    assert_true(r == SIGN_IN_GOOD || r == SIGN_IN_WRONG);
    return r == SIGN_IN_GOOD;
}

static void people_sign_in(void **state)
{
    struct fixture *f = *state;
    CLEANUP(own_free) struct crypt_data *data = calloc(1, sizeof *data);
    CLEANUP(buf_deinit) struct buf users = BUF_INIT(4096);
    const char *const *groups = NULL;
    const struct gate_config *c;

    assert_non_null(data);
    buf_printf(&users, "# people\nanna:%s:finance, it\n",
               crypt_r("open sesame", "$5$rounds=1000$saltsalt", data));
    buf_printf(&users, "bert:%s\n", crypt_r("", "$6$rounds=1000$pepper", data));
    put(f, "users", (const char *)users.data);
    c = loaded(f, "users-file users", "");
    for (int again = 0; again < 2; again++) {   /* the second time it is remembered */
        assert_true(in(c, SPAN_LIT("anna"), SPAN_LIT("open sesame"), again, &groups));
        assert_string_equal(groups[0], "finance");
        assert_string_equal(groups[1], "it");
        assert_null(groups[2]);
        assert_true(in(c, SPAN_LIT("bert"), SPAN_LIT(""), again, &groups));
        assert_null(groups[0]);
        groups = NULL;
        assert_false(in(c, SPAN_LIT("anna"), SPAN_LIT("open sesam"), again, &groups));
        assert_false(in(c, SPAN_LIT("anna"), SPAN_LIT("open sesame\0"), again, &groups));
        assert_false(in(c, SPAN_LIT("bert"), SPAN_LIT("open sesame"), again, &groups));
        assert_false(in(c, SPAN_LIT("carl"), SPAN_LIT("open sesame"), again, &groups));
        assert_false(in(c, SPAN_LIT(""), SPAN_LIT(""), again, &groups));
        assert_null(groups);
    }
    assert_false(in(loaded(f, "", ""), SPAN_LIT("anna"), SPAN_LIT("open sesame"), 1, &groups));
}

/* Somebody who tries one after the other costs nobody else a thing. */
static void guessers_push_nobody_out(void **state)
{
    struct fixture *f = *state;
    CLEANUP(own_free) struct crypt_data *data = calloc(1, sizeof *data);
    CLEANUP(buf_deinit) struct buf users = BUF_INIT(4096);
    const char *const *groups = NULL;
    struct sign_in_question *q = NULL;
    const struct gate_config *c;

    assert_non_null(data);
    buf_printf(&users, "anna:%s\n", crypt_r("open sesame", "$5$rounds=1000$saltsalt", data));
    put(f, "users", (const char *)users.data);
    c = loaded(f, "users-file users", "");
    assert_true(in(c, SPAN_LIT("anna"), SPAN_LIT("open sesame"), 0, &groups));
    for (unsigned i = 0; i < 700; i++) {
        char guess[16];

        snprintf(guess, sizeof guess, "%u", i);
        assert_false(in(c, SPAN_LIT("anna"), span_str(guess), 0, &groups));
    }
    assert_true(in(c, SPAN_LIT("anna"), SPAN_LIT("open sesame"), 1, &groups));

    /* A question nobody waits for any more leaves nothing. */
    assert_int_equal(gate_config_sign_in(c, SPAN_LIT("anna"), SPAN_LIT("new"), &groups, &q),
                     SIGN_IN_ASK);
    sign_in_work(q);
    sign_in_free(q);
    assert_int_equal(gate_config_sign_in(c, SPAN_LIT("anna"), SPAN_LIT("new"), &groups, &q),
                     SIGN_IN_ASK);
    sign_in_free(q);
}

static void users_that_are_wrong(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "anna\n", "/users:1:1: a line of users is name:hash or name:hash:group,group" },
        { "# x\nanna:secret\n", "/users:2:1: the password of anna is not hashed well enough; make "
                                "it with mkpasswd -m yescrypt" },
        { "anna:$1$salt$x\n", "/users:1:1: the password of anna is not hashed well enough; make it "
                              "with mkpasswd -m yescrypt" },
        { "anna:$6$a$b\nanna:$6$c$d\n", "/users:1:1: the user anna stands there twice" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put(f, "users", cases[i].text);
        assert_int_equal(load(f, "users-file users", ""), UCL_WRONG);
        assert_string_equal((char *)f->error.data + strlen(f->folder), cases[i].message);
    }
}

static void bundles_are_whole_or_refused(void **state)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 24);
    struct fixture *f = *state;
    struct gate_bundle *b = NULL, *copy = NULL;
    struct mw_span found;

    put(f, "roots.pem", "roots\n");
    put(f, "gate.conf", "upstream { roots roots.pem }");
    assert_int_equal(gate_bundle_read(&b, f->path, "", &f->error), 0);
    assert_int_equal(gate_bundle_add(b, GATE_FILE_OWN_CA, SPAN_LIT("ca")), 0);
    assert_int_equal(gate_bundle_add(b, GATE_FILE_OWN_CA, SPAN_LIT("ca")), -EEXIST);
    gate_bundle_encode(b, &bytes);
    assert_int_equal(gate_bundle_decode(&copy, buf_span(&bytes)), 0);
    assert_int_equal(load_bundle(f, copy), 0);
    assert_true(gate_bundle_file(copy, f->config->upstream.roots, &found));
    assert_true(span_eq(found, SPAN_LIT("roots\n")));
    assert_true(gate_bundle_file(copy, GATE_FILE_OWN_CA, &found));
    assert_true(span_eq(found, SPAN_LIT("ca")));
    assert_false(gate_bundle_file(copy, GATE_FILE_SYSTEM_ROOTS, &found));
    assert_false(gate_bundle_file(copy, f->path, &found));
    gate_bundle_free(copy);
    for (size_t n = 0; n < bytes.len; n++) {
        copy = NULL;
        assert_int_equal(gate_bundle_decode(&copy, span_of(bytes.data, n)), -EINVAL);
        assert_null(copy);
    }
    gate_bundle_free(b);
}

static void the_hash_names_the_policy(void **state)
{
    struct fixture *f = *state;
    uint8_t first[32];

    memcpy(first, loaded(f, "workers 2", "")->sha256, 32);
    assert_memory_equal(first, loaded(f, "workers 2", "")->sha256, 32);
    assert_memory_not_equal(first, loaded(f, "workers 3", "")->sha256, 32);
}

static void references_are_counted(void **state)
{
    struct fixture *f = *state;
    struct gate_config *again;

    (void)loaded(f, "workers 2", "");
    again = gate_config_ref(f->config);
    gate_config_unref(f->config);
    assert_int_equal(again->workers, 2);
}

static void the_catalogue_is_sound(void **state)
{
    (void)state;
    assert_true(gate_exception_count() > 30);
    for (size_t i = 0; i < gate_exception_count(); i++) {
        const struct gate_exception *e = gate_exception_at(i);
        struct arena arena = ARENA_INIT(1 << 16);
        struct buf error = BUF_INIT(4096);
        const struct names_reader reader = { &arena, &error, "domain",
                                             e->cls == GATE_PRIVACY };
        const struct ucl_place at = { "exceptions.tsv", (unsigned)i + 1, 1 };
        struct names names = { .n = 0 };

        if (names_add(&names, &reader, e->domain, &at, 0) != 0)
            fail_msg("%s", error.data);
        assert_string_equal(names.items[0].name, e->domain + (e->domain[0] == '.'));
        assert_true(e->expires.s > 1763683200);         /* November 2025 */
        assert_true(e->category[0] != '\0');
        for (size_t k = 0; k < i; k++)
            if (strcmp(gate_exception_at(k)->domain, e->domain) == 0)
                fail_msg("%s stands there twice", e->domain);
        arena_deinit(&arena);
        buf_deinit(&error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_said_is_sensible, setup, teardown),
        cmocka_unit_test_setup_teardown(everything_can_be_said, setup, teardown),
        cmocka_unit_test_setup_teardown(the_command_line_replaces_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(private_destinations_follow_the_listener, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_that_are_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_that_are_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(whole_suffixes_are_possible_when_meant, setup, teardown),
        cmocka_unit_test_setup_teardown(files_are_named_where_they_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(people_sign_in, setup, teardown),
        cmocka_unit_test_setup_teardown(guessers_push_nobody_out, setup, teardown),
        cmocka_unit_test_setup_teardown(users_that_are_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(bundles_are_whole_or_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_hash_names_the_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(references_are_counted, setup, teardown),
        cmocka_unit_test(the_catalogue_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
