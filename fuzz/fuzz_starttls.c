/*
 * A server's words before TLS, in pieces: the first byte chooses the protocol and the size of
 * the pieces.  It ends, within its bounds, and never with words left over.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "probe/plain.h"
#include "probe/starttls.h"

static void must(bool promise)
{
    if (!promise)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf said = BUF_INIT(4096);
    struct mw_span rest, piece;
    struct starttls s;
    enum talk_state state;
    size_t step;

    if (len == 0)
        return 0;
    s = (struct starttls)STARTTLS_INIT((enum probe_starttls)(1 + data[0] % 8), "site.lab.test");
    step = 1u + data[0] / 8;
    rest = span_of(data + 1, len - 1);
    plain_describe(rest, &said);
    state = starttls_step(&s);
    while (state == TALK_MORE && rest.len > 0) {
        piece = span_cut(rest, 0, step);
        rest = span_cut(rest, piece.len, SIZE_MAX);
        buf_add(&s.talk.in, piece);
        state = starttls_step(&s);
    }
    must(state != TALK_DONE || talk_rest(&s.talk).len == 0);
    must((state == TALK_REFUSED || state == TALK_BROKEN) == (s.talk.why.len > 0));
    must(s.talk.out.len < 1024 && s.talk.in.len <= TALK_MAX_BYTES);
    for (size_t i = 0; i < s.talk.why.len; i++)
        must(s.talk.why.data[i] >= ' ' && s.talk.why.data[i] != 0x7f);
    talk_deinit(&s.talk);
    return 0;
}
