#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "lab/mill.h"
#include "probe/probe.h"
#include "probe/site.h"

enum { MAX_RESULTS = 64 };

struct result {
    enum mw_outcome outcome;
    enum mw_reach reach;
    int error;
    unsigned codes[MW_CODES];
    size_t n_fetched, n_crls, n_ocsp, n_controls, n_clocks, n_caa;
    enum mw_seen caa_looked, echoed;
    bool clock_ok, signature_good, peer_is_loopback;
    char listener[64], hosts_file[128], peer[64], proxy[128];
};

/* A root that counts as public, an authority below it, a site, and all they point to. */
struct world {
    uv_loop_t loop;
    struct mw_policy *policy;
    struct mill_cert *root, *authority, *leaf;
    struct buf crl, ocsp;
    struct site site;
    struct serving http, dns, sntp;
    struct serving_route routes[4];
    struct serving_routes table;
    char hosts[64], aia[128], crl_url[128], ocsp_url[128], portal[128];
    char dns_text[64], sntp_text[64], control[64];
    const char *dns_servers[1], *time_servers[1], *controls[1];
    struct probe_options options;
    struct probe *probe;
    struct result results[MAX_RESULTS];
    size_t n_results;
    bool cancel_at_first;
};

/* ---- the world ---- */

static struct mill_cert *issue(struct mill_spec spec, const struct mill_cert *issuer)
{
    struct mill_cert *cert;
    EVP_PKEY *key;
    int64_t now = wall_now().s;

    if (spec.not_before.s == 0)
        spec.not_before.s = now - 86400;
    if (spec.not_after.s == 0)
        spec.not_after.s = now + 60 * 86400;
    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    assert_int_equal(mill_issue(&cert, &spec, key, issuer), 0);
    EVP_PKEY_free(key);
    return cert;
}

static void servers_start(struct world *w)
{
    serving_tcp(&w->http, serving_http, &w->table);
    serving_udp(&w->dns, serving_caa, NULL);
    serving_udp(&w->sntp, serving_sntp, NULL);
    serving_url(&w->http, "/authority.der", w->aia);
    serving_url(&w->http, "/authority.crl", w->crl_url);
    serving_url(&w->http, "/ocsp", w->ocsp_url);
    serving_url(&w->http, "/204", w->portal);
    snprintf(w->dns_text, sizeof w->dns_text, "127.0.0.1:%u", (unsigned)w->dns.port);
    snprintf(w->sntp_text, sizeof w->sntp_text, "sntp:127.0.0.1:%u", (unsigned)w->sntp.port);
}

static void hosts_write(struct world *w)
{
    static const char text[] = "# for tests\n127.0.0.1 www.example.test\n"
                               "127.0.0.1 control.example.test\n";
    int fd;

    snprintf(w->hosts, sizeof w->hosts, "/tmp/mw-hosts-XXXXXX");
    fd = mkstemp(w->hosts);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
}

static void world_init(struct world *w)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(1 << 16);

    memset(w, 0, sizeof *w);
    w->table.items = w->routes;
    w->table.n = 4;
    servers_start(w);
    hosts_write(w);
    w->root = issue((struct mill_spec){ .subject = "CN=Root", .ca = true }, NULL);
    w->authority = issue((struct mill_spec){ .subject = "CN=Authority", .ca = true }, w->root);
    w->crl = (struct buf)BUF_INIT(1 << 16);
    w->ocsp = (struct buf)BUF_INIT(1 << 16);
    w->routes[0].path = "/authority.der";
    w->routes[0].status = 200;
    w->routes[0].body = mill_cert_der(w->authority);
    w->routes[1].path = "/authority.crl";
    w->routes[1].status = 200;
    w->routes[2].path = "/ocsp";
    w->routes[2].status = 200;
    w->routes[3].path = "/204";
    w->routes[3].status = 204;
    assert_int_equal(mw_policy_new(&w->policy), 0);
    mill_cert_pem(w->root, &pem);
    assert_int_equal(
        mw_policy_add_anchors(w->policy, MW_ANCHOR_PUBLIC, buf_span(&pem), "test", NULL), 0);
    w->dns_servers[0] = w->dns_text;
    w->options = (struct probe_options){ .policy = w->policy,
                                         .network_evidence = true,
                                         .hosts_file = w->hosts,
                                         .dns_servers = w->dns_servers,
                                         .n_dns_servers = 1,
                                         .limits = { .total_ms = 8000 } };
    assert_int_equal(uv_loop_init(&w->loop), 0);
}

/* The site's leaf and how it is served. */
static void site_make(struct world *w, struct mill_spec spec, bool with_authority)
{
    X509 *more[] = { mill_cert_x509(w->authority) };
    struct mw_wall now = wall_now();

    if (spec.subject == NULL)
        spec.subject = "CN=www.example.test";
    spec.names = "DNS:www.example.test,DNS:control.example.test";
    w->leaf = issue(spec, w->authority);
    assert_int_equal(
        mill_crl(&w->crl, w->authority, NULL, 0, now, (struct mw_wall){ now.s + 3600 }), 0);
    w->routes[1].body = buf_span(&w->crl);
    site_start(&w->site, mill_cert_x509(w->leaf), mill_cert_key(w->leaf), more,
               with_authority ? 1 : 0, ECHO_ALPN);
}

static void world_deinit(struct world *w)
{
    assert_int_equal(uv_loop_close(&w->loop), 0);
    if (w->leaf != NULL)
        site_stop(&w->site);
    EVP_PKEY_free(w->site.echo_key);
    serving_stop(&w->http);
    serving_stop(&w->dns);
    serving_stop(&w->sntp);
    mw_policy_free(w->policy);
    mill_cert_free(w->leaf);
    mill_cert_free(w->authority);
    mill_cert_free(w->root);
    buf_deinit(&w->crl);
    buf_deinit(&w->ocsp);
    unlink(w->hosts);
}

/* ---- a run ---- */

static void result_take(struct result *r, const struct mw_evidence *ev, const struct mw_verdict *v)
{
    r->reach = ev->reach;
    r->n_fetched = ev->n_fetched;
    r->n_crls = ev->n_crls;
    r->n_ocsp = ev->n_ocsp;
    r->n_controls = ev->n_controls;
    r->n_clocks = ev->n_clocks;
    r->clock_ok = ev->n_clocks > 0 && ev->clocks[0].ok;
    r->n_caa = ev->n_caa;
    r->caa_looked = ev->caa_looked;
    r->echoed = ev->echo.answered;
    r->signature_good = ev->echo.signature_good;
    r->peer_is_loopback = ev->local.peer_is_loopback;
    snprintf(r->listener, sizeof r->listener, "%s", ev->local.listener ? ev->local.listener : "");
    snprintf(r->hosts_file, sizeof r->hosts_file, "%s",
             ev->local.hosts_file ? ev->local.hosts_file : "");
    snprintf(r->peer, sizeof r->peer, "%s", ev->local.peer_address ? ev->local.peer_address : "");
    snprintf(r->proxy, sizeof r->proxy, "%s", ev->local.proxy ? ev->local.proxy : "");
    if (v == NULL)
        return;
    r->outcome = v->outcome;
    for (size_t i = 0; i < v->n_findings; i++)
        r->codes[v->findings[i].code]++;
}

static void on_done(void *context, const struct probe_target *target, const struct mw_evidence *ev,
                    const struct mw_verdict *v, int error)
{
    struct world *w = context;
    struct result *r = &w->results[w->n_results++];

    assert_true(w->n_results <= MAX_RESULTS);
    assert_ptr_equal(target->user, w);
    r->error = error;
    result_take(r, ev, v);
    if (w->cancel_at_first)
        probe_cancel(w->probe);
}

static void start(struct world *w, struct probe_target target)
{
    char error[256] = "", at[64];

    snprintf(at, sizeof at, "127.0.0.1:%u", (unsigned)w->site.serving.port);
    if (target.port == 0)
        target.port = w->site.serving.port;
    if (target.host == NULL) { /* not by the hosts file, which would be a hint */
        target.host = "www.example.test";
        target.connect_to = at;
    }
    target.user = w;
    assert_int_equal(probe_start(w->probe, &target, error), 0);
}

static void run_begin(struct world *w)
{
    w->n_results = 0;
    memset(w->results, 0, sizeof w->results);
    assert_int_equal(probe_new(&w->probe, &w->loop, &w->options, on_done, w), 0);
}

static void run_end(struct world *w)
{
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(probe_pending(w->probe), 0);
    probe_cancel(w->probe);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    probe_free(w->probe);
}

/* One target from start to end. */
static const struct result *run(struct world *w, struct probe_target target)
{
    run_begin(w);
    start(w, target);
    run_end(w);
    assert_int_equal(w->n_results, 1);
    assert_int_equal(w->results[0].error, 0);
    return &w->results[0];
}

/* ---- tests ---- */

static const struct probe_target site = { .host = NULL };

static void a_good_site_is_private(void **state)
{
    struct world w;
    const struct result *r;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    r = run(&w, site);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->n_crls, 1);
    assert_int_equal(r->n_fetched, 0);
    assert_int_equal(r->outcome, MW_PRIVATE);
    assert_int_equal(w.site.heard_bytes, 0); /* nothing but the handshake */
    assert_int_equal(w.site.finished, 1);
    world_deinit(&w);
}

static void a_missing_issuer_is_fetched_once_for_all(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .aia_issuer_url = w.aia, .crl_url = w.crl_url }, false);
    run_begin(&w);
    for (int i = 0; i < 20; i++)
        start(&w, site);
    run_end(&w);
    assert_int_equal(w.n_results, 20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(w.results[i].n_fetched, 1);
        assert_int_equal(w.results[i].n_crls, 1);
        assert_int_equal(w.results[i].codes[MW_MISSING_INTERMEDIATE], 1);
        assert_int_equal(w.results[i].codes[MW_UNKNOWN_AUTHORITY], 0);
    }
    assert_int_equal(w.routes[0].asked, 1);
    assert_int_equal(w.routes[1].asked, 1);
    assert_int_equal(w.site.heard_bytes, 0);
    world_deinit(&w);
}

static void a_revoked_leaf_is_told(void **state)
{
    struct world w;
    struct mill_revoked revoked = { .reason = 1 };
    struct mw_wall now = wall_now();

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    revoked.cert = w.leaf;
    revoked.at.s = now.s - 3600;
    buf_truncate(&w.crl, 0);
    assert_int_equal(
        mill_crl(&w.crl, w.authority, &revoked, 1, now, (struct mw_wall){ now.s + 3600 }), 0);
    w.routes[1].body = buf_span(&w.crl);
    assert_int_equal(run(&w, site)->codes[MW_REVOKED], 1);
    world_deinit(&w);
}

static void ocsp_needs_consent(void **state)
{
    struct world w;
    struct mw_wall now = wall_now();

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .ocsp_url = w.ocsp_url }, true);
    assert_int_equal(mill_ocsp(&w.ocsp, w.leaf, w.authority, w.authority, MILL_OCSP_REVOKED,
                               (struct mw_wall){ now.s - 60 }, now,
                               (struct mw_wall){ now.s + 3600 }),
                     0);
    w.routes[2].body = buf_span(&w.ocsp);
    assert_int_equal(run(&w, site)->n_ocsp, 0);
    assert_int_equal(w.routes[2].asked, 0);
    assert_int_equal(w.results[0].codes[MW_REVOCATION_UNKNOWN], 1);
    w.options.ocsp_consent = true;
    assert_int_equal(run(&w, site)->n_ocsp, 1);
    assert_int_equal(w.results[0].codes[MW_REVOKED], 1);
    assert_int_equal(w.routes[2].asked, 1);
    world_deinit(&w);
}

static void everything_once(struct world *w)
{
    snprintf(w->control, sizeof w->control, "control.example.test:%u",
             (unsigned)w->site.serving.port);
    w->controls[0] = w->control;
    w->time_servers[0] = w->sntp_text;
    w->options.controls = w->controls;
    w->options.n_controls = 1;
    w->options.time_servers = w->time_servers;
    w->options.n_time_servers = 1;
    w->options.portal_url = w->portal;
}

static void what_is_shared_is_asked_once(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .not_after = { wall_now().s - 3600 } }, true);
    everything_once(&w);
    w.routes[3].field = "Date";
    w.routes[3].value = "Sun, 06 Nov 1994 08:49:37 GMT";
    run_begin(&w);
    for (int i = 0; i < 10; i++)
        start(&w, site);
    run_end(&w);
    assert_int_equal(w.n_results, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(w.results[i].n_controls, 1);
        assert_true(w.results[i].clock_ok);
        assert_int_equal(w.results[i].caa_looked, MW_SEEN_YES);
        assert_int_equal(w.results[i].n_caa, 1);
        assert_int_equal(w.results[i].codes[MW_EXPIRED], 1);
    }
    assert_int_equal(w.sntp.served, 1);
    assert_int_equal(w.routes[3].asked, 1); /* not private: is there a portal? */
    assert_int_equal(w.site.serving.served, 11);
    w.options.n_time_servers = 0;
    assert_int_equal(run(&w, site)->n_clocks, 1);
    world_deinit(&w);
}

static void without_network_evidence_nothing_else_is_asked(void **state)
{
    struct world w;
    const struct result *r;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .aia_issuer_url = w.aia, .crl_url = w.crl_url }, false);
    everything_once(&w);
    w.options.network_evidence = false;
    r = run(&w, site);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE);
    assert_int_equal(r->outcome, MW_UNTRUSTED);
    assert_int_equal(w.http.served, 0);
    assert_int_equal(w.sntp.served, 0);
    assert_int_equal(w.dns.served, 0);
    assert_int_equal(w.site.serving.served, 1);
    assert_string_equal(r->listener, "");
    world_deinit(&w);
}

static void this_computer_is_looked_at(void **state)
{
    struct world w;
    const struct result *r;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    r = run(&w, (struct probe_target){ .host = "www.example.test" });
    assert_true(r->peer_is_loopback);
    assert_string_equal(r->peer, "127.0.0.1");
    assert_string_equal(r->listener, "probe_test");
    assert_non_null(strstr(r->hosts_file, ":2"));
    world_deinit(&w);
}

static void echo_as(enum site_lie lie, bool right_key, enum mw_code code)
{
    struct world w;
    struct probe_target target = { .host = NULL };
    char pin[ECHO_PIN_TEXT];
    const struct result *r;

    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    w.site.echo_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    w.site.lie = lie;
    assert_int_equal(echo_key_text(pin, w.site.echo_key), 0);
    target.echo_key = right_key ? pin : "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    r = run(&w, target);
    assert_int_equal(r->echoed, MW_SEEN_YES);
    assert_int_equal(r->signature_good, right_key && lie != SITE_BAD_SIGNATURE);
    assert_int_equal(r->codes[code], 1);
    world_deinit(&w);
}

static void the_echo_is_asked_and_judged(void **state)
{
    (void)state;
    echo_as(SITE_HONEST, true, MW_ECHO_AGREES);
    echo_as(SITE_OTHER_EXPORTER, true, MW_ECHO_EXPORTER_DIFFERS);
    echo_as(SITE_OTHER_HELLO, true, MW_ECHO_AGREES); /* one exporter means one hello */
    echo_as(SITE_BAD_SIGNATURE, true, MW_ECHO_UNSIGNED);
    echo_as(SITE_HONEST, false, MW_ECHO_UNSIGNED);
}

static void a_server_without_echo_is_no_worse(void **state)
{
    struct world w;
    struct probe_target target = {
        .echo_key = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    const struct result *r;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    w.options.limits.handshake_ms = 300; /* the echo's patience too */
    r = run(&w, target);
    assert_int_equal(r->echoed, MW_COULD_NOT_LOOK);
    assert_int_equal(r->outcome, MW_PRIVATE);
    world_deinit(&w);
}

static void a_mute_server_ends_in_time(void **state)
{
    struct world w;
    struct mono begin;
    const struct result *r;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    w.site.mute = true;
    w.options.limits.total_ms = 400;
    begin = mono_now();
    r = run(&w, site);
    assert_int_equal(r->reach, MW_REACH_HANDSHAKE_TIMEOUT);
    assert_int_equal(r->outcome, MW_UNREACHABLE);
    assert_in_range(mono_diff_ns(begin, mono_now()) / 1000000, 390, 3000);
    world_deinit(&w);
}

/* A CRL server that hangs takes the CRL away, not the verdict. */
static void a_hanging_crl_server_ends_in_time(void **state)
{
    struct world w;
    const struct result *r;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    w.routes[1].silent = true;
    w.options.limits.total_ms = 1000;
    r = run(&w, site);
    assert_int_equal(r->n_crls, 0);
    assert_int_equal(r->outcome, MW_PRIVATE);
    assert_int_equal(r->codes[MW_REVOCATION_UNKNOWN], 1);
    world_deinit(&w);
}

static void what_cannot_be_reached_is_told(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    assert_int_equal(run(&w, (struct probe_target){ .host = "nowhere.test" })->reach,
                     MW_REACH_DNS_FAILED);
    assert_int_equal(run(&w, (struct probe_target){ .host = "127.0.0.1", .port = 1 })->reach,
                     MW_REACH_REFUSED);
    world_deinit(&w);
}

static void a_proxys_password_stays_with_us(void **state)
{
    struct world w;
    const struct result *r;

    (void)state;
    world_init(&w);
    r = run(&w, (struct probe_target){ .host = "www.example.test",
                                       .port = 443,
                                       .proxy = "http://me:p%40ss@127.0.0.1:1" });
    assert_string_equal(r->proxy, "http://127.0.0.1:1");
    world_deinit(&w);
}

static void bad_targets_are_refused_at_once(void **state)
{
    const struct probe_target target = { .host = "www.example.test",
                                         .port = 443,
                                         .proxy = "gopher://x" };
    struct world w;
    char error[256] = "";

    (void)state;
    world_init(&w);
    run_begin(&w);
    assert_int_equal(probe_start(w.probe, &target, error), -EINVAL);
    assert_string_not_equal(error, "");
    run_end(&w);
    world_deinit(&w);
}

static void a_cancelled_run_says_no_more(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    site_make(&w, (struct mill_spec){ .crl_url = w.crl_url }, true);
    everything_once(&w);
    for (int turns = 0; turns < 40; turns += 3) {
        run_begin(&w);
        for (int i = 0; i < 8; i++)
            start(&w, site);
        for (int i = 0; i < turns; i++)
            uv_run(&w.loop, UV_RUN_NOWAIT);
        w.n_results = 0;
        probe_cancel(w.probe);
        run_end(&w);
        assert_int_equal(w.n_results, 0);
    }
    w.cancel_at_first = true; /* from within the callback */
    run_begin(&w);
    for (int i = 0; i < 8; i++)
        start(&w, site);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.n_results, 1);
    probe_free(w.probe);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_site_is_private),
        cmocka_unit_test(a_missing_issuer_is_fetched_once_for_all),
        cmocka_unit_test(a_revoked_leaf_is_told),
        cmocka_unit_test(ocsp_needs_consent),
        cmocka_unit_test(what_is_shared_is_asked_once),
        cmocka_unit_test(without_network_evidence_nothing_else_is_asked),
        cmocka_unit_test(this_computer_is_looked_at),
        cmocka_unit_test(the_echo_is_asked_and_judged),
        cmocka_unit_test(a_server_without_echo_is_no_worse),
        cmocka_unit_test(a_mute_server_ends_in_time),
        cmocka_unit_test(a_hanging_crl_server_ends_in_time),
        cmocka_unit_test(what_cannot_be_reached_is_told),
        cmocka_unit_test(a_proxys_password_stays_with_us),
        cmocka_unit_test(bad_targets_are_refused_at_once),
        cmocka_unit_test(a_cancelled_run_says_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
