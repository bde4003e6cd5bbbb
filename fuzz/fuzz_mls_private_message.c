/* PrivateMessage (RFC 9420 6.3). */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("private_message", data, len);
}
