/* Every allocation of the gate's door and of its pages fails once. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gate/door/door.h"
#include "gate/door/page.h"
#include "gate/door/route.h"
#include "lab/mill.h"
#include "sample_verdicts.h"

static struct gate_listener listener = { .entrance = GATE_ENTRANCE_HTTP,
                                         .text = "http://192.0.2.1:3128" };
static struct gate_listener transparent = { .entrance = GATE_ENTRANCE_TPROXY,
                                            .text = "tproxy://192.0.2.1:3129" };
static const struct gate_config config = { .name = "midwatch.gate", .contact = "it@corp.example",
                                           .listeners = &listener, .n_listeners = 1,
                                           .users_file = "users" };

/* In place of the policy's: whoever has a password. */
enum sign_in gate_config_sign_in(const struct gate_config *c, struct mw_span user,
                                 struct mw_span password, const char *const **groups,
                                 struct sign_in_question **ask)
{
    static const char *const none[] = { NULL };

    (void)ask;
    *groups = none;
    return c->users_file != NULL && user.len > 0 && password.len > 0 ? SIGN_IN_GOOD
                                                                     : SIGN_IN_WRONG;
}

struct said {
    enum gate_entrance entrance;
    const char *bytes;
    size_t len;
    enum door_state state;
};

#define SAID(entrance, bytes, state)                                                               \
    {                                                                                              \
        entrance, bytes, sizeof(bytes) - 1, state                                                  \
    }
#define HOST  "Host: x.test\r\n\r\n"
#define ALICE "Proxy-Authorization: Basic YWxpY2U6b3Blbg==\r\n"
#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct said conversations[] = {
    SAID(GATE_ENTRANCE_HTTP, "CONNECT a.test:443 HTTP/1.1\r\n" ALICE HOST, DOOR_TUNNEL),
    SAID(GATE_ENTRANCE_HTTP, "CONNECT a.test:443 HTTP/1.1\r\n" HOST, DOOR_MORE),
    SAID(GATE_ENTRANCE_HTTP, "GET http://a.test/ HTTP/1.1\r\n" ALICE HOST, DOOR_REQUEST),
    SAID(GATE_ENTRANCE_HTTP, "GET /install HTTP/1.1\r\n" HOST, DOOR_LOCAL),
    SAID(GATE_ENTRANCE_HTTP, "POST /.midwatch/continue/" TOKEN " HTTP/1.1\r\nContent-Length: 3\r\n"
                             HOST "a=b", DOOR_LOCAL),
    SAID(GATE_ENTRANCE_HTTP, "CONNECT midwatch.gate:80 HTTP/1.1\r\n" HOST "GET / HTTP/1.1\r\n" HOST,
         DOOR_LOCAL),
    SAID(GATE_ENTRANCE_HTTP, "CONNECT a.test HTTP/1.1\r\n" HOST, DOOR_BAD),
    SAID(GATE_ENTRANCE_SOCKS5, "\x05\x01\x02\x01\x01u\x01p\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb",
         DOOR_TUNNEL),
    SAID(GATE_ENTRANCE_SOCKS5, "GET / HTTP/1.1\r\n", DOOR_BAD),
};

/* Memory that was missing may only ever close the door. */
static bool run_door(void *context, size_t nth)
{
    const struct said *said = context;
    struct mw_span in = span_of(said->bytes, said->len);
    enum door_state state = DOOR_BAD;
    struct door *d = NULL;
    bool failed;

    alloc_fail_arm(nth);
    if (door_new(&d, said->entrance, &config) == 0) {
        state = door_feed(d, &in);
        if (state == DOOR_TUNNEL || state == DOOR_REQUEST)
            door_refuse(d, DOOR_BY_POLICY, SPAN_LIT("page"));
    }
    failed = alloc_fail_disarm();
    if (!failed)
        assert_int_equal(state, said->state);
    else if (state != DOOR_BAD)
        assert_int_equal(state, said->state);
    if (d != NULL && state == DOOR_TUNNEL)
        assert_non_null(door_user(d));          /* nobody came in without a name */
    if (d != NULL && state == DOOR_LOCAL)
        assert_int_equal(door_path(d)[0], '/');
    door_free(d);
    return failed;
}

static void test_door(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(conversations); i++)
        assert_true(alloc_fail_each(run_door, (void *)(uintptr_t)&conversations[i]) >= 1);
}

static void page_write(struct buf *out, size_t which)
{
    static const struct gate_decision d = { .action = GATE_BLOCK, .rule = "r", .reason = "x" };

    if (which == 0)
        page_blocked(out, &config, "a.test", &d);
    else if (which == 1)
        page_stopped(out, &config, 502, "t", "r");
    else
        page_untrusted(out, &config, samples[which - 2].v, MW_CODE_NONE, "/x");
}

/* A page is whole, or known to be broken. */
static bool run_page(void *context, size_t nth)
{
    const size_t *which = context;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    bool failed;

    alloc_fail_arm(nth);
    page_write(&out, *which);
    failed = alloc_fail_disarm();
    assert_int_equal(buf_error(&out) != 0, failed);
    return failed;
}

static void test_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_samples + 2; i++)
        assert_true(alloc_fail_each(run_page, &i) >= 5);
}

static struct mw_span ca;

static bool run_local(void *context, size_t nth)
{
    const char *path = context;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    struct addr at = addr_make(AF_INET, "\xc0\x00\x02\x01", 3128);
    bool failed;

    alloc_fail_arm(nth);
    page_local(&out, &config, ca, path, &at);
    failed = alloc_fail_disarm();
    assert_int_equal(buf_error(&out) != 0, failed);
    if (!failed)
        assert_memory_equal(out.data, "HTTP/1.1 200 OK", 15);
    return failed;
}

static void test_local(void **state)
{
    static const char *const paths[] = { "/", "/install", "/ca.pem", "/ca.crt",
                                         "/ca.mobileconfig", "/proxy.pac" };
    struct mill_spec spec = { .subject = "CN=Midwatch CA", .ca = true,
                              .not_before = { 1780000000 }, .not_after = { 2090000000 } };
    struct mill_cert *root = NULL;
    EVP_PKEY *key = NULL;

    (void)state;
    assert_int_equal(mill_key_new(&key, MILL_P256, false), 0);
    assert_int_equal(mill_issue(&root, &spec, key, NULL), 0);
    ca = mill_cert_der(root);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_true(alloc_fail_each(run_local, (void *)(uintptr_t)paths[i]) >= 3);
    mill_cert_free(root);
    EVP_PKEY_free(key);
}

static bool run_rules(void *context, size_t nth)
{
    static const char *const names[] = { "lan0" };
    struct gate_config c = { .user = "nobody", .listeners = &transparent, .n_listeners = 1 };
    struct route_options o = route_defaults();
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    bool failed;

    (void)context;
    o.interfaces = names;
    o.n_interfaces = 1;
    o.local = true;
    alloc_fail_arm(nth);
    (void)route_rules_for(&out, &c, &o);
    failed = alloc_fail_disarm();
    assert_int_equal(buf_error(&out) != 0, failed);
    return failed;
}

static void test_rules(void **state)
{
    (void)state;
    transparent.at = addr_make(AF_INET, "\xc0\x00\x02\x01", 3129);
    assert_true(alloc_fail_each(run_rules, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_door),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
