/* MLSMessage (RFC 9420 6), what a client is handed by the network. */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("mls_message", data, len);
}
