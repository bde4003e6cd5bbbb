/* Proposal (RFC 9420 12.1). */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("proposal", data, len);
}
