#include "base/ucl.h"

#include <errno.h>
#include <stdio.h>

#include "base/config.h"
#include "base/text.h"

/* One ucl_read() under way. */
struct scan {
    struct mw_span rest;
    struct ucl_place here;      /* of rest's first byte */
    const struct ucl_source *source;
    struct arena *arena;
    struct buf *error;
    size_t nodes;
    unsigned depth;
};

int ucl_fail(const struct ucl_place *at, struct buf *error, const char *format, ...)
{
    CLEANUP(buf_deinit) struct buf file = BUF_INIT(1024);
    va_list args;

    text_safe(&file, span_str(at->file), 200);
    buf_printf(error, "%s:%u:%u: ", file.data != NULL ? (const char *)file.data : "", at->line,
               at->column);
    va_start(args, format);
    buf_vprintf(error, format, args);
    va_end(args);
    return UCL_WRONG;
}

struct ucl_shown ucl_show(const char *text)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(1024);
    struct ucl_shown out;

    text_safe(&safe, span_str(text), 60);
    snprintf(out.text, sizeof out.text, "%s", safe.data != NULL ? (const char *)safe.data : "");
    return out;
}

/* ------------------------------------------------------------------------------- bytes ---- */

static int peek(const struct scan *s)
{
    return s->rest.len > 0 ? s->rest.data[0] : -1;
}

static void skip(struct scan *s, size_t n)
{
    for (size_t i = 0; i < n && i < s->rest.len; i++) {
        if (s->rest.data[i] == '\n') {
            s->here.line++;
            s->here.column = 1;
        } else if ((s->rest.data[i] & 0xc0) != 0x80) {  /* not inside a UTF-8 character */
            s->here.column++;
        }
    }
    s->rest = span_cut(s->rest, n, s->rest.len);
}

static bool starts(const struct scan *s, const char *mark)
{
    return span_eq(span_cut(s->rest, 0, strlen(mark)), span_str(mark));
}

static int skip_block_comment(struct scan *s)
{
    struct ucl_place at = s->here;

    skip(s, 2);
    while (s->rest.len > 0 && !starts(s, "*/"))
        skip(s, 1);
    if (s->rest.len == 0)
        return ucl_fail(&at, s->error, "this comment never ends; close it with \"*/\"");
    skip(s, 2);
    return 0;
}

/* Past blanks and comments, and past line ends too if `lines`. */
static int skip_blank(struct scan *s, bool lines)
{
    for (;;) {
        int ch = peek(s);

        if (ch == ' ' || ch == '\t' || ch == '\r' || (lines && ch == '\n')) {
            skip(s, 1);
        } else if (ch == '#' || starts(s, "//")) {
            while (peek(s) >= 0 && peek(s) != '\n')
                skip(s, 1);
        } else if (starts(s, "/*")) {
            int r = skip_block_comment(s);

            if (r != 0)
                return r;
        } else {
            return 0;
        }
    }
}

/* ------------------------------------------------------------------------------- words ---- */

static bool ends_word(int ch)
{
    return ch < 0 || strchr(" \t\r\n;,[]{}\"", ch) != NULL;
}

static int too_long(struct scan *s, const struct ucl_place *at)
{
    return ucl_fail(at, s->error, "a value is longer than %d bytes", UCL_MAX_WORD);
}

static int keep_word(struct scan *s, struct mw_span bytes, const char **out)
{
    struct mw_span copy = { NULL, 0 };

    if (bytes.len > UCL_MAX_WORD)
        return too_long(s, &s->here);
    if (arena_copy(s->arena, bytes, &copy) < 0)
        return -ENOMEM;
    *out = (const char *)copy.data;
    return 0;
}

static int read_escape(struct scan *s, struct buf *text)
{
    static const char from[] = "nrt\"\\/", to[] = "\n\r\t\"\\/";
    struct ucl_place at = s->here;
    const char *found;

    skip(s, 1);
    found = peek(s) > 0 ? strchr(from, peek(s)) : NULL;
    if (found == NULL)
        return ucl_fail(&at, s->error,
                        "unknown escape in a quoted value; known: \\n \\r \\t \\\" \\\\");
    buf_u8(text, (uint8_t)to[found - from]);
    skip(s, 1);
    return 0;
}

static int read_quoted(struct scan *s, const char **out)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(UCL_MAX_WORD + 1);
    struct ucl_place at = s->here;
    int r;

    skip(s, 1);
    while (peek(s) != '"') {
        if (peek(s) < 0 || peek(s) == '\n')
            return ucl_fail(&at, s->error, "a quoted value is not closed on its line");
        if (peek(s) == '\\') {
            r = read_escape(s, &text);
            if (r != 0)
                return r;
            continue;
        }
        buf_u8(&text, (uint8_t)peek(s));
        skip(s, 1);
    }
    skip(s, 1);
    if (buf_error(&text) == -ENOMEM)
        return -ENOMEM;
    if (buf_error(&text) < 0)
        return too_long(s, &at);
    return keep_word(s, buf_span(&text), out);
}

/* The length of a bare word: up to a blank or one of ; , [ ] { } ", but a pair of brackets may
 * stand inside one ("http://[::1]:3128"). */
static size_t bare_len(const struct scan *s)
{
    size_t n = 0, open = 0;

    for (; n < s->rest.len; n++) {
        uint8_t ch = s->rest.data[n];

        if (ch == '[' && n > 0)
            open++;
        else if (ch == ']' && open > 0)
            open--;
        else if (ends_word(ch))
            break;
    }
    return n;
}

static int read_word(struct scan *s, const char **out)
{
    size_t n;
    int r;

    if (peek(s) == '"')
        return read_quoted(s, out);
    n = bare_len(s);
    if (n == 0)
        return ucl_fail(&s->here, s->error, "a value is missing here");
    r = keep_word(s, span_cut(s->rest, 0, n), out);
    if (r == 0)
        skip(s, n);
    return r;
}

/* ------------------------------------------------------------------------------- nodes ---- */

/* A node under construction: children are added at the end. */
struct growing {
    struct ucl node;
    struct growing *last;
};

static struct growing *node_new(struct scan *s, enum ucl_kind kind, const char *key)
{
    struct growing *g = NULL;

    if (s->nodes < UCL_MAX_NODES)
        g = arena_alloc(s->arena, sizeof *g);
    if (g == NULL)
        return NULL;
    s->nodes++;
    g->node = (struct ucl){ .kind = kind, .at = s->here, .value = s->here, .key = key };
    return g;
}

static int node_missing(struct scan *s)
{
    if (s->nodes >= UCL_MAX_NODES)
        return ucl_fail(&s->here, s->error, "more than %d settings; split the file",
                        UCL_MAX_NODES);
    return -ENOMEM;
}

static int child_add(struct scan *s, struct growing *to, struct growing *child)
{
    size_t most = s->source->max_list != 0 ? s->source->max_list : UCL_MAX_LIST;

    if (to->node.kind == UCL_LIST && to->node.n >= most)
        return ucl_fail(&child->node.at, s->error, "a list has more than %zu values", most);
    if (to->last == NULL)
        to->node.first = &child->node;
    else
        to->last->node.next = &child->node;
    to->last = child;
    to->node.n++;
    return 0;
}

static int read_section(struct scan *s, struct growing *to);

/* One value of a list. */
static int read_item(struct scan *s, struct growing *list)
{
    bool section = peek(s) == '{';
    struct growing *item = node_new(s, section ? UCL_SECTION : UCL_WORD, list->node.key);
    int r;

    if (item == NULL)
        return node_missing(s);
    r = section ? read_section(s, item) : read_word(s, &item->node.text);
    return r == 0 ? child_add(s, list, item) : r;
}

/* [a, b, c], over several lines if that reads better. */
static int read_brackets(struct scan *s, struct growing *list)
{
    struct ucl_place at = s->here;
    int r;

    skip(s, 1);
    for (;;) {
        r = skip_blank(s, true);
        if (r != 0)
            return r;
        if (peek(s) < 0)
            return ucl_fail(&at, s->error, "this list is not closed with \"]\"");
        if (peek(s) == ']')
            break;
        r = read_item(s, list);
        if (r == 0)
            r = skip_blank(s, true);
        if (r != 0)
            return r;
        if (peek(s) == ',')
            skip(s, 1);
    }
    skip(s, 1);
    return 0;
}

static bool at_end(const struct scan *s)
{
    return peek(s) < 0 || peek(s) == '\n' || peek(s) == ';' || peek(s) == '}';
}

/* Everything up to the statement's end or to a section's brace; brackets are only another way to
 * write several values. */
static int read_values(struct scan *s, struct growing *list, bool *brackets)
{
    int r = 0;

    while (r == 0 && !at_end(s) && peek(s) != '{') {
        if (peek(s) == '[') {
            *brackets = true;
            r = read_brackets(s, list);
        } else {
            r = read_item(s, list);
        }
        if (r == 0)
            r = skip_blank(s, false);
        if (r == 0 && peek(s) == ',') {
            skip(s, 1);
            r = skip_blank(s, false);
        }
    }
    return r;
}

static bool is_key_char(int ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '-' || ch == '_';
}

static int read_key(struct scan *s, const char **key)
{
    size_t n = 0;
    int r;

    while (n < s->rest.len && is_key_char(s->rest.data[n]))
        n++;
    if (n == 0 && s->depth > 0 && peek(s) >= 0)
        return ucl_fail(&s->here, s->error,
                        "a setting's name, or \"}\" at the section's end, is expected here");
    if (n == 0)
        return ucl_fail(&s->here, s->error, "a setting's name is expected here");
    r = keep_word(s, span_cut(s->rest, 0, n), key);
    if (r != 0)
        return r;
    skip(s, n);
    r = skip_blank(s, false);
    if (r == 0 && (peek(s) == '=' || peek(s) == ':')) {
        skip(s, 1);
        r = skip_blank(s, false);
    }
    return r;
}

/* What was read before the brace is the section's label. */
static int section_of(struct scan *s, struct growing *node, bool brackets)
{
    const struct ucl *label = node->node.first;

    if (s->source->depth == 0)
        return ucl_fail(&s->here, s->error, "this file has no sections; remove the brace");
    if (node->node.n > 1 || brackets || (label != NULL && label->kind != UCL_WORD))
        return ucl_fail(&node->node.value, s->error,
                        "a section has one label at most; quote it if it has spaces");
    node->node.label = label != NULL ? label->text : NULL;
    node->node.kind = UCL_SECTION;
    node->node.first = NULL;
    node->node.n = 0;
    node->last = NULL;
    return read_section(s, node);
}

static int read_statement(struct scan *s, struct growing *to)
{
    struct growing *node = node_new(s, UCL_LIST, NULL);
    bool brackets = false;
    int r;

    if (node == NULL)
        return node_missing(s);
    r = read_key(s, &node->node.key);
    node->node.value = s->here;
    if (r == 0)
        r = read_values(s, node, &brackets);
    if (r != 0)
        return r;
    if (peek(s) == '{') {
        r = section_of(s, node, brackets);
        if (r == 0)
            r = skip_blank(s, false);
        if (r != 0)
            return r;
    } else if (node->node.n == 1 && !brackets) {
        node->node.kind = UCL_WORD;
        node->node.text = node->node.first->text;
        node->node.first = NULL;
        node->node.n = 0;
    }
    if (peek(s) == ';')
        skip(s, 1);
    return child_add(s, to, node);
}

static int read_statements(struct scan *s, struct growing *to)
{
    for (;;) {
        int r = skip_blank(s, true);

        if (r != 0 || s->rest.len == 0 || (peek(s) == '}' && s->depth > 0))
            return r;
        r = read_statement(s, to);
        if (r != 0)
            return r;
    }
}

/* From "{" on.  Calls itself, at most UCL_MAX_DEPTH deep. */
static int read_section(struct scan *s, struct growing *to)
{
    unsigned most = s->source->depth < UCL_MAX_DEPTH ? s->source->depth : UCL_MAX_DEPTH;
    struct ucl_place at = s->here;
    int r;

    if (s->depth >= most)
        return ucl_fail(&at, s->error, "sections are nested more than %u deep", most);
    skip(s, 1);
    s->depth++;
    r = read_statements(s, to);
    s->depth--;
    if (r != 0)
        return r;
    if (peek(s) < 0)
        return ucl_fail(&at, s->error, "this section is not closed with \"}\"");
    skip(s, 1);
    return 0;
}

static int refuse_zero_bytes(struct scan *s)
{
    const uint8_t *zero = s->rest.len > 0 ? memchr(s->rest.data, 0, s->rest.len) : NULL;

    if (zero == NULL)
        return 0;
    skip(s, (size_t)(zero - s->rest.data));
    return ucl_fail(&s->here, s->error, "a zero byte stands here; is it a text file?");
}

int ucl_read(const struct ucl **root, const struct ucl_source *source, struct arena *arena,
             struct buf *error)
{
    struct scan s = { .rest = source->text,
                      .here = { source->file, 1, 1 },
                      .source = source,
                      .arena = arena,
                      .error = error };
    struct growing *top;
    int r;

    if (starts(&s, "\xef\xbb\xbf"))
        s.rest = span_cut(s.rest, 3, s.rest.len);
    top = node_new(&s, UCL_SECTION, NULL);
    if (top == NULL)
        return -ENOMEM;
    r = refuse_zero_bytes(&s);
    if (r == 0)
        r = read_statements(&s, top);
    if (r == 0)
        *root = &top->node;
    return r;
}
