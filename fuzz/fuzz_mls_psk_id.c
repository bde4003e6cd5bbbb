/* PreSharedKeyID (RFC 9420 8.4). */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("psk_id", data, len);
}
