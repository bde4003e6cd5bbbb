/* Lists of extensions (RFC 9420 13.4), and the content of required_capabilities (11.1) and
 * external_senders (12.1.8.1).  The first byte says which. */
#include "fuzz_mls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const nouns[] = { "extensions", "required_capabilities",
                                         "external_senders" };

    if (len == 0)
        return 0;
    return fuzz_mls(nouns[data[0] % ARRAY_LEN(nouns)], data + 1, len - 1);
}
