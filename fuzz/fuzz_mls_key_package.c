/* KeyPackage (RFC 9420 10). */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("key_package", data, len);
}
