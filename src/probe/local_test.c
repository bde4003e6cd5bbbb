#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <unistd.h>
#include <cmocka.h>

#include "net/sock.h"
#include "probe/local.h"
#include "probe/local_system.h"

static struct addr loopback(uint16_t port)
{
    const uint8_t ip[4] = { 127, 0, 0, 1 };

    return addr_make(AF_INET, ip, port);
}

static void tunnels_are_known_by_name(void **state)
{
    static const char *const tunnels[] = { "tun0",   "tap3",   "wg0",        "ppp0",
                                           "utun12", "ipsec0", "tailscale0", "ztabcdef12" };
    static const char *const others[] = { "eth0",        "wlan0", "lo",     "docker0",
                                          "tunnel-docs", "wgate", "enp3s0", "" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tunnels); i++)
        assert_true(local_is_tunnel_name(tunnels[i]));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(local_is_tunnel_name(others[i]));
}

static void a_listener_is_named(void **state)
{
    struct addr at = loopback(0);
    char program[LOCAL_PROGRAM_TEXT];
    int fd;

    (void)state;
    assert_int_equal(sock_listen(&fd, &at, 1), 0);
    assert_int_equal(local_listener_find(&at, program), MW_SEEN_YES);
    assert_string_equal(program, "local_test");
    close(fd);
    assert_int_equal(local_listener_find(&at, program), MW_SEEN_NO);
    assert_string_equal(program, "");
}

/* A listener on all addresses takes what comes to this one, IPv4 on :: included. */
static void a_listener_on_every_address_counts(void **state)
{
    const uint8_t any4[4] = { 0 }, any6[16] = { 0 };
    struct addr at[] = { addr_make(AF_INET, any4, 0), addr_make(AF_INET6, any6, 0) };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        struct addr peer;
        char program[LOCAL_PROGRAM_TEXT];
        int fd;

        if (sock_listen(&fd, &at[i], 1) != 0)
            continue; /* a machine without IPv6 */
        peer = loopback(addr_port(&at[i]));
        assert_int_equal(local_listener_find(&peer, program), MW_SEEN_YES);
        close(fd);
    }
}

static struct mw_local_facts look(const struct local_query *query, struct arena *arena)
{
    struct mw_local_facts facts = { 0 };
    struct local *l;

    assert_int_equal(local_new(&l), 0);
    assert_int_equal(local_look(l, query, arena, &facts), 0);
    local_free(l);
    assert_int_not_equal(facts.looked, MW_NOT_LOOKED);
    return facts;
}

static void loopback_counts_only_if_nobody_asked_for_it(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
    struct addr at = loopback(0);
    struct local_query query = { .peer = &at };
    struct mw_local_facts facts;
    int fd;

    (void)state;
    assert_int_equal(sock_listen(&fd, &at, 1), 0);
    facts = look(&query, &arena);
    assert_true(facts.peer_is_loopback);
    assert_string_equal(facts.listener, "local_test");
    assert_null(facts.vpn_interface);

    query.asked_for_loopback = true;
    facts = look(&query, &arena);
    assert_false(facts.peer_is_loopback);
    assert_null(facts.listener);

    query = (struct local_query){ .peer = &at, .through_proxy = true };
    facts = look(&query, &arena);
    assert_false(facts.peer_is_loopback);              /* it is the proxy that is here … */
    assert_string_equal(facts.listener, "local_test"); /* … and this is it */
    close(fd);
}

static void without_a_peer_little_is_said(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 16);
    const struct local_query query = { 0 };
    struct mw_local_facts facts = look(&query, &arena);

    (void)state;
    assert_false(facts.peer_is_loopback);
    assert_null(facts.listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tunnels_are_known_by_name),
        cmocka_unit_test(a_listener_is_named),
        cmocka_unit_test(a_listener_on_every_address_counts),
        cmocka_unit_test(loopback_counts_only_if_nobody_asked_for_it),
        cmocka_unit_test(without_a_peer_little_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
