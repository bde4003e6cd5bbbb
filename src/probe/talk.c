#include "probe/talk.h"

#include "base/text.h"

void talk_deinit(struct talk *t)
{
    buf_deinit(&t->in);
    buf_deinit(&t->out);
    buf_deinit(&t->why);
    *t = (struct talk)TALK_INIT;
}

struct mw_span talk_rest(const struct talk *t)
{
    return span_cut(buf_span(&t->in), t->used, SIZE_MAX);
}

enum talk_state talk_line(struct talk *t, struct mw_span *line)
{
    struct mw_span rest = talk_rest(t);
    const uint8_t *lf = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL;
    size_t len = lf != NULL ? (size_t)(lf - rest.data) : rest.len;

    if (len > TALK_MAX_LINE)
        return talk_end(t, TALK_BROKEN, "it sends a line over 4 KiB", span_cut(rest, 0, 0));
    if (lf == NULL)
        return TALK_MORE;
    t->used += len + 1;
    if (len > 0 && rest.data[len - 1] == '\r')
        len--;
    *line = span_cut(rest, 0, len);
    return TALK_DONE;
}

enum talk_state talk_end(struct talk *t, enum talk_state state, const char *text,
                         struct mw_span words)
{
    buf_truncate(&t->why, 0);
    buf_str(&t->why, text);
    if (words.len > 0) {
        buf_str(&t->why, ": \"");
        text_safe(&t->why, words, 160);
        buf_str(&t->why, "\"");
    }
    return state;
}
