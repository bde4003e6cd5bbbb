/* A ClientHello as the gate reads it: what was found lies in the message, and the answer does not
 * change when less or more has arrived. */
#include <stdlib.h>

#include "fuzz.h"
#include "gate/policy/ja4.h"

static int within(struct mw_span part, struct mw_span whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void check_done(const struct hello *h, size_t len)
{
    char ja4[JA4_TEXT];

    if (!within(h->server_name, h->message) || !within(h->suites, h->message) ||
        !within(h->random, h->message) || !within(h->alpn, h->message) ||
        !within(h->versions, h->message) || !within(h->groups, h->message) ||
        !within(h->signature_schemes, h->message) || !within(h->extensions, h->message))
        abort();
    if (h->records_len > len || h->random.len != 32 || h->message.len > HELLO_MAX_BYTES)
        abort();
    hello_offers_alpn(h, "h2");
    hello_takes_ecdsa(h);
    ja4_text(h, 't', ja4);
    if (strlen(ja4) != JA4_TEXT - 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *scratch = malloc(HELLO_MAX_BYTES);
    enum hello_state state, shorter;
    struct hello h, other;

    if (scratch == NULL)
        return 0;
    state = hello_read(&h, span_of(data, len), scratch);
    if (state == HELLO_DONE)
        check_done(&h, len);
    if ((state == HELLO_BAD || state == HELLO_TOO_BIG) != (h.wrong != NULL))
        abort();
    /* With half of it, the reader wants more, or says what it also says to the whole. */
    shorter = hello_read(&other, span_of(data, len / 2), scratch);
    if (shorter != HELLO_MORE && shorter != state)
        abort();
    free(scratch);
    return 0;
}
