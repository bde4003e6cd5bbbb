#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>

#include "base/clock.h"
#include "probe/fetch.h"
#include "probe/serving.h"

struct fixture {
    uv_loop_t loop;
    struct dns *dns;
    struct serving server;
    struct serving_routes routes;
    char url[128];
    /* what came */
    bool done;
    int status;
    char why[128], body[64];
};

static void fixture_init(struct fixture *f, struct serving_route *routes, size_t n)
{
    static const char *const nobody[] = { "127.0.0.1:9" };
    const struct dns_options options = { .servers = nobody, .n_servers = 1, .hosts_file = "" };

    memset(f, 0, sizeof *f);
    f->routes.items = routes;
    f->routes.n = n;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(dns_new(&f->dns, &f->loop, &options, NULL), 0);
    serving_tcp(&f->server, serving_http, &f->routes);
}

static void fixture_deinit(struct fixture *f)
{
    dns_free(f->dns);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    serving_stop(&f->server);
}

static void on_done(void *context, const struct fetch_result *result)
{
    struct fixture *f = context;

    assert_false(f->done);
    f->done = true;
    if (result->response == NULL) {
        snprintf(f->why, sizeof f->why, "%s", result->why);
        return;
    }
    f->status = result->response->status;
    snprintf(f->body, sizeof f->body, "%.*s", (int)result->response->m.body.len,
             (const char *)result->response->m.body.data);
    assert_true(result->received_ms >= result->sent_ms && result->sent_ms > 0);
}

static void fetch_path(struct fixture *f, const char *path, struct fetch_request request)
{
    struct fetch *fetch;

    serving_url(&f->server, path, f->url);
    request.url = request.url != NULL ? request.url : f->url;
    if (request.max_bytes == 0)
        request.max_bytes = 1 << 16;
    if (request.limit_ms == 0)
        request.limit_ms = 5000;
    f->done = false;
    f->status = 0;
    f->why[0] = '\0';
    assert_int_equal(fetch_begin(&fetch, &f->loop, f->dns, &request, on_done, f), 0);
    assert_false(f->done);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_true(f->done);
}

static const struct fetch_request local = { .may_be_local = true, .max_redirects = 3 };

static void a_body_arrives(void **state)
{
    struct serving_route routes[] = {
        { .path = "/crl", .status = 200, .body = SPAN_LIT("bytes") },
    };
    struct fixture f;

    (void)state;
    fixture_init(&f, routes, 1);
    fetch_path(&f, "/crl", local);
    assert_int_equal(f.status, 200);
    assert_string_equal(f.body, "bytes");
    fetch_path(&f, "/other", local);
    assert_int_equal(f.status, 404);
    fixture_deinit(&f);
}

static void redirects_are_followed_three_times(void **state)
{
    char absolute[128];
    struct serving_route routes[] = {
        { .path = "/1", .status = 302, .field = "Location", .value = "/2" },
        { .path = "/2", .status = 301, .field = "Location", .value = absolute },
        { .path = "/3", .status = 307, .field = "Location", .value = "/4" },
        { .path = "/4", .status = 200, .body = SPAN_LIT("end") },
        { .path = "/0", .status = 303, .field = "Location", .value = "/1" },
    };
    struct fixture f;

    (void)state;
    fixture_init(&f, routes, ARRAY_LEN(routes));
    serving_url(&f.server, "/3", absolute);
    fetch_path(&f, "/1", local);
    assert_string_equal(f.body, "end");
    assert_string_equal(f.why, "");
    fetch_path(&f, "/0", local);
    assert_string_equal(f.why, "too many redirects");
    fetch_path(&f, "/1", (struct fetch_request){ .may_be_local = true });
    assert_int_equal(f.status, 302);
    fixture_deinit(&f);
}

static void redirects_lead_nowhere_else_than_http(void **state)
{
    static const char *const places[] = { "https://example.test/", "file:///etc/passwd",
                                          "//example.test/", "http://user@127.0.0.1/", "" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct serving_route routes[] = {
            { .path = "/", .status = 302, .field = "Location", .value = places[i] },
        };
        struct fixture f;

        fixture_init(&f, routes, 1);
        fetch_path(&f, "/", local);
        assert_string_not_equal(f.why, "");
        assert_int_equal(f.server.served, 1);
        fixture_deinit(&f);
    }
}

static void a_certificate_cannot_send_us_to_ourselves(void **state)
{
    struct serving_route routes[] = { { .path = "/", .status = 200 } };
    struct fixture f;

    (void)state;
    fixture_init(&f, routes, 1);
    fetch_path(&f, "/", (struct fetch_request){ .max_redirects = 3 });
    assert_string_equal(f.why, "its address is this computer's own");
    assert_int_equal(f.server.served, 0);
    fetch_path(&f, "/", (struct fetch_request){ .url = "http://169.254.169.254/latest" });
    assert_string_equal(f.why, "its address is this computer's own");
    fetch_path(&f, "/", (struct fetch_request){ .url = "http://[fe80::1]/" });
    assert_string_equal(f.why, "its address is this computer's own");
    fixture_deinit(&f);
}

/* A server on an address of this computer that is not loopback; false: it has none. */
static bool own_server(struct serving *s, struct serving_routes *routes, char url[128])
{
    char host[ADDR_TEXT];
    struct ifaddrs *all, *i;
    struct addr at = { 0 };

    assert_int_equal(getifaddrs(&all), 0);
    for (i = all; i != NULL && at.len == 0; i = i->ifa_next)
        if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET &&
            (i->ifa_flags & IFF_LOOPBACK) == 0 && (i->ifa_flags & IFF_UP) != 0)
            at = addr_make(AF_INET, &((const struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr,
                           0);
    freeifaddrs(all);
    if (at.len == 0)
        return false;
    serving_tcp_at(s, &at, serving_http, routes);
    addr_text(&at, false, host);
    snprintf(url, 128, "http://%s:%u/", host, (unsigned)s->port);
    return true;
}

static void nor_to_any_address_of_ours(void **state)
{
    struct serving_route routes[] = { { .path = "/", .status = 200 } };
    struct fetch_request request = { .refuse_own = true };
    struct serving own;
    struct fixture f;
    char url[128];

    (void)state;
    fixture_init(&f, routes, 1);
    if (!own_server(&own, &f.routes, url)) {
        fixture_deinit(&f);
        skip();
    }
    request.url = url;
    fetch_path(&f, "/", request);
    assert_string_equal(f.why, "its address is this computer's own");
    assert_int_equal(routes[0].asked, 0);
    request.may_be_local = true;
    fetch_path(&f, "/", request);
    assert_int_equal(f.status, 200);
    serving_stop(&own);
    fixture_deinit(&f);
}

static void a_body_over_the_limit_is_refused(void **state)
{
    static uint8_t big[100000];
    struct serving_route routes[] = { { .path = "/", .status = 200,
                                        .body = { big, sizeof big } } };
    struct fetch_request request = local;
    struct fixture f;

    (void)state;
    fixture_init(&f, routes, 1);
    request.max_bytes = sizeof big - 1;
    fetch_path(&f, "/", request);
    assert_string_not_equal(f.why, "");
    request.max_bytes = sizeof big;
    fetch_path(&f, "/", request);
    assert_int_equal(f.status, 200);
    fixture_deinit(&f);
}

static void silence_ends_in_time(void **state)
{
    struct serving_route routes[] = { { .path = "/", .silent = true } };
    struct fetch_request request = local;
    struct fixture f;
    struct mono start = mono_now();

    (void)state;
    fixture_init(&f, routes, 1);
    request.limit_ms = 200;
    fetch_path(&f, "/", request);
    assert_string_equal(f.why, "no answer in time");
    assert_in_range(mono_diff_ns(start, mono_now()) / 1000000, 190, 3000);
    fixture_deinit(&f);
}

static void post_carries_its_body(void **state)
{
    struct serving_route routes[] = { { .path = "/ocsp", .status = 200,
                                        .body = SPAN_LIT("answer") } };
    struct fetch_request request = local;
    struct fixture f;

    (void)state;
    fixture_init(&f, routes, 1);
    request.content_type = "application/ocsp-request";
    request.body = SPAN_LIT("question");
    fetch_path(&f, "/ocsp", request);
    assert_string_equal(f.body, "answer");
    fixture_deinit(&f);
}

static void other_urls_are_refused_at_once(void **state)
{
    static const char *const bad[] = { "", "ldap://x/", "https://example.test/", "http://",
                                       "http://a b/" };
    struct serving_route routes[] = { { .path = "/", .status = 200 } };
    struct fixture f;

    (void)state;
    fixture_init(&f, routes, 1);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct fetch_request request = { .url = bad[i], .limit_ms = 100 };
        struct fetch *fetch;

        assert_int_equal(fetch_begin(&fetch, &f.loop, f.dns, &request, on_done, &f), -EINVAL);
    }
    fixture_deinit(&f);
}

static void a_cancelled_fetch_says_nothing(void **state)
{
    struct serving_route routes[] = { { .path = "/", .silent = true } };
    struct fetch_request request = local;
    struct fixture f;
    struct fetch *fetch;

    (void)state;
    fixture_init(&f, routes, 1);
    serving_url(&f.server, "/", f.url);
    request.url = f.url;
    request.limit_ms = 5000;
    assert_int_equal(fetch_begin(&fetch, &f.loop, f.dns, &request, on_done, &f), 0);
    for (int i = 0; i < 5; i++)
        uv_run(&f.loop, UV_RUN_NOWAIT);
    fetch_cancel(fetch);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_false(f.done);
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_arrives),
        cmocka_unit_test(redirects_are_followed_three_times),
        cmocka_unit_test(redirects_lead_nowhere_else_than_http),
        cmocka_unit_test(a_certificate_cannot_send_us_to_ourselves),
        cmocka_unit_test(nor_to_any_address_of_ours),
        cmocka_unit_test(a_body_over_the_limit_is_refused),
        cmocka_unit_test(silence_ends_in_time),
        cmocka_unit_test(post_carries_its_body),
        cmocka_unit_test(other_urls_are_refused_at_once),
        cmocka_unit_test(a_cancelled_fetch_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
