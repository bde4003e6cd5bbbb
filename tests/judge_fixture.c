#include "judge_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

bool gate_bundle_file(const struct gate_bundle *b, const char *path, struct mw_span *out)
{
    for (size_t i = 0; i < ARRAY_LEN(b->names); i++) {
        if (b->names[i] != NULL && strcmp(b->names[i], path) == 0) {
            *out = b->files[i];
            return true;
        }
    }
    return false;
}

void crls_make(struct fixture *f, bool revoked)
{
    const struct mill_revoked leaf = { f->leaf, { f->now.s - HOUR }, 1 };

    buf_truncate(&f->issuer_crl, 0);
    buf_truncate(&f->root_crl, 0);
    assert_int_equal(mill_crl(&f->issuer_crl, f->issuer, &leaf, revoked,
                              (struct mw_wall){ f->now.s - HOUR },
                              (struct mw_wall){ f->now.s + 2 * HOUR }), 0);
    assert_int_equal(mill_crl(&f->root_crl, f->root, NULL, 0,
                              (struct mw_wall){ f->now.s - HOUR },
                              (struct mw_wall){ f->now.s + DAY }), 0);
    f->route[1].body = buf_span(&f->issuer_crl);
    f->route[2].body = buf_span(&f->root_crl);
}

struct mill_cert *mint(const struct fixture *f, struct mill_spec spec, int64_t days,
                       const struct mill_cert *issuer)
{
    struct mill_cert *c;
    EVP_PKEY *key;

    spec.not_before.s = f->now.s - 30 * (int64_t)DAY;
    if (spec.not_after.s == 0)
        spec.not_after.s = f->now.s + days * DAY;
    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    assert_int_equal(mill_issue(&c, &spec, key, issuer), 0);
    EVP_PKEY_free(key);
    return c;
}

struct mill_spec leaf_spec(const struct fixture *f)
{
    return (struct mill_spec){ .subject = "CN=site.lab.test", .names = "DNS:site.lab.test",
                               .aia_issuer_url = f->issuer_url, .crl_url = f->issuer_crl_url };
}

static void certs_make(struct fixture *f)
{
    f->root = mint(f, (struct mill_spec){ .subject = "CN=Judge Root,O=Lab", .ca = true }, 900,
                   NULL);
    f->own = mint(f, (struct mill_spec){ .subject = "CN=Own Gate CA 7,O=Lab", .ca = true }, 900,
                  NULL);
    f->issuer = mint(f, (struct mill_spec){ .subject = "CN=Judge Issuer,O=Lab", .ca = true,
                                            .path_len = 1, .crl_url = f->root_crl_url }, 800,
                     f->root);
    f->leaf = mint(f, leaf_spec(f), 60, f->issuer);
    f->other = mint(f, leaf_spec(f), 61, f->issuer);
    f->root_pem = f->own_pem = f->issuer_crl = f->root_crl = (struct buf)BUF_INIT(1 << 16);
    mill_cert_pem(f->root, &f->root_pem);
    mill_cert_pem(f->own, &f->own_pem);
    f->route[0].body = mill_cert_der(f->issuer);
    crls_make(f, false);
}

static void config_make(struct fixture *f)
{
    f->config = (struct gate_config){ .sha256 = { 1 } };
    f->config.upstream.roots = "roots.pem";
    f->config.upstream.fetch = true;
    f->config.upstream.private_destinations = true;
    f->bundle = (struct gate_bundle){ { "roots.pem" }, { buf_span(&f->root_pem) } };
}

void start(struct fixture *f)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);

    assert_int_equal(judging_new(&f->judging, &f->loop, f->dns, &f->config, &f->bundle, &error),
                     0);
}

void fixture_init(struct fixture *f)
{
    static const char *const paths[ROUTES] = { "/issuer", "/issuer.crl", "/root.crl", "/slow" };
    static const char *const nobody[] = { "127.0.0.1:9" };
    const struct dns_options options = { .servers = nobody, .n_servers = 1, .hosts_file = "" };

    memset(f, 0, sizeof *f);
    f->now = wall_now();
    for (size_t i = 0; i < ROUTES; i++) {
        f->route[i].path = paths[i];
        f->route[i].status = 200;
    }
    f->route[3].silent = true;
    f->routes = (struct serving_routes){ .items = f->route, .n = ROUTES };
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(dns_new(&f->dns, &f->loop, &options, NULL), 0);
    serving_tcp(&f->server, serving_http, &f->routes);
    serving_url(&f->server, "/issuer", f->issuer_url);
    serving_url(&f->server, "/issuer.crl", f->issuer_crl_url);
    serving_url(&f->server, "/root.crl", f->root_crl_url);
    serving_url(&f->server, "/slow", f->slow_url);
    certs_make(f);
    config_make(f);
}

void told_forget(struct fixture *f)
{
    for (size_t i = 0; i < f->n_told; i++)
        origin_unref(f->told[i]);
    f->n_told = 0;
}

void fixture_deinit(struct fixture *f)
{
    told_forget(f);
    judging_free(f->judging);
    dns_free(f->dns);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    serving_stop(&f->server);
    mill_cert_free(f->root);
    mill_cert_free(f->own);
    mill_cert_free(f->issuer);
    mill_cert_free(f->leaf);
    mill_cert_free(f->other);
    buf_deinit(&f->root_pem);
    buf_deinit(&f->own_pem);
    buf_deinit(&f->issuer_crl);
    buf_deinit(&f->root_crl);
}

/* ---- asking ---- */

void on_judged(void *context, struct origin *o, int error)
{
    struct fixture *f = context;

    assert_true(f->n_told < TOLD);
    f->errors[f->n_told] = error;
    f->told[f->n_told++] = o;
}

struct judging_wait *ask(struct fixture *f, struct shown shown, struct origin **found)
{
    struct mw_span sent[2] = { mill_cert_der(shown.leaf) };
    struct judging_wait *wait;
    struct mw_evidence ev = { .host = "site.lab.test", .port = 443, .now = f->now,
                              .reach = MW_REACH_HANDSHAKE, .sent = sent, .n_sent = 1,
                              .staple = shown.staple,
                              .tls = { .version = 0x0304, .cipher_suite = 0x1301 } };

    if (shown.issuer != NULL)
        sent[ev.n_sent++] = mill_cert_der(shown.issuer);
    if (shown.suite != 0) {
        ev.tls.version = 0x0303;
        ev.tls.cipher_suite = shown.suite;
    }
    assert_int_equal(judging_ask(f->judging, &ev, found, on_judged, f, &wait), 0);
    assert_true((*found == NULL) == (wait != NULL));
    return wait;
}

struct origin *judged(struct fixture *f, struct shown shown)
{
    struct origin *found;
    size_t before = f->n_told;

    ask(f, shown, &found);
    if (found != NULL) {
        f->told[f->n_told++] = found;
        return found;
    }
    assert_int_equal(f->n_told, before);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n_told, before + 1);
    assert_int_equal(f->errors[before], 0);
    assert_non_null(f->told[before]);
    return f->told[before];
}

bool has(const struct origin *o, enum mw_code code)
{
    for (size_t i = 0; i < o->verdict->n_findings; i++)
        if (o->verdict->findings[i].code == code)
            return true;
    return false;
}

unsigned asked(struct fixture *f)
{
    return f->server.served;
}
