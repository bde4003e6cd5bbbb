#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gate/selftest/points.h"

enum { NAME_MAX_TEXT = 256 };

const char *point_result_name(enum point_result r)
{
    static const char *const names[] = { "passed", "failed", "argued" };

    return names[r];
}

void expect(struct trial *t, bool met, const char *format, ...)
{
    va_list args;

    t->tried++;
    if (met || t->result == POINT_FAILED)
        return;
    t->result = POINT_FAILED;
    va_start(args, format);
    (void)vsnprintf(t->evidence, sizeof(t->evidence), format, args);
    va_end(args);
}

void note(struct trial *t, const char *format, ...)
{
    va_list args;

    if (t->result == POINT_FAILED)
        return;
    va_start(args, format);
    (void)vsnprintf(t->evidence, sizeof(t->evidence), format, args);
    va_end(args);
}

bool trial_call(struct trial *t, const struct gate *g, const struct call *c, struct answer *a)
{
    int r = call_make(a, g, c);

    if (r < 0)
        expect(t, false, "%s: could not be tried: %s", c->host, strerror(-r));
    return r == 0;
}

/* The gate either says no to the proxy request, or shows its page under the CA that nobody
 * trusts; with TLS parameters nobody should speak, nothing need follow the handshake. */
void expect_refused(struct trial *t, const char *host, uint16_t port)
{
    const struct call c = { .host = host, .port = port };
    struct answer a;

    if (trial_call(t, &t->stand->gate, &c, &a)) {
        expect(t, a.connect != 0, "%s: the proxy does not answer", host);
        expect(t, !(a.greeted && a.trusted), "%s: got a trusted leaf (HTTP %d)", host, a.status);
    }
    answer_deinit(&a);
}

void expect_inspected(struct trial *t, const char *host, uint16_t port)
{
    const struct call c = { .host = host, .port = port };
    struct answer a;

    if (trial_call(t, &t->stand->gate, &c, &a))
        expect(t, a.greeted && a.trusted && a.named && a.status == 200,
               "%s: not inspected as it should be (CONNECT %d, %s leaf, HTTP %d)", host,
               a.connect, !a.greeted ? "no" : a.trusted ? "trusted" : "untrusted", a.status);
    answer_deinit(&a);
}

static void each_case(struct trial *t, const char *names,
                      void (*act)(struct trial *, const char *, uint16_t))
{
    struct mw_span rest = span_str(names), name;
    unsigned n = 0;

    while (span_field(&rest, ' ', &name)) {
        char host[NAME_MAX_TEXT];

        snprintf(host, sizeof(host), "%.*s.lab.test", (int)name.len, (const char *)name.data);
        act(t, host, t->stand->lab_port);
        n++;
    }
    note(t, "%s: %s", names,
         act == expect_refused ? n > 1 ? "no trusted leaf for any" : "no trusted leaf"
                               : "under a trusted leaf");
}

void expect_cases_refused(struct trial *t, const char *names)
{
    each_case(t, names, expect_refused);
}

void expect_cases_inspected(struct trial *t, const char *names)
{
    each_case(t, names, expect_inspected);
}

void expect_chain(struct trial *t, const char *host, struct mill_cert *const *chain, size_t n,
                  bool refused)
{
    struct origin o;
    int r = origin_start(&o, &(struct origin_plan){ .kind = ORIGIN_WEB, .chain = chain, .n = n });

    expect(t, r == 0, "a server for %s: %s", host, strerror(-r));
    if (r == 0 && refused)
        expect_refused(t, host, o.port);
    else if (r == 0)
        expect_inspected(t, host, o.port);
    origin_stop(&o);
}

bool trial_origin(struct trial *t, const char *host, struct origin_plan plan, struct origin *o)
{
    struct mill_cert *leaf = NULL;
    char subject[NAME_MAX_TEXT], names[NAME_MAX_TEXT];
    int r;

    snprintf(subject, sizeof(subject), "CN=%s", host);
    snprintf(names, sizeof(names), "DNS:%s", host);
    r = stand_mint(t->stand, (struct mill_spec){ .subject = subject, .names = names }, MILL_P256,
                   NULL, &leaf);
    plan.chain = &leaf;
    plan.n = 1;
    *o = (struct origin){ .told = -1 };
    if (r == 0)
        r = origin_start(o, &plan);
    mill_cert_free(leaf);
    expect(t, r == 0, "a server for %s: %s", host, strerror(-r));
    return r == 0;
}
