/* ParentNode (RFC 9420 7.1). */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("parent_node", data, len);
}
