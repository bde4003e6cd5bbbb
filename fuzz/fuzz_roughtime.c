/* Roughtime answers to one request: an accepted one names a version we offered. */
#include <stdlib.h>

#include "fuzz.h"
#include "probe/roughtime.h"

/* The public key to the private key of 32 bytes of 0x11, as the seeds are signed. */
static const uint8_t key[ROUGHTIME_KEY_BYTES] = {
    0xd0, 0x4a, 0xb2, 0x32, 0x74, 0x2b, 0xb4, 0xab, 0x3a, 0x13, 0x68, 0xbd, 0x46, 0x15, 0xe4, 0xe6,
    0xd0, 0x22, 0x4a, 0xb7, 0x1a, 0x01, 0x6b, 0xaf, 0x85, 0x20, 0xa3, 0x32, 0xc9, 0x77, 0x87, 0x37,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t nonce[ROUGHTIME_NONCE_BYTES] = { 1, 2, 3 };
    uint8_t request[ROUGHTIME_REQUEST_BYTES];
    struct roughtime_answer a;

    roughtime_request_write(request, key, nonce);
    if (roughtime_response_read(&a, span_of(data, len), span_of(request, sizeof request), nonce,
                                key) != 0)
        return 0;
    if (a.radius_s == 0 || (a.version != 1 && a.version != 0x8000000c))
        abort();
    return 0;
}
