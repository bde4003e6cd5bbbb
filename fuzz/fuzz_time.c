/* RFC 3339 times: what is accepted can be written and read back to the same second. */
#include <stdlib.h>

#include "base/clock.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(100);
    struct mw_wall t, back;

    if (wall_parse(span_of(data, len), &t) < 0)
        return 0;
    wall_format(&out, t);
    /* An offset may lead out of the four digits of a year. */
    if (t.s < -62167219200 || t.s > 253402300799)
        return 0;
    if (wall_parse(buf_span(&out), &back) < 0 || back.s != t.s)
        abort();
    return 0;
}
