#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* After what it needs. */
#include <cmocka.h>

#include "gate/worker/lru.h"
#include "gate/worker/resolve.h"

static unsigned dropped;

static void drop(struct lru_node *node)
{
    dropped++;
    free(node->name);
    free(node);
}

static void add(struct lru *l, unsigned i)
{
    struct lru_node *node = calloc(1, sizeof(*node));
    char name[16];

    assert_non_null(node);
    snprintf(name, sizeof(name), "n%u", i);
    node->name = strdup(name);
    assert_non_null(node->name);
    lru_add(l, node);
}

static void test_oldest_goes_first(void **state)
{
    struct lru l;

    (void)state;
    dropped = 0;
    assert_int_equal(lru_init(&l, 5, drop), 0);
    for (unsigned i = 0; i < 5; i++)
        add(&l, i);
    assert_non_null(lru_find(&l, "n0")); /* now the newest */
    add(&l, 5);
    assert_int_equal(dropped, 1);
    assert_null(lru_find(&l, "n1"));
    assert_non_null(lru_find(&l, "n0"));
    lru_remove(&l, lru_find(&l, "n3"));
    assert_null(lru_find(&l, "n3"));
    assert_int_equal(l.n, 4);
    for (unsigned i = 10; i < 1000; i++)
        add(&l, i);
    assert_int_equal(l.n, 5);
    for (unsigned i = 995; i < 1000; i++) {
        char name[16];

        snprintf(name, sizeof(name), "n%u", i);
        assert_non_null(lru_find(&l, name));
    }
    lru_deinit(&l);
    assert_int_equal(dropped, 6 + 990);
}

static void test_addresses_are_kept(void **state)
{
    struct addr out[RESOLVE_ADDRESSES], many[20];
    struct resolve r;

    (void)state;
    assert_int_equal(resolve_init(&r, NULL), 0);
    for (size_t i = 0; i < 20; i++)
        many[i] = addr_make(AF_INET, (uint8_t[]){ 192, 0, 2, (uint8_t)i }, 80);
    assert_int_equal(resolve_known(&r, "a.test", 443, out), 0);
    resolve_keep(&r, "a.test", many, 20);
    resolve_keep(&r, "none.test", many, 0);
    assert_int_equal(resolve_known(&r, "a.test", 443, out), RESOLVE_ADDRESSES);
    assert_int_equal(addr_port(&out[7]), 443);
    assert_int_equal(addr_ip(&out[7]).data[3], 7);
    assert_int_equal(resolve_known(&r, "none.test", 443, out), 0);
    resolve_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oldest_goes_first),
        cmocka_unit_test(test_addresses_are_kept),
    };

    return cmocka_run_group_tests_name("lru", tests, NULL, NULL);
}
