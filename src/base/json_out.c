#include "base/json_out.h"

#include "base/clock.h"
#include "base/text.h"

/* RFC 3339 has years of four digits: 0000 to 9999. */
#define TIME_MIN_MS (INT64_C(-62167219200) * 1000)
#define TIME_MAX_MS (INT64_C(253402300799) * 1000)

static void key_out(struct json_out *j, const char *key)
{
    if (j->comma)
        buf_u8(j->to, ',');
    j->comma = true;
    if (key == NULL)
        return;
    buf_u8(j->to, '"');
    buf_str(j->to, key);
    buf_add(j->to, SPAN_LIT("\":"));
}

void json_open(struct json_out *j, const char *key, char bracket)
{
    key_out(j, key);
    buf_u8(j->to, (uint8_t)bracket);
    j->comma = false;
}

void json_close(struct json_out *j, char bracket)
{
    buf_u8(j->to, (uint8_t)bracket);
    j->comma = true;
}

/* RFC 8259 section 7; text_safe() left no control characters. */
static void quoted(struct buf *to, struct mw_span s)
{
    size_t from = 0;

    buf_u8(to, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] != '"' && s.data[i] != '\\')
            continue;
        buf_add(to, span_cut(s, from, i - from));
        buf_u8(to, '\\');
        from = i;
    }
    buf_add(to, span_cut(s, from, s.len));
    buf_u8(to, '"');
}

void json_bytes(struct json_out *j, const char *key, struct mw_span s)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(4 * s.len + 4);
    size_t plain = 0;

    if (s.len == 0)
        return;
    while (plain < s.len && s.data[plain] >= 0x20 && s.data[plain] < 0x7f)
        plain++;
    key_out(j, key);
    if (plain == s.len) {
        quoted(j->to, s);
        return;
    }
    text_safe(&safe, s, 0);
    if (buf_error(&safe) != 0 && j->to->error == 0)
        j->to->error = buf_error(&safe);
    quoted(j->to, buf_span(&safe));
}

void json_text(struct json_out *j, const char *key, const char *s)
{
    json_bytes(j, key, span_str(s));
}

void json_number(struct json_out *j, const char *key, int64_t v)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;

    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (v < 0)
        digits[--at] = '-';
    key_out(j, key);
    buf_add(j->to, span_of(digits + at, sizeof(digits) - at));
}

void json_flag(struct json_out *j, const char *key, bool v)
{
    key_out(j, key);
    buf_str(j->to, v ? "true" : "false");
}

void json_hex(struct json_out *j, const char *key, struct mw_span bytes)
{
    key_out(j, key);
    buf_u8(j->to, '"');
    text_hex(j->to, bytes, 0);
    buf_u8(j->to, '"');
}

void json_time(struct json_out *j, const char *key, int64_t ms)
{
    int64_t s, rest;

    ms = ms < TIME_MIN_MS ? TIME_MIN_MS : ms > TIME_MAX_MS ? TIME_MAX_MS : ms;
    s = ms / 1000 - (ms % 1000 < 0);
    rest = ms - s * 1000;
    key_out(j, key);
    buf_u8(j->to, '"');
    wall_format(j->to, (struct mw_wall){ s });
    if (j->to->error == 0 && j->to->len > 0 && j->to->data[j->to->len - 1] == 'Z')
        buf_truncate(j->to, j->to->len - 1);
    buf_printf(j->to, ".%03dZ\"", (int)rest);
}
