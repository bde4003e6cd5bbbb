#include "base/text.h"

#include <errno.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_hex(struct buf *out, struct mw_span bytes, char sep)
{
    size_t len = bytes.len * (sep != 0 ? 3 : 2) - (sep != 0 && bytes.len > 0 ? 1 : 0);
    uint8_t *to = len > 0 ? buf_reserve(out, len) : NULL;

    if (to == NULL)
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        if (sep != 0 && i > 0)
            *to++ = (uint8_t)sep;
        *to++ = (uint8_t)hex_digits[bytes.data[i] >> 4];
        *to++ = (uint8_t)hex_digits[bytes.data[i] & 15];
    }
    buf_took(out, len);
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int text_unhex(struct buf *out, struct mw_span hex)
{
    int high = -1;

    for (size_t i = 0; i < hex.len; i++) {
        uint8_t c = hex.data[i];
        int v = hex_value(c);

        if (c == ':' || c == ' ')
            continue;
        if (v < 0)
            return -EINVAL;
        if (high < 0) {
            high = v;
            continue;
        }
        buf_u8(out, (uint8_t)(high << 4 | v));
        high = -1;
    }
    return high < 0 ? buf_error(out) : -EINVAL;
}

void text_base64(struct buf *out, struct mw_span bytes)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t v = 0;
        char quad[5] = "====";

        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? bytes.data[i + k] : 0);
        for (size_t k = 0; k <= n; k++)
            quad[k] = base64_digits[v >> (18 - 6 * k) & 63];
        buf_str(out, quad);
    }
}

static int base64_value(uint8_t c)
{
    const char *at = c != 0 ? strchr(base64_digits, c) : NULL;

    return at != NULL ? (int)(at - base64_digits) : -1;
}

int text_unbase64(struct buf *out, struct mw_span text)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t i = 0;

    for (; i < text.len && text.data[i] != '='; i++) {
        uint8_t c = text.data[i];
        int v = base64_value(c);

        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        if (v < 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)v;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf_u8(out, (uint8_t)(bits >> held));
        }
    }
    for (; i < text.len; i++)
        if (text.data[i] == 0 || strchr("= \r\n\t", text.data[i]) == NULL)
            return -EINVAL;
    if (held == 6) /* one lonely character holds no whole byte */
        return -EINVAL;
    return buf_error(out);
}

/* The length of the UTF-8 character at the front (RFC 3629), 0 if malformed. */
static size_t utf8_len(struct mw_span s, uint32_t *code)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {
        {0x80,  0x00, 0      },
        { 0xe0, 0xc0, 0x80   },
        { 0xf0, 0xe0, 0x800  },
        { 0xf8, 0xf0, 0x10000}
    };
    size_t n = 0;

    while (n < ARRAY_LEN(forms) && (s.data[0] & forms[n].mask) != forms[n].lead)
        n++;
    if (n == ARRAY_LEN(forms) || s.len <= n)
        return 0;
    *code = s.data[0] & (uint8_t)~forms[n].mask;
    for (size_t i = 1; i <= n; i++) {
        if ((s.data[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (s.data[i] & 0x3f);
    }
    if (*code < forms[n].least || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return n + 1;
}

/* Control characters, what Unicode shows as nothing or lets reorder what is shown, and what it
 * calls no character at all: one of those makes XML that nobody can read (XML 1.0 2.2). */
static bool shows_safely(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x00,     0x1f   },
        { 0x7f,    0x9f   },
        { 0xad,    0xad   },
        { 0x34f,   0x34f  },
        { 0x61c,   0x61c  },
        { 0x115f,  0x1160 },
        { 0x17b4,  0x17b5 },
        { 0x180b,  0x180f },
        { 0x200b,  0x200f },
        { 0x2028,  0x202e },
        { 0x2060,  0x206f },
        { 0x3164,  0x3164 },
        { 0xfdd0,  0xfdef },
        { 0xfe00,  0xfe0f },
        { 0xfeff,  0xfeff },
        { 0xffa0,  0xffa0 },
        { 0xfff0,  0xfffb },
        { 0xe0000, 0xe0fff},
    };

    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        if (code >= hidden[i].first && code <= hidden[i].last)
            return false;
    return (code & 0xfffe) != 0xfffe;
}

void text_safe(struct buf *out, struct mw_span text, size_t max_bytes)
{
    size_t start = out->len;

    while (text.len > 0) {
        uint32_t code = 0;
        size_t n = utf8_len(text, &code);
        bool plain = n != 0 && shows_safely(code);
        size_t take = n != 0 ? n : 1;
        size_t width = plain ? n : 4 * take;

        if (max_bytes != 0 && out->len - start + width > max_bytes) {
            buf_str(out, "…");
            return;
        }
        if (plain)
            buf_add(out, span_cut(text, 0, n));
        else
            for (size_t i = 0; i < take; i++)
                buf_printf(out, "\\x%02x", text.data[i]);
        text = span_cut(text, take, text.len);
    }
}

int text_number(struct mw_span text, int64_t min, int64_t max, int64_t *out)
{
    bool minus = text.len > 0 && text.data[0] == '-';
    int64_t v = 0;

    if (minus)
        text = span_cut(text, 1, text.len);
    if (text.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, text.data[i] - '0', &v))
            return -EINVAL;
    }
    if (!minus && __builtin_sub_overflow(0, v, &v))
        return -EINVAL;
    if (v < min || v > max)
        return -EINVAL;
    *out = v;
    return 0;
}
