/*
 * Prints the sample verdicts as JSON lines, for tests/check_schema_test.py.
 */
#include <stdio.h>

#include "check/json.h"
#include "sample_verdicts.h"

static int print(const struct json_options *options, const struct run_result *r)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);

    if (json_result(&out, options, r) != 0)
        return 1;
    return fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : 1;
}

int main(void)
{
    const struct json_options options = { .pem = true, .exit = 1 }, broken = { .exit = 2 };
    const struct target t = { .typed = "typed.test", .host = "typed.test", .port = 443 };
    const struct run_result failed = { .target = &t, .error = "it could not be judged" };

    for (size_t i = 0; i < n_samples; i++) {
        struct run_result r = { .target = &t, .ev = samples[i].ev, .v = samples[i].v };

        if (print(&options, &r) != 0)
            return 1;
    }
    return print(&broken, &failed);
}
