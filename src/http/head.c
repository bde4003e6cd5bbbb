#include "http/head.h"

#include "base/text.h"

const char *http_error_text(enum http_error error)
{
    static const char *const texts[] = {
        [HTTP_E_OK] = "no error",
        [HTTP_E_START_LINE] = "the first line is not HTTP/1.1",
        [HTTP_E_FIELD] = "a malformed header field",
        [HTTP_E_TOO_BIG] = "more bytes than the limit",
        [HTTP_E_TOO_MANY] = "more header fields than the limit",
        [HTTP_E_LENGTH] = "conflicting or malformed Content-Length",
        [HTTP_E_CODING] = "an unknown Transfer-Encoding",
        [HTTP_E_CHUNK] = "malformed chunks",
        [HTTP_E_CUT] = "closed before the end",
        [HTTP_E_HOST] = "no Host field, or two",
        [HTTP_E_LONG_LINE] = "the first line is longer than the limit",
        [HTTP_E_MEMORY] = "out of memory",
    };

    return texts[error];
}

/* ------------------------------------------------------------------------ tokens ---- */

/* RFC 9110 section 5.6.2: letters, digits and !#$%&'*+-.^_`|~ */
static const bool token_chars[256] = {
    ['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true,
    ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true,
    ['`'] = true, ['|'] = true, ['~'] = true,
    ['0'] = true, true, true, true, true, true, true, true, true, true,
    ['A'] = true, true, true, true, true, true, true, true, true, true, true, true, true,
            true, true, true, true, true, true, true, true, true, true, true, true, true,
    ['a'] = true, true, true, true, true, true, true, true, true, true, true, true, true,
            true, true, true, true, true, true, true, true, true, true, true, true, true,
};

static size_t token_len(struct mw_span s)
{
    size_t i = 0;

    while (i < s.len && token_chars[s.data[i]])
        i++;
    return i;
}

bool http_is_token(struct mw_span s)
{
    return s.len > 0 && token_len(s) == s.len;
}

/* Eight bytes at once: is one of them below space, or DEL?  Tabs are told apart afterwards. */
static inline bool may_hold_controls(const uint8_t *at)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    uint64_t v, del;

    memcpy(&v, at, sizeof(v));
    del = v ^ 0x7f * ones;
    return ((((v - 0x20 * ones) & ~v) | ((del - ones) & ~del)) & tops) != 0;
}

static inline bool is_value_char(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

/* RFC 9110 section 5.5: no CR, LF or NUL; other controls have no business there either. */
bool http_is_value(struct mw_span s)
{
    size_t i = 0;

    for (; i + 8 <= s.len; i += 8) {
        for (size_t k = i; may_hold_controls(s.data + i) && k < i + 8; k++) {
            if (!is_value_char(s.data[k]))
                return false;
        }
    }
    for (; i < s.len; i++) {
        if (!is_value_char(s.data[i]))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------- lines ---- */

static enum http_error cut_field(struct mw_span line, struct http_field *f)
{
    size_t name = token_len(line);

    /* A folded line begins with a space, which no token does (RFC 9112 section 5.2); neither
     * does a name end in one (5.1). */
    if (name == 0 || name == line.len || line.data[name] != ':')
        return HTTP_E_FIELD;
    f->name = span_of(line.data, name);
    f->value = span_trim(span_of(line.data + name + 1, line.len - name - 1));
    return http_is_value(f->value) ? HTTP_E_OK : HTTP_E_FIELD;
}

static enum http_state bad(struct http_head *head, enum http_error error)
{
    head->error = error;
    head->n_fields = 0;             /* of a head that is refused nothing is told */
    return HTTP_BAD;
}

/* One line without its end.  store: not only looked at. */
static enum http_error read_line(struct http_head *head, struct mw_span line, bool first,
                                 size_t field, bool store)
{
    struct http_field looked_at;
    bool fits = field < HTTP_MAX_FIELDS;
    enum http_error error;

    if (first) {
        head->start_line = line;
        return http_is_value(line) ? HTTP_E_OK : HTTP_E_START_LINE;
    }
    error = cut_field(line, store && fits ? &head->fields[field] : &looked_at);
    if (error != HTTP_E_OK)
        return error;
    head->n_fields = field + 1;
    return fits ? HTTP_E_OK : HTTP_E_TOO_MANY;
}

/* No end of line has come: the line may go on, within limits. */
static enum http_state wait(struct http_head *head, struct http_mark *mark, struct mw_span bytes,
                            bool first)
{
    if (first && bytes.len - mark->at > HTTP_MAX_LINE + 1)
        return bad(head, HTTP_E_LONG_LINE);
    if (bytes.len >= HTTP_MAX_HEAD)
        return bad(head, HTTP_E_TOO_BIG);
    mark->seen = bytes.len;
    head->n_fields = 0;             /* none is told before all are good */
    return HTTP_MORE;
}

/* The first line is the start line where `starts` is 1, else there is none. */
static enum http_state read_lines(struct http_head *head, struct http_mark *mark,
                                  struct mw_span bytes, unsigned starts)
{
    bool whole = mark->at == 0;

    head->n_fields = 0;
    head->error = HTTP_E_OK;
    while (bytes.len > 0) {
        bool first = mark->lines < starts;
        size_t from = mark->seen > mark->at ? mark->seen : mark->at;
        const uint8_t *line = bytes.data + mark->at, *lf;
        enum http_error error;
        size_t len;

        lf = from < bytes.len ? memchr(bytes.data + from, '\n', bytes.len - from) : NULL;
        if (lf == NULL)
            return wait(head, mark, bytes, first);
        len = (size_t)(lf - line);
        if (first && len > HTTP_MAX_LINE + 1)
            return bad(head, HTTP_E_LONG_LINE);
        if (mark->at + len >= HTTP_MAX_HEAD)
            return bad(head, HTTP_E_TOO_BIG);
        /* RFC 9112 section 2.2 lets a lone LF end a line, and a lone CR mean many things; here
         * neither passes. */
        if (len == 0 || lf[-1] != '\r')
            return bad(head, first ? HTTP_E_START_LINE : HTTP_E_FIELD);
        if (len == 1 && !first)
            break;
        error = read_line(head, span_of(line, len - 1), first, mark->lines - starts, whole);
        if (error != HTTP_E_OK)
            return bad(head, error);
        mark->at += len + 1;
        mark->lines++;
    }
    if (bytes.len == 0)
        return HTTP_MORE;
    head->len = mark->at + 2;
    *mark = (struct http_mark){ 0 };
    /* Lines that came in parts were looked at; now that they stay where they are, cut them. */
    return whole ? HTTP_DONE : read_lines(head, mark, bytes, starts);
}

enum http_state http_head_read(struct http_head *head, struct http_mark *mark,
                               struct mw_span bytes)
{
    return read_lines(head, mark, bytes, 1);
}

enum http_state http_fields_read(struct http_head *head, struct http_mark *mark,
                                 struct mw_span bytes)
{
    return read_lines(head, mark, bytes, 0);
}

/* ------------------------------------------------------------------------ fields ---- */

size_t http_head_count(const struct http_head *head, struct mw_span name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->n_fields; i++)
        count += span_eq_nocase(head->fields[i].name, name) ? 1 : 0;
    return count;
}

struct mw_span http_head_find(const struct http_head *head, struct mw_span name)
{
    struct mw_span found = { NULL, 0 };
    size_t count = 0;

    for (size_t i = 0; i < head->n_fields; i++) {
        if (!span_eq_nocase(head->fields[i].name, name))
            continue;
        found = head->fields[i].value;
        if (++count > 1)
            return (struct mw_span){ NULL, 0 };
    }
    return found;
}

enum http_error http_head_frame(const struct http_head *head, enum http_body_kind *kind,
                                uint64_t *length)
{
    const struct http_field *found[2] = { NULL, NULL };
    size_t count[2] = { 0, 0 };
    int64_t number;

    for (size_t i = 0; i < head->n_fields; i++) {
        const struct http_field *f = &head->fields[i];
        int which = f->name.len == 17 ? 0 : 1;

        if ((f->name.len == 17 && span_eq_nocase(f->name, SPAN_LIT("transfer-encoding"))) ||
            (f->name.len == 14 && span_eq_nocase(f->name, SPAN_LIT("content-length")))) {
            found[which] = f;
            count[which]++;
        }
    }
    if (found[0] != NULL) {
        /* RFC 9112 section 6.1: beside Content-Length it is an attack until shown otherwise. */
        if (found[1] != NULL)
            return HTTP_E_LENGTH;
        if (count[0] > 1 || !span_eq_nocase(found[0]->value, SPAN_LIT("chunked")))
            return HTTP_E_CODING;
        *kind = HTTP_BODY_CHUNKED;
    } else if (found[1] != NULL) {
        if (count[1] > 1 || text_number(found[1]->value, 0, INT64_MAX, &number) != 0)
            return HTTP_E_LENGTH;
        *kind = HTTP_BODY_LENGTH;
        *length = (uint64_t)number;
    }
    return HTTP_E_OK;
}

/* ------------------------------------------------------------------- start lines ---- */

static bool is_target(struct mw_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f)
            return false;
    }
    return s.len > 0;
}

bool http_request_line(struct mw_span line, struct mw_span *method, struct mw_span *target,
                       int *minor)
{
    struct mw_span rest = line;

    if (!span_field(&rest, ' ', method) || !span_field(&rest, ' ', target))
        return false;
    if (span_eq(rest, SPAN_LIT("HTTP/1.1")))
        *minor = 1;
    else if (span_eq(rest, SPAN_LIT("HTTP/1.0")))
        *minor = 0;
    else
        return false;
    return http_is_token(*method) && is_target(*target);
}

/* The reason's space is often missing where it is empty, and nobody reads it anyway. */
bool http_status_line(struct mw_span line, int *minor, int *status, struct mw_span *reason)
{
    int64_t number;

    if (line.len < 12 || memcmp(line.data, "HTTP/1.", 7) != 0 || line.data[8] != ' ' ||
        (line.data[7] != '0' && line.data[7] != '1') ||
        (line.len > 12 && line.data[12] != ' ') ||
        text_number(span_cut(line, 9, 3), 100, 599, &number) != 0)
        return false;
    *minor = line.data[7] - '0';
    *status = (int)number;
    *reason = span_cut(line, 13, SIZE_MAX);
    return true;
}
