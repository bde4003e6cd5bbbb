/* Roughtime requests to the lab's server: an answer is never longer than what was asked. */
#include <stdlib.h>

#include "base/span.h"
#include "fuzz.h"
#include "lab/roughtime_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t secret[32] = { 1 };
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof(secret));
    uint8_t out[4096];
    size_t n = roughtime_answer_write(out, sizeof(out), span_of(data, len), key,
                                      (struct mw_wall){ 1790000000 });

    EVP_PKEY_free(key);
    if (n > len)
        abort();
    return 0;
}
