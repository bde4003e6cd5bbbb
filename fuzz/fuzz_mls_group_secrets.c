/* GroupSecrets (RFC 9420 12.4.3.1), what a Welcome holds for its reader. */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("group_secrets", data, len);
}
