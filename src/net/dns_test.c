/*
 * The resolver against a name server of our own on loopback: every way of not answering is told
 * apart, and the hosts file goes first.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "net/dns.h"
#include "net/dns_message.h"

/* ---------------------------------------------------------------- a name server ---- */

struct name_server {
    pthread_t thread;
    int fd;
    char at[ADDR_TEXT];
};

/* Answers by the first label: "good" has both addresses, "caa" a CAA record, "none" exists
 * without records, "fail" fails, "junk" is no DNS, "mute" is never answered, others do not
 * exist. */
static size_t answer(uint8_t *wire, size_t n)
{
    static const uint8_t a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7 };
    static const uint8_t aaaa[] = { 0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, 0xd, 0xb8,
                                    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7 };
    static const uint8_t caa[] = { 0xc0, 12, 1, 1, 0, 1, 0, 0, 0, 30, 0, 14, 0, 5, 'i', 's', 's',
                                   'u', 'e', 'c', 'a', '.', 't', 'e', 's', 't' };
    const char *label = (const char *)wire + 13;
    size_t question = 12;
    unsigned type;

    while (wire[question] != 0)
        question += wire[question] + 1u;
    type = (unsigned)wire[question + 1] << 8 | wire[question + 2];
    n = question + 5;
    memset(wire + 2, 0, 10);
    wire[2] = 0x81;                     /* an answer */
    wire[3] = 0x80;
    wire[5] = 1;                        /* one question */
    if (memcmp(label, "mute", 4) == 0)
        return 0;
    if (memcmp(label, "junk", 4) == 0)
        return 5;
    if (memcmp(label, "fail", 4) == 0)
        wire[3] |= 2;
    else if (memcmp(label, "good", 4) != 0 && memcmp(label, "none", 4) != 0 &&
             memcmp(label, "caa", 3) != 0)
        wire[3] |= 3;
    if (memcmp(label, "good", 4) == 0 && type == 1) {
        memcpy(wire + n, a, sizeof(a));
        n += sizeof(a);
        wire[7] = 1;
    } else if (memcmp(label, "good", 4) == 0 && type == 28) {
        memcpy(wire + n, aaaa, sizeof(aaaa));
        n += sizeof(aaaa);
        wire[7] = 1;
    } else if (memcmp(label, "caa", 3) == 0 && type == DNS_TYPE_CAA) {
        memcpy(wire + n, caa, sizeof(caa));
        n += sizeof(caa);
        wire[7] = 1;
    }
    return n;
}

static void *serve(void *context)
{
    struct name_server *s = context;
    struct addr from = { .len = sizeof(from.sa) };
    uint8_t wire[2048];
    ssize_t n;
    size_t len;

    for (;;) {
        from.len = sizeof(from.sa);
        n = recvfrom(s->fd, wire, 1024, 0, &from.sa.any, &from.len);
        if (n < 20)
            return NULL;                /* server_stop() */
        len = answer(wire, (size_t)n);
        if (len > 0)
            sendto(s->fd, wire, len, 0, &from.sa.any, from.len);
    }
}

static struct addr server_addr;

static void server_start(struct name_server *s)
{
    assert_int_equal(addr_parse(&server_addr, SPAN_LIT("127.0.0.1"), 0), 0);
    s->fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(s->fd, &server_addr.sa.any, server_addr.len), 0);
    assert_int_equal(getsockname(s->fd, &server_addr.sa.any, &server_addr.len), 0);
    addr_text(&server_addr, true, s->at);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct name_server *s)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    sendto(fd, "", 0, 0, &server_addr.sa.any, server_addr.len);
    pthread_join(s->thread, NULL);
    close(fd);
    close(s->fd);
}

/* ---------------------------------------------------------------------- questions ---- */

struct got {
    bool told;
    enum dns_state state;
    size_t n;
    char first[ADDR_TEXT], hosts_file[256], record[64];
    uint32_t ttl_s;
};

static void got_addresses(void *context, const struct dns_addresses *a)
{
    struct got *g = context;

    assert_false(g->told);
    g->told = true;
    g->state = a->state;
    g->n = a->n;
    if (a->n > 0)
        addr_text(&a->items[0], true, g->first);
    if (a->hosts_file != NULL)
        snprintf(g->hosts_file, sizeof(g->hosts_file), "%s", a->hosts_file);
}

static void got_records(void *context, const struct dns_records *a)
{
    struct got *g = context;

    assert_false(g->told);
    g->told = true;
    g->state = a->state;
    g->n = a->n;
    g->ttl_s = a->ttl_s;
    if (a->n > 0)
        memcpy(g->record, a->items[0].data, a->items[0].len);
}

/* Asks on a loop of its own; type 0: addresses. */
static struct got ask(const struct name_server *s, const char *hosts_file, const char *name,
                      enum dns_family family, uint16_t type)
{
    const char *servers[] = { s->at };
    struct dns_options options = { .servers = servers, .n_servers = 1, .hosts_file = hosts_file };
    struct got got = { .told = false };
    char error[256] = "";
    struct dns *d;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_new(&d, &loop, &options, error), 0);
    if (type == 0)
        assert_int_equal(dns_resolve(d, name, 443, family, 400, got_addresses, &got, NULL), 0);
    else
        assert_int_equal(dns_ask(d, name, type, 400, got_records, &got, NULL), 0);
    assert_false(got.told);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(got.told);
    dns_free(d);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return got;
}

static void answers_and_their_lack_are_told_apart(void **state)
{
    static const struct {
        const char *name;
        enum dns_state state;
    } cases[] = {
        { "good.lab.test", DNS_OK },          { "other.lab.test", DNS_NO_NAME },
        { "none.lab.test", DNS_NO_DATA },     { "fail.lab.test", DNS_SERVER_FAILED },
        { "mute.lab.test", DNS_NO_ANSWER },
    };
    struct name_server s;
    struct mono before;

    (void)state;
    server_start(&s);
    before = mono_now();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct got got = ask(&s, "", cases[i].name, DNS_IPV4, 0);

        if (got.state != cases[i].state)
            fail_msg("%s: %s", cases[i].name, dns_state_text(got.state));
    }
    assert_in_range(mono_diff_ns(before, mono_now()) / 1000000, 400, 3000);
    server_stop(&s);
}

static void families_are_kept_apart(void **state)
{
    struct name_server s;
    struct got got;

    (void)state;
    server_start(&s);
    got = ask(&s, "", "good.lab.test", DNS_IPV4, 0);
    assert_string_equal(got.first, "192.0.2.7:443");
    assert_int_equal(got.n, 1);
    got = ask(&s, "", "good.lab.test", DNS_IPV6, 0);
    assert_string_equal(got.first, "[2001:db8::7]:443");
    assert_int_equal(ask(&s, "", "good.lab.test", DNS_ANY, 0).n, 2);
    server_stop(&s);
}

static void records_come_raw(void **state)
{
    struct name_server s;
    struct got got;

    (void)state;
    server_start(&s);
    got = ask(&s, "", "caa.lab.test", DNS_ANY, DNS_TYPE_CAA);
    assert_int_equal(got.state, DNS_OK);
    assert_int_equal(got.n, 1);
    assert_int_equal(got.ttl_s, 30);
    assert_memory_equal(got.record, "\0\5issueca.test", 14);
    assert_int_equal(ask(&s, "", "good.lab.test", DNS_ANY, DNS_TYPE_CAA).state, DNS_NO_DATA);
    assert_int_equal(ask(&s, "", "other.lab.test", DNS_ANY, DNS_TYPE_CAA).state, DNS_NO_NAME);
    assert_int_equal(ask(&s, "", "mute.lab.test", DNS_ANY, DNS_TYPE_CAA).state, DNS_NO_ANSWER);
    server_stop(&s);
}

static void the_hosts_file_goes_first(void **state)
{
    char path[] = "/tmp/mw-hosts-XXXXXX", want[300];
    int fd = mkstemp(path);
    struct name_server s;
    struct got got;

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_replace(path, SPAN_LIT("# good.lab.test\n127.0.0.1 localhost\n"
                                                 "\t10.0.0.9\tx GOOD.lab.test # y\n"
                                                 "bad good.lab.test\n"
                                                 "::9 good.lab.test\n10.0.0.8 z#good.lab.test"),
                                  0600), 0);
    server_start(&s);
    got = ask(&s, path, "good.lab.test", DNS_ANY, 0);
    assert_string_equal(got.first, "10.0.0.9:443");
    assert_int_equal(got.n, 2);
    snprintf(want, sizeof(want), "%s:3", path);
    assert_string_equal(got.hosts_file, want);
    got = ask(&s, path, "good.lab.test", DNS_IPV6, 0);
    assert_string_equal(got.first, "[::9]:443");
    got = ask(&s, path, "z", DNS_IPV4, 0);
    assert_string_equal(got.first, "10.0.0.8:443");
    got = ask(&s, "", "good.lab.test", DNS_IPV4, 0);
    assert_string_equal(got.hosts_file, "");
    unlink(path);
    server_stop(&s);
}

static void some_names_need_no_server(void **state)
{
    struct name_server s;
    struct got got;

    (void)state;
    server_start(&s);
    got = ask(&s, "", "192.0.2.1", DNS_ANY, 0);
    assert_string_equal(got.first, "192.0.2.1:443");
    assert_int_equal(ask(&s, "", "192.0.2.1", DNS_IPV6, 0).state, DNS_NO_DATA);
    got = ask(&s, "", "2001:db8::1", DNS_ANY, 0);
    assert_string_equal(got.first, "[2001:db8::1]:443");
    got = ask(&s, "", "app.localhost", DNS_IPV4, 0);
    assert_string_equal(got.first, "127.0.0.1:443");
    assert_int_equal(ask(&s, "", "localhost", DNS_ANY, 0).n, 2);
    server_stop(&s);
}

static void must_not_come(void *context, const struct dns_addresses *a)
{
    (void)context;
    (void)a;
    fail_msg("a cancelled question was answered");
}

static void a_cancelled_question_is_silent_and_lets_the_loop_end(void **state)
{
    struct name_server s;
    const char *servers[] = { s.at };
    struct dns_options options = { .servers = servers, .n_servers = 1, .hosts_file = "" };
    struct mono before = mono_now();
    struct dns_question *q;
    struct dns *d;
    uv_loop_t loop;

    (void)state;
    server_start(&s);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_new(&d, &loop, &options, NULL), 0);
    assert_int_equal(dns_resolve(d, "mute.lab.test", 1, DNS_ANY, 9000, must_not_come, NULL, &q), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    dns_cancel(q);
    assert_int_equal(dns_resolve(d, "mute.lab.test", 1, DNS_ANY, 9000, must_not_come, NULL, &q), 0);
    dns_cancel(q);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(dns_resolve(d, "mute.lab.test", 1, DNS_ANY, 9000, must_not_come, NULL, &q), 0);
    dns_free(d);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_true(mono_diff_ns(before, mono_now()) < 3000000000);
    server_stop(&s);
}

static void settings_that_do_not_parse_are_named(void **state)
{
    const char *servers[] = { "ns.example.com" };
    struct dns_options bad = { .servers = servers, .n_servers = 1, .hosts_file = "" };
    struct dns_options folder = { .hosts_file = "/tmp" };
    char error[256] = "";
    struct dns *d;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_new(&d, &loop, &bad, error), -22);
    assert_non_null(strstr(error, "\"ns.example.com\""));
    assert_int_equal(dns_new(&d, &loop, &folder, error), -22);
    assert_non_null(strstr(error, "hosts file /tmp"));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void messages_are_read_within_their_bounds(void **state)
{
    static const char good[] = "\0\0\x81\x80\0\1\0\2\0\0\0\0" "\1a\0\1\1\0\1"
                               "\300\14\0\5\0\1\0\0\0\1\0\2\300\14"
                               "\1b\0\1\1\0\1\0\0\0\11\0\2xy";
    struct mw_span items[4];
    uint32_t ttl;
    size_t n;

    (void)state;
    assert_int_equal(dns_message_read(span_of(good, sizeof(good) - 1), 257, items, 4, &n, &ttl), 0);
    assert_int_equal(n, 1);
    assert_int_equal(ttl, 9);
    assert_true(span_eq(items[0], SPAN_LIT("xy")));
    for (size_t len = 0; len < sizeof(good) - 1; len++)
        assert_int_not_equal(dns_message_read(span_of(good, len), 257, items, 4, &n, &ttl), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_their_lack_are_told_apart),
        cmocka_unit_test(families_are_kept_apart),
        cmocka_unit_test(records_come_raw),
        cmocka_unit_test(the_hosts_file_goes_first),
        cmocka_unit_test(some_names_need_no_server),
        cmocka_unit_test(a_cancelled_question_is_silent_and_lets_the_loop_end),
        cmocka_unit_test(settings_that_do_not_parse_are_named),
        cmocka_unit_test(messages_are_read_within_their_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
