#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <cmocka.h>

#include "probe/dnsfacts.h"
#include "probe/serving.h"

struct answer {
    bool done;
    struct dnsfacts facts;
};

static void on_done(void *context, const struct dnsfacts *facts)
{
    struct answer *a = context;

    assert_false(a->done);
    a->done = true;
    a->facts = *facts;
}

static struct dnsfacts ask(const char *host, struct serving *server, struct arena *arena)
{
    char text[64];
    const char *const servers[] = { text };
    const struct dns_options options = { .servers = servers, .n_servers = 1, .hosts_file = "" };
    struct answer a = { 0 };
    struct dnsfacts_job *job;
    struct dns *dns;
    uv_loop_t loop;

    snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)server->port);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(dns_new(&dns, &loop, &options, NULL), 0);
    assert_int_equal(dnsfacts_begin(&job, dns, host, 443, 1000, arena, on_done, &a), 0);
    assert_false(a.done);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(a.done);
    dns_free(dns);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return a.facts;
}

/* RFC 8659 section 3: the set of the nearest ancestor that has one. */
static void caa_is_found_by_climbing(void **state)
{
    static const char *const hosts[] = { "example.test", "www.example.test", "a.b.c.example.test" };
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
    struct serving server;

    (void)state;
    serving_udp(&server, serving_caa, NULL);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct dnsfacts facts = ask(hosts[i], &server, &arena);

        assert_int_equal(facts.caa_looked, MW_SEEN_YES);
        assert_int_equal(facts.n_caa, 1);
        assert_string_equal(facts.caa[0].tag, "issue");
        assert_string_equal(facts.caa[0].value, "ca.test;x");
        assert_int_equal(facts.ech_advertised, MW_SEEN_NO);
    }
    serving_stop(&server);
}

static void a_name_without_caa_is_free(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
    struct serving server;
    struct dnsfacts facts;

    (void)state;
    serving_udp(&server, serving_caa, NULL);
    facts = ask("www.other.test", &server, &arena);
    assert_int_equal(facts.caa_looked, MW_SEEN_YES);
    assert_int_equal(facts.n_caa, 0);
    assert_int_equal(server.served, 4); /* www.other.test, other.test, test; HTTPS */
    serving_stop(&server);
}

/* A name of a hundred labels does not cost a hundred questions. */
static void climbing_ends(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(256);
    struct serving server;
    struct dnsfacts facts;

    (void)state;
    for (int i = 0; i < 100; i++)
        buf_str(&name, "a.");
    buf_str(&name, "test");
    serving_udp(&server, serving_caa, NULL);
    facts = ask((const char *)name.data, &server, &arena);
    assert_int_equal(facts.caa_looked, MW_COULD_NOT_LOOK);
    assert_int_equal(server.served, DNSFACTS_MAX_CLIMB + 1);
    serving_stop(&server);
}

static void silent(void *context, struct mw_span in, struct buf *out)
{
    (void)context;
    (void)in;
    (void)out;
}

static void silence_says_nothing(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
    struct serving server;
    struct dnsfacts facts;

    (void)state;
    serving_udp(&server, silent, NULL);
    facts = ask("www.example.test", &server, &arena);
    assert_int_equal(facts.caa_looked, MW_COULD_NOT_LOOK);
    assert_int_equal(facts.ech_advertised, MW_COULD_NOT_LOOK);
    serving_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caa_is_found_by_climbing),
        cmocka_unit_test(a_name_without_caa_is_free),
        cmocka_unit_test(climbing_ends),
        cmocka_unit_test(silence_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
