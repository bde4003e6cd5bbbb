#include "dial_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct mw_wall begin = { 1780000000 }, end = { 1900000000 };

static void keep_result(void *context, struct dial_result *result)
{
    struct dial_result **out = context;

    assert_null(*out);
    *out = result;
}

struct dial_result *fixture_dial_dns(const struct probe_target *target,
                                     const struct probe_limits *limits,
                                     const struct dial_options *options,
                                     const struct dns_options *dns_options)
{
    struct dial_result *result = NULL;
    struct dialer *dialer;
    struct dns *dns;
    char error[256] = "";
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_new(&dns, &loop, dns_options, error), 0);
    assert_int_equal(dialer_new(&dialer, &loop, dns, limits), 0);
    if (dial_start(NULL, dialer, target, options, keep_result, &result, error) != 0)
        fail_msg("dial_start: %s", error);
    assert_null(result);                /* never from within */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_non_null(result);
    dialer_free(dialer);
    dns_free(dns);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return result;
}

struct dial_result *fixture_dial(const struct probe_target *target,
                                 const struct probe_limits *limits,
                                 const struct dial_options *options)
{
    return fixture_dial_dns(target, limits, options, &(struct dns_options){ .hosts_file = "" });
}

static struct mill_cert *issue(const struct mill_spec *spec, const struct mill_cert *issuer)
{
    struct mill_cert *c;
    EVP_PKEY *key;

    assert_int_equal(mill_key_new(&key, MILL_P256, true), 0);
    assert_int_equal(mill_issue(&c, spec, key, issuer), 0);
    EVP_PKEY_free(key);
    return c;
}

void fixture_site_open(struct fixture_site *s, int min, int max)
{
    s->root = issue(&(struct mill_spec){ .subject = "CN=Root", .ca = true, .not_before = begin,
                                         .not_after = end }, NULL);
    s->intermediate = issue(&(struct mill_spec){ .subject = "CN=Intermediate", .ca = true,
                                                 .not_before = begin, .not_after = end },
                            s->root);
    s->leaf = issue(&(struct mill_spec){ .subject = "CN=site.lab.test",
                                         .names = "DNS:site.lab.test", .not_before = begin,
                                         .not_after = end }, s->intermediate);
    s->ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(s->ctx);
    assert_int_equal(SSL_CTX_set_cipher_list(s->ctx, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"), 1);
    assert_int_equal(SSL_CTX_set_min_proto_version(s->ctx, min), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(s->ctx, max), 1);
    assert_int_equal(SSL_CTX_use_certificate(s->ctx, mill_cert_x509(s->leaf)), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, mill_cert_key(s->leaf)), 1);
    assert_int_equal(SSL_CTX_add1_chain_cert(s->ctx, mill_cert_x509(s->intermediate)), 1);
}

void fixture_site_close(struct fixture_site *s)
{
    SSL_CTX_free(s->ctx);
    mill_cert_free(s->leaf);
    mill_cert_free(s->intermediate);
    mill_cert_free(s->root);
}

struct mill_cert *fixture_wide_leaf(struct fixture_site *s, int names)
{
    CLEANUP(buf_deinit) struct buf list = BUF_INIT(1 << 22);

    buf_str(&list, "DNS:site.lab.test");
    for (int i = 0; i < names; i++)
        buf_printf(&list, ",DNS:host-%d.lab.test", i);
    assert_int_equal(buf_error(&list), 0);
    return issue(&(struct mill_spec){ .subject = "CN=site.lab.test",
                                      .names = (const char *)list.data, .not_before = begin,
                                      .not_after = end }, s->intermediate);
}

void fixture_says(const struct dial_result *r, const char *words)
{
    assert_non_null(r->detail);
    if (strstr(r->detail, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", r->detail, words);
}
