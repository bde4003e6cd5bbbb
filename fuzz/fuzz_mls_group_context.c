/* GroupContext (RFC 9420 8.1). */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("group_context", data, len);
}
