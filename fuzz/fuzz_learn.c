/* Messages about clients between workers and the scribe.  What is read is written back as the
 * same bytes, and an exception always names a host. */
#include <stdlib.h>

#include "fuzz.h"
#include "gate/wire/channel.h"
#include "gate/wire/learn.h"

enum { ARENA_BYTES = 4 << 20 };

static void same(struct buf *again, const uint8_t *data, size_t len)
{
    if (buf_error(again) != 0 || !span_eq(buf_span(again), span_of(data, len)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_BYTES);
    CLEANUP(buf_deinit) struct buf again = BUF_INIT(ARENA_BYTES);
    struct mw_span in = span_of(data, len);
    struct gate_learned *learned;
    struct gate_consent consent, *consents;
    struct learn_evidence e;
    size_t n;

    if (learn_read(&e, in, &arena) == 0) {
        learn_write(&again, &e);
        same(&again, data, len);
    } else if (learned_read(&learned, &n, in, &arena) == 0) {
        for (size_t i = 0; i < n; i++)
            if (learned[i].host[0] == '\0')
                abort();
        learned_write(&again, learned, n);
        same(&again, data, len);
    } else if (consent_read(&consent, in, &arena) == 0) {
        consent_write(&again, &consent);
        same(&again, data, len);
    } else if (consents_read(&consents, &n, in, &arena) == 0) {
        consents_write(&again, consents, n);
        same(&again, data, len);
    }
    return 0;
}
