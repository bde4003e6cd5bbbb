/* Every allocation fails once while an origin is judged and what it points to is fetched: the
 * answer is -ENOMEM or a verdict that lets nothing through that was not to pass. */
#include "alloc_fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "judge_fixture.h"

/* Nobody listens there: the fetch ends at once, and the judgement without it. */
static const char nowhere[] = "http://127.0.0.1:9/list.crl";

struct scene {
    struct fixture *f;
    struct mill_cert *leaf;
    bool good;
};

static struct origin *answer_wait(struct fixture *f, const struct mw_evidence *ev, int *rc)
{
    struct judging_wait *wait = NULL;
    struct origin *found = NULL;

    f->n_told = 0;
    *rc = judging_ask(f->judging, ev, &found, on_judged, f, &wait);
    if (*rc != 0 || found != NULL)
        return found;
    while (f->n_told == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    *rc = f->errors[0];
    f->n_told = 0;
    return f->told[0];
}

static bool run_judging(void *context, size_t nth)
{
    const struct scene *s = context;
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    const struct mw_span sent[] = { mill_cert_der(s->leaf), mill_cert_der(s->f->issuer) };
    const struct mw_evidence ev = { .host = "site.lab.test", .port = 443, .now = s->f->now,
                                    .reach = MW_REACH_HANDSHAKE, .sent = sent, .n_sent = 2,
                                    .tls = { .version = 0x0304, .cipher_suite = 0x1301 } };
    struct origin *o = NULL;
    bool failed;
    int rc;

    alloc_fail_arm(nth);
    rc = judging_new(&s->f->judging, &s->f->loop, s->f->dns, &s->f->config, &s->f->bundle,
                     &error);
    if (rc == 0)
        o = answer_wait(s->f, &ev, &rc);
    failed = alloc_fail_disarm();
    if (rc == 0) {
        assert_non_null(o);
        assert_int_not_equal(o->verdict->outcome, MW_UNJUDGED);
        assert_true(s->good || o->verdict->outcome != MW_PRIVATE);
        assert_true(failed || (o->verdict->outcome == MW_PRIVATE) == s->good);
    } else {
        assert_null(o);
        assert_int_equal(rc, -ENOMEM);
        assert_true(failed);
    }
    origin_unref(o);
    if (s->f->judging != NULL)
        judging_free(s->f->judging);
    s->f->judging = NULL;
    uv_run(&s->f->loop, UV_RUN_NOWAIT);
    return failed;
}

static void each_fails(bool good)
{
    struct fixture f;
    struct mill_spec spec;
    struct scene s = { .f = &f, .good = good };

    fixture_init(&f);
    spec = leaf_spec(&f);
    spec.crl_url = nowhere;
    spec.names = good ? spec.names : "DNS:other.lab.test";
    s.leaf = mint(&f, spec, 60, f.issuer);
    run_judging(&s, 0);                 /* what libraries make once is made here */
    assert_true(alloc_fail_some(run_judging, &s, 7) > 20);
    mill_cert_free(s.leaf);
    fixture_deinit(&f);
}

static void a_good_origin(void **state)
{
    (void)state;
    each_fails(true);
}

static void a_wrong_name(void **state)
{
    (void)state;
    each_fails(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_origin),
        cmocka_unit_test(a_wrong_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
