/* Text forms: what is written can be read back, and what is shown is safe to show. */
#include <stdlib.h>

#include "base/text.h"
#include "fuzz.h"

static void must(bool promise)
{
    if (!promise)
        abort();
}

static void round_trips(struct mw_span bytes)
{
    CLEANUP(buf_deinit) struct buf coded = BUF_INIT(1 << 20), back = BUF_INIT(1 << 20);

    text_base64(&coded, bytes);
    must(text_unbase64(&back, buf_span(&coded)) == 0 && span_eq(buf_span(&back), bytes));
    buf_truncate(&coded, 0);
    buf_truncate(&back, 0);
    text_hex(&coded, bytes, ':');
    must(text_unhex(&back, buf_span(&coded)) == 0 && span_eq(buf_span(&back), bytes));
}

static void reads_strangers(struct mw_span text)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    int64_t number = 0;

    if (text_unbase64(&out, text) == 0)
        must(out.len <= text.len);
    buf_truncate(&out, 0);
    if (text_unhex(&out, text) == 0)
        must(out.len <= text.len / 2);
    if (text_number(text, -1000, 1000, &number) == 0)
        must(number >= -1000 && number <= 1000);
}

static void shows_safely(struct mw_span text, size_t max)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);

    text_safe(&out, text, max);
    must(max == 0 || out.len <= max + strlen("…"));
    for (size_t i = 0; i < out.len; i++)
        must(out.data[i] >= 0x20 && out.data[i] != 0x7f);
    text_safe(&again, buf_span(&out), 0);
    must(span_eq(buf_span(&again), buf_span(&out))); /* nothing unsafe was left */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mw_span all = span_of(data, len);

    if (len > 1 << 15)
        return 0;
    round_trips(all);
    reads_strangers(all);
    shows_safely(all, 0);
    shows_safely(all, len > 0 ? 1 + data[0] : 0);
    return 0;
}
