/*
 * A state's authority that some sites really use: what excuses its private root, and what not.
 * XX and XY are nobody's country codes (ISO 3166-1: user-assigned), so their domains are nobody's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "trust/cert.h"
#include "world.h"

enum { TSV_BYTES = 4096 };

/* The verdict on a leaf for `host` under a local root in `country`, which the catalogue knows as
 * also genuine, by this root's own key or by its name. */
static enum mw_outcome judged(const char *host, const char *country, bool by_key)
{
    CLEANUP(buf_deinit) struct buf tsv = BUF_INIT(TSV_BYTES);
    CLEANUP(buf_deinit) struct buf subject = BUF_INIT(256), names = BUF_INIT(256);
    struct mill_spec root = world_root(), leaf = world_leaf();
    enum mw_outcome outcome;
    struct cert *parsed;
    struct world w;

    world_open(&w, MW_ANCHOR_LOCAL, NULL, NULL);
    buf_printf(&subject, "CN=State Root,C=%s", country);
    buf_printf(&names, "DNS:%s", host);
    root.subject = (const char *)subject.data;
    leaf.names = (const char *)names.data;
    mill_cert_free(w.root);
    mill_cert_free(w.leaf);
    w.root = world_issue(&root, w.root_key, NULL);
    w.leaf = world_issue(&leaf, w.leaf_key, w.root);
    w.sent[0] = mill_cert_der(w.leaf);
    w.ev.n_sent = 1;
    w.ev.host = host;
    world_policy(&w);
    buf_str(&tsv, "product\tvendor\tkind\tgrade\tmarks\tmatch\texample\tnear\tsource\n"
                  "State\tState\tstate-ca\tA\talso-genuine\t");
    if (by_key) {
        assert_int_equal(cert_parse(&parsed, mill_cert_der(w.root)), 0);
        buf_str(&tsv, "spki=\"");
        cert_spki_pin(parsed, &tsv);
        buf_str(&tsv, "\"\t-\t-\t-\n");
        cert_free(parsed);
    } else {
        buf_str(&tsv, "CN=\"State Root\"\t-\t-\t-\n");
    }
    assert_int_equal(mw_policy_set_interceptors(w.policy, buf_span(&tsv)), 0);
    world_judge(&w);
    outcome = w.v->outcome;
    world_close(&w);
    return outcome;
}

static void the_very_key_at_home_is_excused(void **state)
{
    (void)state;
    assert_int_equal(judged("www.bank.xx", "XX", true), MW_PRIVATE);
}

static void not_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(judged("www.bank.test", "XX", true), MW_INSPECTED);
    assert_int_equal(judged("www.bank.xx", "XY", true), MW_INSPECTED);
}

static void a_borrowed_name_is_not(void **state)
{
    (void)state;
    assert_int_equal(judged("www.bank.xx", "XX", false), MW_INSPECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_very_key_at_home_is_excused),
        cmocka_unit_test(not_elsewhere),
        cmocka_unit_test(a_borrowed_name_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
