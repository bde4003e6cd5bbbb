/* LeafNode (RFC 9420 7.2), with its credential and capabilities. */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("leaf_node", data, len);
}
