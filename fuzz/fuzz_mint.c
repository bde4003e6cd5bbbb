/* What workers and the forge say to each other: read back from what was written, it is the same,
 * and nothing that is read lies outside the message. */
#include <stdlib.h>

#include "fuzz.h"
#include "gate/wire/channel.h"
#include "gate/wire/mint.h"

static int within(struct mw_span part, struct mw_span whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf again = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct mw_span message = span_of(data, len);
    struct mint_answer answer;
    struct mint_ask ask;

    if (len > CHANNEL_MAX_MESSAGE)
        return 0;
    if (mint_ask_read(&ask, message) == 0) {
        if (!within(ask.spki, message) || !within(ask.host, message) ||
            !within(ask.origin, message))
            abort();
        mint_ask_write(&again, &ask);
    } else if (mint_answer_read(&answer, message) == 0) {
        if (!within(answer.why, message) || !within(answer.leaf, message) ||
            !within(answer.intermediate, message))
            abort();
        mint_answer_write(&again, &answer);
    } else {
        return 0;
    }
    if (buf_error(&again) < 0 || !span_eq(buf_span(&again), message))
        abort();
    return 0;
}
