/* The echo's answer and its request target.  A signature over other bytes never holds. */
#include <stdlib.h>

#include "fuzz.h"
#include "net/echo_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t nonce[ECHO_NONCE_BYTES] = { 1, 2, 3 };
    uint8_t other[ECHO_NONCE_BYTES];
    struct echo_answer a;

    if (echo_target_read(span_of(data, len), other) == 0) {
        CLEANUP(buf_deinit) struct buf again = BUF_INIT(256);

        echo_target_write(&again, other);
        if (again.len != len)
            abort();
    }
    if (echo_answer_read(&a, span_of(data, len), nonce,
                         "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") != 0)
        return 0;
    if (a.signature_good || a.key_expected || a.claim.hello.len == 0)
        abort();
    echo_answer_deinit(&a);
    return 0;
}
