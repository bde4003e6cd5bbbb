/* What a client of an HTTP proxy says first: however it is split, the same comes of it. */
#include "fuzz_door.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    return fuzz_door(GATE_ENTRANCE_HTTP, data, len);
}
