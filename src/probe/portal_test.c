#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "probe/portal.h"
#include "probe/serving.h"

static void on_done(void *context)
{
    *(bool *)context = true;
}

/* What the portal probe makes of one answer. */
static void probe(struct serving_route route, void (*check)(const struct portal_seen *seen))
{
    const struct dns_options options = { .hosts_file = "" };
    struct serving_routes routes = { .items = &route, .n = 1 };
    struct serving server;
    struct portal *portal;
    struct once_wait *wait;
    struct dns *dns;
    uv_loop_t loop;
    char url[128];
    bool done = false;

    route.path = "/204";
    serving_tcp(&server, serving_http, &routes);
    serving_url(&server, "/204", url);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_new(&dns, &loop, &options, NULL), 0);
    assert_int_equal(portal_new(&portal, &loop, dns, url, 300), 0);
    assert_int_equal(portal_get(portal, &wait, on_done, &done), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(done);
    assert_int_equal(portal_get(portal, &wait, on_done, &done), -EALREADY);
    check(portal_seen(portal));
    portal_free(portal);
    dns_free(dns);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    serving_stop(&server);
    assert_int_equal(server.served, 1);
}

static void no_portal(const struct portal_seen *seen)
{
    assert_int_equal(seen->portal, MW_SEEN_NO);
    assert_int_equal(seen->tampered, MW_SEEN_NO);
    assert_null(seen->url);
}

static void leads_to_login(const struct portal_seen *seen)
{
    assert_int_equal(seen->portal, MW_SEEN_YES);
    assert_string_equal(seen->url, "http://login.example.test/?from=x");
}

static void is_a_page(const struct portal_seen *seen)
{
    assert_int_equal(seen->portal, MW_SEEN_YES);
    assert_non_null(seen->url);
}

static void tells_nothing(const struct portal_seen *seen)
{
    assert_int_equal(seen->portal, MW_COULD_NOT_LOOK);
    assert_null(seen->url);
}

static void is_tampered(const struct portal_seen *seen)
{
    assert_int_equal(seen->portal, MW_SEEN_NO);
    assert_int_equal(seen->tampered, MW_SEEN_YES);
}

static void has_date(const struct portal_seen *seen)
{
    assert_true(seen->date.ok);
    assert_int_equal(seen->date.source, MW_CLOCK_HTTP_DATE);
    assert_non_null(seen->date.server);
    assert_true(seen->date.offset_ms < INT64_C(-1000) * 86400 * 365 * 20);
}

static void answers_are_told_apart(void **state)
{
    (void)state;
    probe((struct serving_route){ .status = 204 }, no_portal);
    probe((struct serving_route){ .status = 302, .field = "Location",
                                  .value = "http://login.example.test/?from=x" },
          leads_to_login);
    probe((struct serving_route){ .status = 200, .body = SPAN_LIT("<html>") }, is_a_page);
    probe((struct serving_route){ .status = 511, .body = SPAN_LIT("<html>") }, is_a_page);
    probe((struct serving_route){ .status = 503 }, tells_nothing);
    probe((struct serving_route){ .status = 404 }, tells_nothing);
    probe((struct serving_route){ .silent = true }, tells_nothing);
}

static void proxies_fields_tell(void **state)
{
    (void)state;
    probe((struct serving_route){ .status = 204, .field = "Via", .value = "1.1 gw.corp (squid)" },
          is_tampered);
    probe((struct serving_route){ .status = 204, .field = "x-bluecoat-via", .value = "A1" },
          is_tampered);
    probe((struct serving_route){ .status = 204, .field = "Via", .value = "1.1 google" },
          no_portal);
}

static void the_date_is_a_reading(void **state)
{
    (void)state;
    probe((struct serving_route){ .status = 204, .field = "Date",
                                  .value = "Sun, 06 Nov 1994 08:49:37 GMT" },
          has_date);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_told_apart),
        cmocka_unit_test(proxies_fields_tell),
        cmocka_unit_test(the_date_is_a_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
