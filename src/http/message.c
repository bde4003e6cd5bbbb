#include "http/message.h"

#include "base/text.h"

/* m->step: where in the message we are. */
enum {
    IN_HEAD,
    IN_BODY,
    IN_CHUNK_LINE,
    IN_CHUNK,
    IN_CHUNK_END,
    IN_TRAILER,
    AT_END,
};

void http_message_deinit(struct http_message *m)
{
    buf_deinit(&m->head);
    buf_deinit(&m->body);
    buf_deinit(&m->line);
    *m = (struct http_message)HTTP_MESSAGE_INIT(m->body.max);
}

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
    };

    return texts[error];
}

static enum http_state bad(struct http_message *m, enum http_error error)
{
    if (m->error == HTTP_E_OK)
        m->error = error;
    return HTTP_BAD;
}

static bool is_token_char(uint8_t c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && strchr(others, c) != NULL);
}

bool http_is_token(struct mw_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_token_char(s.data[i]))
            return false;
    }
    return s.len > 0;
}

/* RFC 9110 section 5.5: no CR, LF or NUL; other controls have no business there either. */
bool http_is_value(struct mw_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((s.data[i] < ' ' && s.data[i] != '\t') || s.data[i] == 0x7f)
            return false;
    }
    return true;
}

size_t http_field_count(const struct http_message *m, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < m->n_fields; i++)
        count += span_eq_nocase(m->fields[i].name, span_str(name)) ? 1 : 0;
    return count;
}

struct mw_span http_field_find(const struct http_message *m, const char *name)
{
    struct mw_span found = { NULL, 0 };

    if (http_field_count(m, name) != 1)
        return found;
    for (size_t i = 0; i < m->n_fields; i++) {
        if (span_eq_nocase(m->fields[i].name, span_str(name)))
            found = m->fields[i].value;
    }
    return found;
}

/* ------------------------------------------------------------------------- head ---- */

/* One line, its CRLF dropped.  RFC 9112 section 2.2 lets a lone LF end a line, and a lone CR
 * mean many things; neither passes. */
static bool take_crlf_line(struct mw_span *rest, struct mw_span *line)
{
    const uint8_t *lf = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len;

    if (lf == NULL || lf == rest->data || lf[-1] != '\r')
        return false;
    len = (size_t)(lf - rest->data) - 1;
    *line = span_of(rest->data, len);
    *rest = span_cut(*rest, len + 2, SIZE_MAX);
    return memchr(line->data, '\r', len) == NULL;
}

static enum http_error cut_field(struct http_message *m, struct mw_span line)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    struct http_field f;

    if (colon == NULL)
        return HTTP_E_FIELD;
    f.name = span_of(line.data, (size_t)(colon - line.data));
    f.value = span_trim(span_cut(line, f.name.len + 1, SIZE_MAX));
    /* A folded line begins with a space, which no token does (RFC 9112 section 5.2); neither
     * does a name end in one (5.1). */
    if (!http_is_token(f.name) || !http_is_value(f.value))
        return HTTP_E_FIELD;
    if (m->n_fields == HTTP_MAX_FIELDS)
        return HTTP_E_TOO_MANY;
    m->fields[m->n_fields++] = f;
    return HTTP_E_OK;
}

static enum http_state cut_head(struct http_message *m)
{
    struct mw_span rest = buf_span(&m->head), line;
    enum http_error error;

    rest.len -= 2;                  /* the empty line */
    if (!take_crlf_line(&rest, &m->start_line) || m->start_line.len > HTTP_MAX_LINE ||
        !http_is_value(m->start_line))
        return bad(m, HTTP_E_START_LINE);
    while (rest.len > 0) {
        if (!take_crlf_line(&rest, &line))
            return bad(m, HTTP_E_FIELD);
        error = cut_field(m, line);
        if (error != HTTP_E_OK)
            return bad(m, error);
    }
    m->step = IN_BODY;
    return HTTP_DONE;
}

/* How much of `in` belongs to the head: up to the empty line, or all of it. */
static bool head_ends(const struct buf *head, struct mw_span in, size_t *take)
{
    static const uint8_t mark[] = { '\r', '\n', '\r', '\n' };
    size_t matched = 0;

    /* What of the mark is already there; it never overlaps itself but for "\r\n". */
    for (size_t n = head->len < 3 ? head->len : 3; n > 0 && matched == 0; n--) {
        if (memcmp(head->data + head->len - n, mark, n) == 0)
            matched = n;
    }
    for (size_t i = 0; i < in.len; i++) {
        if (in.data[i] == mark[matched])
            matched++;
        else
            matched = in.data[i] == '\r' ? 1 : 0;
        if (matched == sizeof(mark)) {
            *take = i + 1;
            return true;
        }
    }
    *take = in.len;
    return false;
}

enum http_state http_head_feed(struct http_message *m, struct mw_span *in)
{
    size_t take;
    bool ends;

    if (m->error != HTTP_E_OK)
        return HTTP_BAD;
    if (m->step != IN_HEAD)
        return HTTP_DONE;
    ends = head_ends(&m->head, *in, &take);
    buf_add(&m->head, span_cut(*in, 0, take));
    *in = span_cut(*in, take, SIZE_MAX);
    if (buf_error(&m->head) != 0)
        return bad(m, HTTP_E_TOO_BIG);
    return ends ? cut_head(m) : HTTP_MORE;
}

/* ------------------------------------------------------------------------- body ---- */

enum http_state http_body_frame(struct http_message *m, enum http_body_kind *kind)
{
    size_t lengths = http_field_count(m, "content-length");
    size_t codings = http_field_count(m, "transfer-encoding");
    int64_t length;

    if (codings > 0) {
        /* RFC 9112 section 6.1: beside Content-Length it is an attack until shown otherwise. */
        if (lengths > 0)
            return bad(m, HTTP_E_LENGTH);
        if (codings > 1 ||
            !span_eq_nocase(http_field_find(m, "transfer-encoding"), SPAN_LIT("chunked")))
            return bad(m, HTTP_E_CODING);
        *kind = HTTP_BODY_CHUNKED;
    } else if (lengths > 0) {
        if (lengths > 1 ||
            text_number(http_field_find(m, "content-length"), 0, INT64_MAX, &length) != 0)
            return bad(m, HTTP_E_LENGTH);
        *kind = HTTP_BODY_LENGTH;
        m->left = (uint64_t)length;
    }
    return HTTP_DONE;
}

static enum http_state take_body(struct http_message *m, struct mw_span *in)
{
    size_t take = in->len < m->left ? in->len : (size_t)m->left;

    buf_add(&m->body, span_cut(*in, 0, take));
    *in = span_cut(*in, take, SIZE_MAX);
    m->left -= take;
    return buf_error(&m->body) != 0 ? bad(m, HTTP_E_TOO_BIG) : HTTP_DONE;
}

/* HTTP_DONE: m->line holds a line without its CRLF. */
static enum http_state take_chunk_line(struct http_message *m, struct mw_span *in)
{
    while (in->len > 0) {
        uint8_t c = in->data[0];

        *in = span_cut(*in, 1, SIZE_MAX);
        if (c == '\n') {
            if (m->line.len == 0 || m->line.data[m->line.len - 1] != '\r')
                return bad(m, HTTP_E_CHUNK);
            buf_truncate(&m->line, m->line.len - 1);
            return http_is_value(buf_span(&m->line)) ? HTTP_DONE : bad(m, HTTP_E_CHUNK);
        }
        buf_u8(&m->line, c);
        if (buf_error(&m->line) != 0)
            return bad(m, HTTP_E_CHUNK);
    }
    return HTTP_MORE;
}

/* RFC 9112 section 7.1: hex digits, then nothing or an extension, which is ignored. */
static enum http_state read_chunk_size(struct http_message *m)
{
    struct mw_span line = buf_span(&m->line);
    uint64_t size = 0;
    size_t i = 0;

    for (; i < line.len; i++) {
        uint8_t c = line.data[i] | 0x20;
        unsigned digit;

        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10u;
        else
            break;
        if (i == 15)
            return bad(m, HTTP_E_CHUNK);
        size = size << 4 | digit;
    }
    if (i == 0 || (i < line.len && line.data[i] != ';'))
        return bad(m, HTTP_E_CHUNK);
    m->left = size;
    m->step = size > 0 ? IN_CHUNK : IN_TRAILER;
    buf_truncate(&m->line, 0);
    return HTTP_DONE;
}

/* Trailer fields are checked for form and dropped (RFC 9112 section 7.1.2), within the head's
 * limit of fields. */
static enum http_state read_trailer(struct http_message *m)
{
    struct mw_span line = buf_span(&m->line);
    size_t n = m->n_fields;
    enum http_error error;

    if (line.len == 0) {
        m->step = AT_END;
        return HTTP_DONE;
    }
    error = cut_field(m, line);
    m->n_fields = n;
    buf_truncate(&m->line, 0);
    if (error != HTTP_E_OK)
        return bad(m, error);
    return ++m->left > HTTP_MAX_FIELDS ? bad(m, HTTP_E_TOO_MANY) : HTTP_DONE;
}

/* "\r\n" after a chunk's bytes. */
static enum http_state end_chunk(struct http_message *m)
{
    if (m->line.len != 0)
        return bad(m, HTTP_E_CHUNK);
    m->step = IN_CHUNK_LINE;
    return HTTP_DONE;
}

static enum http_state feed_chunks(struct http_message *m, struct mw_span *in)
{
    enum http_state state = HTTP_DONE;

    if (m->step == IN_BODY)
        m->step = IN_CHUNK_LINE;
    while (state == HTTP_DONE && m->step != AT_END) {
        if (m->step == IN_CHUNK) {
            if (in->len == 0)
                return HTTP_MORE;
            state = take_body(m, in);
            if (m->left == 0)
                m->step = IN_CHUNK_END;
            continue;
        }
        state = take_chunk_line(m, in);
        if (state != HTTP_DONE)
            break;
        if (m->step == IN_CHUNK_LINE)
            state = read_chunk_size(m);
        else if (m->step == IN_CHUNK_END)
            state = end_chunk(m);
        else
            state = read_trailer(m);
    }
    return state;
}

enum http_state http_body_feed(struct http_message *m, struct mw_span *in)
{
    if (m->error != HTTP_E_OK)
        return HTTP_BAD;
    switch (m->body_kind) {
    case HTTP_BODY_CHUNKED:
        return feed_chunks(m, in);
    case HTTP_BODY_LENGTH:
        if (m->left > m->body.max - m->body.len)
            return bad(m, HTTP_E_TOO_BIG);      /* known before it comes */
        if (take_body(m, in) != HTTP_DONE)
            return HTTP_BAD;
        return m->left == 0 ? HTTP_DONE : HTTP_MORE;
    case HTTP_BODY_UNTIL_CLOSE:
        m->left = in->len;
        return take_body(m, in) == HTTP_DONE ? HTTP_MORE : HTTP_BAD;
    default:
        return HTTP_DONE;
    }
}
