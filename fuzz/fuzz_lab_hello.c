/* A ClientHello as the lab reads it out of its records: what it found lies in the message. */
#include <stdlib.h>

#include "fuzz.h"
#include "lab/hello.h"

static int within(struct mw_span part, struct mw_span whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(HELLO_MAX);
    struct hello h;

    if (lab_hello_read(&h, span_of(data, len), &message) != HELLO_DONE)
        return 0;
    if (!within(h.server_name, buf_span(&message)) || !within(h.suites, buf_span(&message)) ||
        !within(h.random, buf_span(&message)))
        abort();
    lab_hello_offers(&h, 0x1301);
    return 0;
}
