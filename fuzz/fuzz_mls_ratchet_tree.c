/* The form of the ratchet_tree extension (RFC 9420 12.4.3.3); its sense is the tree's
 * own target. */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_mls("ratchet_tree", data, len);
}
