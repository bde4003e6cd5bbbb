#include "crypto_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/text.h"

int test_crypto_open(void **state)
{
    struct mw_crypto *c;
    int r = mw_crypto_new(&c);

    *state = c;
    return r;
}

int test_crypto_close(void **state)
{
    mw_crypto_free(*state);
    return 0;
}

struct mw_span test_hex(int slot, const char *hex)
{
    static uint8_t bytes[8][512];
    struct buf b = BUF_INIT(sizeof bytes[0]);
    size_t len;

    assert_in_range(slot, 0, 7);
    assert_int_equal(text_unhex(&b, span_str(hex)), 0);
    len = b.len;
    if (len > 0)
        memcpy(bytes[slot], b.data, len);
    buf_deinit(&b);
    return span_of(bytes[slot], len);
}
