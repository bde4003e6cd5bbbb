/* The gate's configuration: any text is loaded or refused with one printable line, and what is
 * loaded decides. */
#include <stdlib.h>

#include "fuzz.h"
#include "gate/policy/bundle.h"
#include "gate/policy/decide.h"
#include "gate/policy/lint.h"

static void check_error(const struct buf *error)
{
    if (error->len == 0 || buf_error(error) != 0)
        abort();
    for (size_t i = 0; i < error->len; i++)
        if (error->data[i] < 0x20 || error->data[i] == 0x7f)
            abort();
}

static void check_decisions(const struct gate_config *c)
{
    static const char *const hosts[] = { "a.test", "www.screenmeet.com", "10.1.2.3", NULL };
    struct gate_facts f = { .port = 443, .tls = true, .now = { 1795219200 } };
    CLEANUP(buf_deinit) struct buf odd = BUF_INIT(1 << 22);
    enum mw_code code;

    for (size_t i = 0; i < 4; i++) {
        struct gate_decision d;

        f.host = hosts[i];
        d = gate_decide(c, NULL, 0, &f);
        if (d.action == GATE_UNDECIDED || d.rule == NULL || d.reason == NULL)
            abort();
    }
    if (gate_decide_verdict(c, &f, &code) != GATE_ON_REFUSE)
        abort();
    gate_config_lint(c, f.now, &odd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(1 << 22), error = BUF_INIT(1 << 16);
    struct gate_bundle *b = NULL;
    struct gate_config *c = NULL;
    int r;

    /* A bundle as the parent makes it, with one file that the text may name. */
    buf_u32(&bytes, 0x4d574742);
    buf_u32(&bytes, 3);
    buf_u8(&bytes, BUNDLE_SYSTEM);
    buf_u16(&bytes, 1);
    buf_str(&bytes, "s");
    buf_u32(&bytes, 9);
    buf_str(&bytes, "state /s\n");
    buf_u8(&bytes, BUNDLE_BYTES);
    buf_u16(&bytes, 1);
    buf_str(&bytes, "f");
    buf_u32(&bytes, 22);
    buf_str(&bytes, "a.test\nanna:$6$x$y:g,h");
    buf_u8(&bytes, BUNDLE_EXTRA);
    buf_u16(&bytes, 1);
    buf_str(&bytes, "x");
    buf_u32(&bytes, (uint32_t)len);
    buf_add(&bytes, span_of(data, len));
    if (buf_error(&bytes) != 0)
        return 0;
    if (gate_bundle_decode(&b, buf_span(&bytes)) != 0)
        abort();
    r = gate_config_load(&c, b, &error);
    gate_bundle_free(b);
    if (r > 0)
        check_error(&error);
    else if (r == 0)
        check_decisions(c);
    if (r == 0)
        gate_config_unref(c);
    return 0;
}
