/* A worker's record as the scribe reads it: what was taken once is written and read the same
 * again, however hostile it was. */
#include <stdlib.h>

#include "fuzz.h"
#include "gate/wire/audit.h"

enum { ROOM = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ROOM);
    CLEANUP(buf_deinit) struct buf once = BUF_INIT(ROOM), twice = BUF_INIT(ROOM);
    struct audit_record r;
    struct audit_state s;

    if (audit_state_read(&s, span_of(data, len), &arena) == 0) {
        audit_state_write(&once, &s);
        if (buf_error(&once) != 0)
            abort();
        return 0;
    }
    if (audit_read(&r, span_of(data, len), &arena) != 0)
        return 0;
    audit_write(&once, &r);
    if (buf_error(&once) != 0 || audit_read(&r, buf_span(&once), &arena) != 0)
        abort();
    audit_write(&twice, &r);
    if (!span_eq(buf_span(&once), buf_span(&twice)))
        abort();
    return 0;
}
