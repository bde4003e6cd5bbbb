#include "base/config.h"

#include <errno.h>
#include <inttypes.h>

#include "base/text.h"

enum { CONFIG_WRONG = 1, NEAREST_MAX_LEN = 63 };

/* One config_read() under way. */
struct config {
    struct mw_span rest;
    unsigned line; /* of rest's first byte */
    const char *file;
    const struct config_key *keys;
    size_t n_keys;
    unsigned *set_on; /* per key: the line that set it, 0 not yet */
    void *target;
    struct arena *arena;
    struct buf *error;
};

static int wrong(struct config *c, unsigned line, const char *format, ...) PRINTF_LIKE(3, 4);

static int wrong(struct config *c, unsigned line, const char *format, ...)
{
    va_list args;

    buf_printf(c->error, "%s:%u: ", c->file, line);
    va_start(args, format);
    buf_vprintf(c->error, format, args);
    va_end(args);
    return CONFIG_WRONG;
}

/* `text` as it may be shown in a message; lives in the arena. */
static const char *shown(struct config *c, const char *text)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(1024);
    const char *copy;

    text_safe(&safe, span_str(text), 60);
    if (safe.len == 0)
        return "";
    copy = arena_strdup(c->arena, (const char *)safe.data);
    return copy != NULL ? copy : "?";
}

static int peek(const struct config *c)
{
    return c->rest.len > 0 ? c->rest.data[0] : -1;
}

static void skip(struct config *c, size_t n)
{
    for (size_t i = 0; i < n && i < c->rest.len; i++)
        c->line += c->rest.data[i] == '\n';
    c->rest = span_cut(c->rest, n, c->rest.len);
}

static bool starts(const struct config *c, const char *mark)
{
    return span_eq(span_cut(c->rest, 0, strlen(mark)), span_str(mark));
}

static int skip_block_comment(struct config *c)
{
    unsigned line = c->line;

    skip(c, 2);
    while (c->rest.len > 0 && !starts(c, "*/"))
        skip(c, 1);
    if (c->rest.len == 0)
        return wrong(c, line, "this comment never ends; close it with \"*/\"");
    skip(c, 2);
    return 0;
}

/* Past blanks and comments, and past line ends too if `lines`. */
static int skip_blank(struct config *c, bool lines)
{
    for (;;) {
        int ch = peek(c);

        if (ch == ' ' || ch == '\t' || ch == '\r' || (lines && ch == '\n')) {
            skip(c, 1);
        } else if (ch == '#' || starts(c, "//")) {
            while (peek(c) >= 0 && peek(c) != '\n')
                skip(c, 1);
        } else if (starts(c, "/*")) {
            int r = skip_block_comment(c);

            if (r != 0)
                return r;
        } else {
            return 0;
        }
    }
}

static bool ends_word(int ch)
{
    return ch < 0 || strchr(" \t\r\n;,[]{}\"", ch) != NULL;
}

static int keep_word(struct config *c, struct mw_span bytes, const char **out)
{
    struct mw_span copy = { NULL, 0 };

    if (bytes.len > CONFIG_MAX_WORD)
        return wrong(c, c->line, "a value is longer than %d bytes", CONFIG_MAX_WORD);
    if (arena_copy(c->arena, bytes, &copy) < 0)
        return -ENOMEM;
    *out = (const char *)copy.data;
    return 0;
}

static int read_escape(struct config *c, struct buf *text)
{
    static const char from[] = "nrt\"\\/", to[] = "\n\r\t\"\\/";
    const char *at;

    skip(c, 1);
    at = peek(c) > 0 ? strchr(from, peek(c)) : NULL;
    if (at == NULL)
        return wrong(c, c->line, "unknown escape in a quoted value; known: \\n \\r \\t \\\" \\\\");
    buf_u8(text, (uint8_t)to[at - from]);
    skip(c, 1);
    return 0;
}

static int read_quoted(struct config *c, const char **out)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(CONFIG_MAX_WORD + 1);
    unsigned line = c->line;
    int r;

    skip(c, 1);
    while (peek(c) != '"') {
        if (peek(c) < 0 || peek(c) == '\n')
            return wrong(c, line, "a quoted value is not closed on its line");
        if (peek(c) == '\\') {
            r = read_escape(c, &text);
            if (r != 0)
                return r;
            continue;
        }
        buf_u8(&text, (uint8_t)peek(c));
        skip(c, 1);
    }
    skip(c, 1);
    if (buf_error(&text) == -ENOMEM)
        return -ENOMEM;
    if (buf_error(&text) < 0)
        return wrong(c, line, "a value is longer than %d bytes", CONFIG_MAX_WORD);
    return keep_word(c, buf_span(&text), out);
}

/* A value: quoted, or bare up to a blank or one of ; , [ ] { } " */
static int read_value(struct config *c, const char **out)
{
    size_t n = 0;
    int r;

    if (peek(c) == '"')
        return read_quoted(c, out);
    while (n < c->rest.len && !ends_word(c->rest.data[n]))
        n++;
    if (n == 0)
        return wrong(c, c->line, "a value is missing here");
    r = keep_word(c, span_cut(c->rest, 0, n), out);
    if (r == 0)
        skip(c, n);
    return r;
}

static bool is_key_char(int ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '-' || ch == '_';
}

static int unknown_key(struct config *c, const char *name)
{
    const char **names = arena_calloc(c->arena, c->n_keys + 1, sizeof(*names));
    const char *near;

    if (names == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < c->n_keys; i++)
        names[i] = c->keys[i].name;
    near = config_nearest(name, names, c->n_keys);
    if (near == NULL)
        return wrong(c, c->line, "unknown setting \"%s\"", shown(c, name));
    return wrong(c, c->line, "unknown setting \"%s\"; did you mean \"%s\"?", shown(c, name), near);
}

static int read_key(struct config *c, size_t *key)
{
    const char *name = "";
    size_t n = 0;
    int r;

    while (n < c->rest.len && is_key_char(c->rest.data[n]))
        n++;
    if (n == 0)
        return wrong(c, c->line, "a setting's name is expected here");
    r = keep_word(c, span_cut(c->rest, 0, n), &name);
    if (r != 0)
        return r;
    for (*key = 0; *key < c->n_keys; (*key)++)
        if (strcmp(c->keys[*key].name, name) == 0)
            break;
    if (*key == c->n_keys)
        return unknown_key(c, name);
    skip(c, n);
    r = skip_blank(c, false);
    if (r == 0 && (peek(c) == '=' || peek(c) == ':')) {
        skip(c, 1);
        r = skip_blank(c, false);
    }
    return r;
}

static int list_add(struct config *c, struct config_list *list, const char *item)
{
    /* Full at a power of two: the next power is allocated, the arena keeps the old one. */
    if (list->count >= CONFIG_MAX_LIST)
        return wrong(c, c->line, "a list has more than %d values", CONFIG_MAX_LIST);
    if ((list->count & (list->count - 1)) == 0) {
        size_t room = list->count == 0 ? 1 : 2 * list->count;
        const char **items = arena_calloc(c->arena, room, sizeof(*items));

        if (items == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < list->count; i++)
            items[i] = list->items[i];
        list->items = items;
    }
    list->items[list->count++] = item;
    return 0;
}

/* [a, b, c], over several lines if that reads better. */
static int read_brackets(struct config *c, struct config_list *list)
{
    unsigned line = c->line;
    const char *item = "";
    int r;

    skip(c, 1);
    for (;;) {
        r = skip_blank(c, true);
        if (r != 0)
            return r;
        if (peek(c) < 0)
            return wrong(c, line, "this list is not closed with \"]\"");
        if (peek(c) == ']')
            break;
        r = read_value(c, &item);
        if (r == 0)
            r = list_add(c, list, item);
        if (r == 0)
            r = skip_blank(c, true);
        if (r != 0)
            return r;
        if (peek(c) == ',')
            skip(c, 1);
    }
    skip(c, 1);
    return 0;
}

static bool at_end(const struct config *c)
{
    return peek(c) < 0 || peek(c) == '\n' || peek(c) == ';';
}

/* Everything up to the statement's end; brackets are only another way to write it. */
static int read_values(struct config *c, struct config_list *list)
{
    const char *item = "";
    int r = 0;

    while (r == 0 && !at_end(c)) {
        if (peek(c) == '{' || peek(c) == '}')
            return wrong(c, c->line, "this file has no sections; remove the brace");
        if (peek(c) == '[') {
            r = read_brackets(c, list);
        } else {
            r = read_value(c, &item);
            if (r == 0)
                r = list_add(c, list, item);
        }
        if (r == 0)
            r = skip_blank(c, false);
        if (r == 0 && peek(c) == ',') {
            skip(c, 1);
            r = skip_blank(c, false);
        }
    }
    return r;
}

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit sizes[] = {
    {"k",   1000      },
    { "m",  1000000   },
    { "g",  1000000000},
    { "kb", 1 << 10   },
    { "mb", 1 << 20   },
    { "gb", 1 << 30   },
};

static const struct unit times[] = {
    {"s",    1     },
    { "min", 60    },
    { "h",   3600  },
    { "d",   86400 },
    { "w",   604800},
};

static int parse_scaled(const char *text, const struct unit *units, size_t n_units, int64_t *out)
{
    size_t digits = strspn(text, "-0123456789");
    struct mw_span unit = span_str(text + digits);
    int64_t factor = unit.len == 0 ? 1 : 0;

    for (size_t i = 0; i < n_units; i++)
        if (span_eq_nocase(unit, span_str(units[i].name)))
            factor = units[i].factor;
    if (factor == 0 || text_number(span_of(text, digits), INT64_MIN, INT64_MAX, out) < 0 ||
        __builtin_mul_overflow(*out, factor, out))
        return -EINVAL;
    return 0;
}

static int parse_bool(const char *text, bool *out)
{
    static const char *const words[] = { "no", "off", "false", "yes", "on", "true" };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (span_eq_nocase(span_str(text), span_str(words[i]))) {
            *out = i >= 3;
            return 0;
        }
    return -EINVAL;
}

static int set_scaled(struct config *c, unsigned line, const struct config_key *key,
                      const char *text, int64_t *out)
{
    bool seconds = key->kind == CONFIG_SECONDS;
    int64_t v;
    int r = seconds ? parse_scaled(text, times, ARRAY_LEN(times), &v)
                    : parse_scaled(text, sizes, ARRAY_LEN(sizes), &v);

    if (r < 0)
        return wrong(c, line, "%s wants %s, not \"%s\"", key->name,
                     seconds ? "a time such as 90s, 5min or 7d" : "a whole number", shown(c, text));
    if (v < key->min || v > key->max)
        return wrong(c, line, "%s must be from %" PRId64 " to %" PRId64 "%s, not %s", key->name,
                     key->min, key->max, seconds ? " seconds" : "", shown(c, text));
    *out = v;
    return 0;
}

static int set(struct config *c, unsigned line, const struct config_key *key,
               const struct config_list *list)
{
    void *to = (char *)c->target + key->offset;

    if (key->kind == CONFIG_LIST) {
        *(struct config_list *)to = *list;
        return 0;
    }
    if (list->count != 1)
        return wrong(c, line, "%s wants one value, not %zu; quote it if it has spaces", key->name,
                     list->count);
    switch (key->kind) {
    case CONFIG_STRING:
        *(const char **)to = list->items[0];
        return 0;
    case CONFIG_BOOL:
        if (parse_bool(list->items[0], to) < 0)
            return wrong(c, line, "%s wants yes or no, not \"%s\"", key->name,
                         shown(c, list->items[0]));
        return 0;
    case CONFIG_NUMBER:
    case CONFIG_SECONDS:
        return set_scaled(c, line, key, list->items[0], to);
    case CONFIG_LIST:
        break;
    }
    return -EINVAL;
}

static int read_statement(struct config *c)
{
    struct config_list list = { NULL, 0 };
    unsigned line = c->line;
    size_t key = 0;
    int r = read_key(c, &key);

    if (r == 0)
        r = read_values(c, &list);
    if (r != 0)
        return r;
    if (c->set_on[key] != 0)
        return wrong(c, line, "%s is set twice; line %u set it first", c->keys[key].name,
                     c->set_on[key]);
    c->set_on[key] = line;
    r = set(c, line, &c->keys[key], &list);
    if (peek(c) == ';')
        skip(c, 1);
    return r;
}

static int refuse_zero_bytes(struct config *c)
{
    const uint8_t *zero = c->rest.len > 0 ? memchr(c->rest.data, 0, c->rest.len) : NULL;

    if (zero == NULL)
        return 0;
    skip(c, (size_t)(zero - c->rest.data));
    return wrong(c, c->line, "a zero byte stands here; is it a text file?");
}

int config_read(struct mw_span text, const char *file, const struct config_key *keys, size_t n_keys,
                void *target, struct arena *arena, struct buf *error)
{
    struct config c = { .rest = text,
                        .line = 1,
                        .file = file,
                        .keys = keys,
                        .n_keys = n_keys,
                        .target = target,
                        .arena = arena,
                        .error = error };
    int r;

    if (starts(&c, "\xef\xbb\xbf"))
        skip(&c, 3);
    c.set_on = arena_calloc(arena, n_keys + 1, sizeof(*c.set_on));
    if (c.set_on == NULL)
        return -ENOMEM;
    r = refuse_zero_bytes(&c);
    if (r != 0)
        return r;
    for (;;) {
        r = skip_blank(&c, true);
        if (r != 0 || c.rest.len == 0)
            return r;
        r = read_statement(&c);
        if (r != 0)
            return r;
    }
}

/* Optimal string alignment: insertions, deletions, changes and swapped neighbours count 1. */
static size_t edit_distance(struct mw_span a, struct mw_span b)
{
    size_t row[3][NEAREST_MAX_LEN + 2];

    for (size_t k = 0; k <= b.len; k++)
        row[0][k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

        now[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t best = last[k - 1] + (a.data[i - 1] != b.data[k - 1]);

            if (last[k] + 1 < best)
                best = last[k] + 1;
            if (now[k - 1] + 1 < best)
                best = now[k - 1] + 1;
            if (i > 1 && k > 1 && a.data[i - 1] == b.data[k - 2] &&
                a.data[i - 2] == b.data[k - 1] && before[k - 2] + 1 < best)
                best = before[k - 2] + 1;
            now[k] = best;
        }
    }
    return row[a.len % 3][b.len];
}

const char *config_nearest(const char *word, const char *const *known, size_t n)
{
    struct mw_span w = span_str(word);
    const char *nearest = NULL;
    size_t least = w.len / 3 + 1; /* further away is another word, not a slip */

    if (w.len > NEAREST_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct mw_span k = span_str(known[i]);
        size_t d;

        if (known[i] == NULL || k.len > NEAREST_MAX_LEN)
            continue;
        d = edit_distance(w, k);
        if (d <= least && (nearest == NULL || d < least)) {
            nearest = known[i];
            least = d;
        }
    }
    return nearest;
}
