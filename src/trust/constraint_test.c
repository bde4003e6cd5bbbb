/*
 * Name constraints: every kind of name inside and outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "trust/constraint.h"
#include "world.h"

enum expected { IN, OUT };

static struct cert *parsed(const struct mill_cert *c)
{
    struct cert *out;

    assert_int_equal(cert_parse(&out, mill_cert_der(c)), 0);
    return out;
}

/* An authority with these constraints and a leaf with these names. */
static enum constraint_result checked(const char *constraints, const char *names,
                                      const char *subject, size_t work)
{
    struct mill_spec ca = world_ca(), leaf = world_leaf();
    enum constraint_result r;
    struct cert *above, *below;
    struct world w;

    ca.name_constraints = constraints;
    leaf.names = names;
    leaf.subject = subject;
    world_open(&w, MW_ANCHOR_PUBLIC, &ca, &leaf);
    above = parsed(w.ca);
    below = parsed(w.leaf);
    r = constraint_check(above, below, &work, NULL);
    cert_free(below);
    cert_free(above);
    world_close(&w);
    return r;
}

static void every_kind_is_compared(void **state)
{
    static const struct {
        const char *constraints, *names;
        enum expected expected;
    } cases[] = {
        { "permitted;DNS:shop.test", "DNS:shop.test", IN },
        { "permitted;DNS:shop.test", "DNS:a.b.SHOP.test", IN },
        { "permitted;DNS:shop.test", "DNS:notshop.test", OUT },
        { "permitted;DNS:shop.test", "DNS:*.shop.test", IN },
        { "permitted;DNS:a.shop.test", "DNS:*.shop.test", OUT },
        { "excluded;DNS:a.shop.test", "DNS:*.shop.test", OUT },
        { "excluded;DNS:b.a.shop.test", "DNS:*.shop.test", IN },
        { "excluded;DNS:shop.test", "DNS:x.shop.test", OUT },
        { "excluded;DNS:shop.test", "DNS:other.test", IN },
        { "permitted;DNS:.shop.test", "DNS:x.shop.test", IN },
        { "permitted;DNS:.shop.test", "DNS:shop.test", OUT },
        { "permitted;DNS:shop.test", "IP:192.0.2.1", IN },
        { "permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.9", IN },
        { "permitted;IP:192.0.2.0/255.255.255.0", "IP:192.0.3.9", OUT },
        { "excluded;IP:192.0.2.0/255.255.255.0", "IP:192.0.2.9", OUT },
        { "permitted;IP:192.0.2.0/255.255.255.0", "IP:2001:db8::1", OUT },
        { "permitted;email:shop.test", "email:a@shop.test", IN },
        { "permitted;email:shop.test", "email:a@x.shop.test", OUT },
        { "permitted;email:.shop.test", "email:a@x.shop.test", IN },
        { "permitted;email:a@shop.test", "email:a@SHOP.test", IN },
        { "permitted;email:a@shop.test", "email:A@shop.test", OUT },
        { "permitted;URI:shop.test", "URI:https://u@shop.test:8443/x", IN },
        { "permitted;URI:shop.test", "URI:https://x.shop.test/", OUT },
        { "permitted;URI:.shop.test", "URI:https://x.shop.test/", IN },
        { "permitted;URI:shop.test", "URI:https://192.0.2.1/", OUT },
        { "excluded;URI:shop.test", "URI:urn:isbn:1", OUT },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum constraint_result r = checked(cases[i].constraints, cases[i].names, "CN=x", 1000);

        if ((r == CONSTRAINT_HOLDS) != (cases[i].expected == IN))
            fail_msg("%s with %s", cases[i].constraints, cases[i].names);
    }
}

static void the_subject_counts(void **state)
{
    (void)state;
    assert_int_equal(checked("permitted;email:shop.test", "DNS:shop.test",
                             "CN=x,emailAddress=a@other.test", 1000),
                     CONSTRAINT_VIOLATED);
    assert_int_equal(checked("permitted;email:shop.test", "DNS:shop.test",
                             "CN=x,emailAddress=a@shop.test", 1000),
                     CONSTRAINT_HOLDS);
}

static void work_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(checked("permitted;DNS:a.test,permitted;DNS:b.test,permitted;DNS:shop.test",
                             "DNS:shop.test", "CN=x", 2),
                     CONSTRAINT_TOO_COMPLEX);
}

/* A name of a megabyte against thousands of constraints must not take minutes. */
static void long_names_cost_more(void **state)
{
    enum { LONG = 4000 };
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(2 * LONG);
    const char *many = "excluded;URI:a.test,excluded;URI:b.test,excluded;URI:c.test";

    (void)state;
    buf_str(&names, "URI:https://other.test/");
    buf_fill(&names, 'a', LONG);
    assert_int_equal(checked(many, (const char *)names.data, "CN=x", 1000), CONSTRAINT_HOLDS);
    assert_int_equal(checked(many, (const char *)names.data, "CN=x", LONG / 64 * 2),
                     CONSTRAINT_TOO_COMPLEX);
    buf_truncate(&names, 0);
    buf_str(&names, "DNS:");
    for (int i = 0; i < 150; i++)
        buf_str(&names, "a.");
    buf_str(&names, "other.test");
    assert_int_equal(checked("permitted;DNS:other.test", (const char *)names.data, "CN=x", 1000),
                     CONSTRAINT_VIOLATED);
}

/* NameConstraints given as bytes, on an authority. */
static bool well_formed(struct mw_span value, bool strict)
{
    struct mill_extension e = { .oid = "2.5.29.30", .critical = true, .value = value };
    struct mill_spec spec = world_ca();
    struct world w;
    struct cert *c;
    bool ok;

    spec.extra = &e;
    spec.n_extra = 1;
    world_open(&w, MW_ANCHOR_PUBLIC, &spec, NULL);
    c = parsed(w.ca);
    ok = constraint_well_formed(c, strict);
    cert_free(c);
    world_close(&w);
    return ok;
}

static void form_is_held_to(void **state)
{
    const struct mw_span good = SPAN_LIT("\x30\x0a\xa0\x08\x30\x06\x82\x04" "a.bc");
    const struct mw_span bad[] = {
        SPAN_LIT("\x30\x00"),                                   /* neither list */
        SPAN_LIT("\x30\x04\xa0\x00\xa1\x00"),                   /* empty lists */
        SPAN_LIT("\x30\x0a\xa0\x08\x30\x06\x82\x04" "*.bc"),    /* a wildcard */
        SPAN_LIT("\x30\x0a\xa0\x08\x30\x06\x87\x04\x7f\x00\x00\x01"),   /* no mask */
        SPAN_LIT("\x30\x0e\xa0\x0c\x30\x0a\x87\x08\x7f\x00\x00\x01\xff\x00\xff\x00"),
        SPAN_LIT("\x30\x0d\xa0\x0b\x30\x09\x82\x04" "a.bc\x80\x01\x01"),        /* minimum 1 */
        SPAN_LIT("\x30\x0b\xa0\x09\x30\x07\x81\x05" "a@b@c"),
    };
    const struct mw_span dotted = SPAN_LIT("\x30\x0a\xa0\x08\x30\x06\x82\x04" ".abc");

    (void)state;
    assert_true(well_formed(good, true));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (well_formed(bad[i], false))
            fail_msg("malformed constraints %zu are accepted", i);
    assert_false(well_formed(dotted, true));
    assert_true(well_formed(dotted, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_compared),
        cmocka_unit_test(the_subject_counts),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(long_names_cost_more),
        cmocka_unit_test(form_is_held_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
