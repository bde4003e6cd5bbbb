/* Commit (RFC 9420 12.4), with its proposals and its path. */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("commit", data, len);
}
