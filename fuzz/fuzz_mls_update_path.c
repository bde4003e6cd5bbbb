/* UpdatePath (RFC 9420 7.6). */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("update_path", data, len);
}
