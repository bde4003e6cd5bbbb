#include "trust/catalogue_pattern.h"

/* Part of a word: ASCII letters and digits, and every byte of a longer UTF-8 character. */
static bool in_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static struct mw_span trimmed(struct mw_span s)
{
    while (s.len > 0 && (s.data[0] == ' ' || (s.data[0] >= '\t' && s.data[0] <= '\r')))
        s = span_cut(s, 1, s.len);
    while (s.len > 0 &&
           (s.data[s.len - 1] == ' ' || (s.data[s.len - 1] >= '\t' && s.data[s.len - 1] <= '\r')))
        s.len--;
    return s;
}

static bool has_word(struct mw_span pattern, struct mw_span value)
{
    for (size_t at = 0; at + pattern.len <= value.len; at++) {
        size_t end = at + pattern.len;

        if (at > 0 && in_word(value.data[at - 1]))
            continue;
        if (end < value.len && in_word(value.data[end]))
            continue;
        if (span_eq_nocase(span_cut(value, at, pattern.len), pattern))
            return true;
    }
    return false;
}

bool pattern_match(enum pattern_op op, struct mw_span pattern, struct mw_span value)
{
    value = trimmed(value);
    pattern = op == PATTERN_BEGINS ? pattern : trimmed(pattern);
    if (pattern.len == 0 || pattern.len > value.len)
        return false;
    switch (op) {
    case PATTERN_IS:
        return span_eq_nocase(pattern, value);
    case PATTERN_BEGINS:
        return span_eq_nocase(pattern, span_cut(value, 0, pattern.len));
    case PATTERN_ENDS:
        return span_ends_nocase(value, pattern);
    case PATTERN_HAS_WORD:
        return has_word(pattern, value);
    }
    return false;
}
