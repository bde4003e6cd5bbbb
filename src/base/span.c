#include "base/span.h"

#include <stdlib.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool span_eq_nocase(struct mw_span a, struct mw_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (a.data[i] != b.data[i] && lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool span_ends_nocase(struct mw_span whole, struct mw_span tail)
{
    if (whole.len < tail.len)
        return false;
    return span_eq_nocase(span_cut(whole, whole.len - tail.len, tail.len), tail);
}

int span_cmp(struct mw_span a, struct mw_span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n != 0 ? memcmp(a.data, b.data, n) : 0;

    if (c != 0)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

struct mw_span span_cut(struct mw_span s, size_t from, size_t len)
{
    if (from >= s.len)
        return (struct mw_span){ NULL, 0 };
    if (len > s.len - from)
        len = s.len - from;
    return (struct mw_span){ s.data + from, len };
}

bool span_field(struct mw_span *rest, char mark, struct mw_span *field)
{
    const uint8_t *at;

    if (rest->len == 0)
        return false;
    at = memchr(rest->data, mark, rest->len);
    if (at == NULL) {
        *field = *rest;
        *rest = (struct mw_span){ NULL, 0 };
        return true;
    }
    *field = span_of(rest->data, (size_t)(at - rest->data));
    *rest = span_cut(*rest, field->len + 1, rest->len);
    return true;
}

bool span_line(struct mw_span *rest, struct mw_span *line)
{
    if (!span_field(rest, '\n', line))
        return false;
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

struct mw_span span_trim(struct mw_span s)
{
    while (s.len > 0 && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = span_cut(s, 1, s.len);
    while (s.len > 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

char *span_dup(struct mw_span s)
{
    char *copy = malloc(s.len + 1);

    if (copy == NULL)
        return NULL;
    if (s.len > 0)
        memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    return copy;
}
