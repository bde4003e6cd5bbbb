/* PublicMessage (RFC 9420 6.2). */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("public_message", data, len);
}
