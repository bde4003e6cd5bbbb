/* FramedContent (RFC 9420 6), what is signed of a message. */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("framed_content", data, len);
}
