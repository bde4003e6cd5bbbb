#include "http/request.h"

enum { METHOD_MAX = 32 };

/* RFC 9113 section 3.4. */
static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static bool begins(struct mw_span in, struct mw_span with)
{
    return span_eq(span_cut(in, 0, with.len), with);
}

/* RFC 9112 section 3, as the more lenient of servers read it. */
static bool is_request_line(struct mw_span line)
{
    for (size_t i = 1; i + 5 <= line.len; i++)
        if ((line.data[i - 1] == ' ' || line.data[i - 1] == '\t') &&
            span_eq_nocase(span_cut(line, i, 5), SPAN_LIT("HTTP/")))
            return true;
    return false;
}

/* Such as all methods are that anybody registered. */
static bool is_usual(struct mw_span method)
{
    for (size_t i = 0; i < method.len; i++)
        if ((method.data[i] < 'A' || method.data[i] > 'Z') && method.data[i] != '-')
            return false;
    return method.len > 0 && method.len <= METHOD_MAX;
}

static enum http_look look(struct mw_span in)
{
    static const char *const known[] = { "GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ",
                                         "PATCH " };
    const uint8_t *end;
    size_t i = 0;

    for (size_t k = 0; k < ARRAY_LEN(known); k++)
        if (begins(in, span_str(known[k])))
            return HTTP_LOOK_H1;
    while (i < in.len && http_is_token(span_cut(in, i, 1)))
        i++;
    if (i == in.len)
        return is_usual(in) ? HTTP_LOOK_MORE : HTTP_LOOK_MAYBE;
    if (i == 0 || (in.data[i] != ' ' && in.data[i] != '\t'))
        return HTTP_LOOK_NOT;
    end = memchr(in.data, '\n', in.len);
    if (end == NULL)
        return is_usual(span_cut(in, 0, i)) ? HTTP_LOOK_MORE : HTTP_LOOK_MAYBE;
    return is_request_line(span_of(in.data, (size_t)(end - in.data))) ? HTTP_LOOK_H1
                                                                      : HTTP_LOOK_NOT;
}

enum http_look http_look(struct mw_span in)
{
    const struct mw_span preface = span_of(PREFACE, sizeof(PREFACE) - 1);
    enum http_look found;
    size_t i = 0;

    if (begins(in, preface))
        return HTTP_LOOK_H2;
    if (in.len > 0 && begins(preface, in))
        return HTTP_LOOK_MORE;
    while (i < in.len && (in.data[i] == '\r' || in.data[i] == '\n'))
        i++;
    found = look(span_cut(in, i, SIZE_MAX));
    if (in.len < HTTP_LOOK_BYTES || (found != HTTP_LOOK_MAYBE && found != HTTP_LOOK_MORE))
        return found;
    /* Nobody's method is that long; a target may be, and is then refused. */
    return memchr(in.data + i, ' ', in.len - i) == NULL && i == 0 ? HTTP_LOOK_NOT : HTTP_LOOK_H1;
}
