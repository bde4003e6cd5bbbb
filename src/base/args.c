#include "base/args.h"

#include <errno.h>

#include "base/text.h"

enum { MAX_LIST = 4096 };

struct parse {
    const struct arg *args;
    size_t n;
    void *target;
    struct arena *arena;
    struct buf *error;
    uint64_t seen[4]; /* lists that were replaced already, by index into args */
};

static int arg_fail(struct parse *p, const char *format, ...) PRINTF_LIKE(2, 3);

static int arg_fail(struct parse *p, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    buf_vprintf(p->error, format, list);
    va_end(list);
    return 1;
}

int args_seconds(struct mw_span text, int64_t *out)
{
    static const struct {
        const char *name;
        int64_t s;
    } units[] = {
        {"",     1        },
        { "s",   1        },
        { "m",   60       },
        { "min", 60       },
        { "h",   3600     },
        { "d",   86400    },
        { "w",   7 * 86400},
    };
    size_t digits = 0;
    int64_t number;

    text = span_trim(text);
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    if (text_number(span_cut(text, 0, digits), 0, INT32_MAX, &number) != 0)
        return -EINVAL;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!span_eq(span_cut(text, digits, text.len), span_str(units[i].name)))
            continue;
        *out = number * units[i].s;
        return 0;
    }
    return -EINVAL;
}

/* Appends the comma-separated pieces of `text`, or all of it. */
static int list_add(struct parse *p, struct config_list *list, const char *text, bool whole)
{
    struct mw_span rest = span_str(text), piece = rest;

    while (whole ? rest.len > 0 : span_field(&rest, ',', &piece)) {
        struct mw_span copy;
        const char **items;

        if (whole) {
            piece = rest;
            rest = (struct mw_span){ NULL, 0 };
        }
        piece = span_trim(piece);
        if (piece.len == 0)
            continue;
        if (list->count >= MAX_LIST)
            return arg_fail(p, "more than %d values in one list", (int)MAX_LIST);
        items = arena_calloc(p->arena, list->count + 1, sizeof *items);
        if (items == NULL || arena_copy(p->arena, piece, &copy) != 0)
            return -ENOMEM;
        for (size_t i = 0; i < list->count; i++)
            items[i] = list->items[i];
        items[list->count++] = (const char *)copy.data;
        list->items = items;
    }
    return 0;
}

static int arg_list(struct parse *p, const struct arg *a, const char *value)
{
    struct config_list *list = (void *)((char *)p->target + a->offset);
    size_t at = (size_t)(a - p->args);
    uint64_t bit = UINT64_C(1) << (at % 64);

    if (at / 64 < ARRAY_LEN(p->seen) && (p->seen[at / 64] & bit) == 0) {
        p->seen[at / 64] |= bit;
        *list = (struct config_list){ 0 };
    }
    return list_add(p, list, value, a->min == ARG_WHOLE);
}

static int arg_set(struct parse *p, const struct arg *a, const char *value)
{
    void *at = (char *)p->target + a->offset;
    int64_t number;

    switch (a->kind) {
    case CONFIG_BOOL:
        *(bool *)at = true;
        return 0;
    case CONFIG_STRING:
        *(const char **)at = value;
        return 0;
    case CONFIG_LIST:
        return arg_list(p, a, value);
    case CONFIG_NUMBER:
        if (text_number(span_str(value), a->min, a->max, &number) != 0)
            return arg_fail(p, "--%s takes a whole number from %lld to %lld, not \"%s\"", a->name,
                            (long long)a->min, (long long)a->max, value);
        *(int64_t *)at = number;
        return 0;
    case CONFIG_SECONDS:
        if (args_seconds(span_str(value), &number) != 0)
            return arg_fail(p, "--%s takes a time like 90s, 5min, 12h or 7d, not \"%s\"", a->name,
                            value);
        if (number < a->min || number > a->max)
            return arg_fail(p, "--%s takes %lld to %lld seconds; %s is outside", a->name,
                            (long long)a->min, (long long)a->max, value);
        *(int64_t *)at = number;
        return 0;
    case CONFIG_UNSIGNED:       /* no option of a command line is one of these */
    case CONFIG_CHOICE:
    case CONFIG_SECTION:
    case CONFIG_NODE:
        break;
    }
    return -EINVAL;
}

static const struct arg *arg_find(const struct parse *p, struct mw_span name)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->args[i].name != NULL && span_eq(span_str(p->args[i].name), name))
            return &p->args[i];
    return NULL;
}

static int arg_unknown(struct parse *p, struct mw_span name)
{
    const char **known = arena_calloc(p->arena, p->n, sizeof *known);
    const char *word = NULL, *near;
    struct mw_span copy;
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(1024);

    if (known == NULL || arena_copy(p->arena, name, &copy) != 0)
        return -ENOMEM;
    word = (const char *)copy.data;
    for (size_t i = 0; i < p->n; i++)
        known[i] = p->args[i].name;
    near = config_nearest(word, known, p->n);
    text_safe(&safe, name, 60);
    if (near != NULL)
        return arg_fail(p, "--%s is not an option; did you mean --%s?", (char *)safe.data, near);
    return arg_fail(p, "--%s is not an option; --help lists them",
                    safe.data != NULL ? (char *)safe.data : "");
}

/* "--name", "--name=value" or "--no-name".  *used: the next word was the value. */
static int arg_long(struct parse *p, const char *word, const char *next, bool *used)
{
    struct mw_span rest = span_str(word), name;
    const struct arg *a;
    const char *value = NULL;

    if (!span_field(&rest, '=', &name))
        return arg_fail(p, "\"--\" with nothing behind it");
    if (name.len < strlen(word))
        value = word + name.len + 1;
    a = arg_find(p, name);
    if (a == NULL && name.len > 3 && memcmp(name.data, "no-", 3) == 0) {
        a = arg_find(p, span_cut(name, 3, name.len));
        if (a != NULL && a->kind == CONFIG_BOOL && value == NULL) {
            *(bool *)(void *)((char *)p->target + a->offset) = false;
            return 0;
        }
        a = NULL;
    }
    if (a == NULL)
        return arg_unknown(p, name);
    if (a->kind == CONFIG_BOOL) {
        if (value != NULL)
            return arg_fail(p, "--%s takes no value; leave out \"=%s\"", a->name, value);
        return arg_set(p, a, NULL);
    }
    if (value == NULL) {
        if (next == NULL)
            return arg_fail(p, "--%s needs a value: --%s %s", a->name, a->name, a->value);
        value = next;
        *used = true;
    }
    return arg_set(p, a, value);
}

/* "-46v", "-n value" or "-nvalue". */
static int arg_short(struct parse *p, const char *word, const char *next, bool *used)
{
    for (const char *c = word; *c != '\0'; c++) {
        const struct arg *a = NULL;
        int rc;

        for (size_t i = 0; i < p->n && a == NULL; i++)
            if (p->args[i].name != NULL && p->args[i].letter == *c)
                a = &p->args[i];
        if (a == NULL)
            return arg_fail(p, "-%c is not an option; --help lists them",
                            *c > ' ' && *c < 127 ? *c : '?');
        if (a->kind != CONFIG_BOOL) {
            *used = c[1] == '\0';
            if (*used && next == NULL)
                return arg_fail(p, "-%c needs a value: -%c %s", *c, *c, a->value);
            return arg_set(p, a, *used ? next : c + 1);
        }
        rc = arg_set(p, a, NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int args_parse(const struct arg *args, size_t n, int argc, char **argv, void *target,
               struct arena *arena, struct config_list *operands, struct buf *error)
{
    struct parse p = { .args = args, .n = n, .target = target, .arena = arena, .error = error };
    bool only_operands = false;

    *operands = (struct config_list){ 0 };
    operands->items = arena_calloc(arena, (size_t)(argc > 0 ? argc : 1), sizeof *operands->items);
    if (operands->items == NULL)
        return -ENOMEM;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool used = false;
        int rc = 0;

        if (only_operands || word[0] != '-' || word[1] == '\0')
            operands->items[operands->count++] = word;
        else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (word[1] == '-')
            rc = arg_long(&p, word + 2, next, &used);
        else
            rc = arg_short(&p, word + 1, next, &used);
        if (rc != 0)
            return rc;
        i += used;
    }
    return 0;
}

struct config_key *args_config_keys(const struct arg *args, size_t n, struct arena *arena,
                                    size_t *n_keys)
{
    struct config_key *keys = arena_calloc(arena, n, sizeof *keys);

    *n_keys = 0;
    if (keys == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (args[i].name == NULL || args[i].line_only)
            continue;
        keys[(*n_keys)++] = (struct config_key){ .name = args[i].name,
                                                 .kind = args[i].kind,
                                                 .offset = args[i].offset,
                                                 .min = args[i].min,
                                                 .max = args[i].max };
    }
    return keys;
}

enum { HELP_COLUMN = 26 };

/* Words of `text` from column HELP_COLUMN on, wrapped before `width`. */
static void help_wrap(struct buf *out, const char *text, size_t width)
{
    struct mw_span rest = span_str(text), word;
    size_t column = HELP_COLUMN;

    while (span_field(&rest, ' ', &word)) {
        if (column > HELP_COLUMN && column + 1 + word.len > width) {
            buf_str(out, "\n");
            buf_fill(out, ' ', HELP_COLUMN);
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            buf_str(out, " ");
            column++;
        }
        buf_add(out, word);
        column += word.len;
    }
    buf_str(out, "\n");
}

void args_help(struct buf *out, const struct arg *args, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++) {
        const struct arg *a = &args[i];
        size_t start = out->len, used;

        if (a->name == NULL) {
            buf_printf(out, "\n%s\n", a->help);
            continue;
        }
        if (a->letter != 0)
            buf_printf(out, "  -%c, --%s", a->letter, a->name);
        else
            buf_printf(out, "  --%s", a->name);
        if (a->value != NULL)
            buf_printf(out, " %s", a->value);
        used = out->len - start;
        if (used + 2 > HELP_COLUMN) {
            buf_str(out, "\n");
            used = 0;
        }
        buf_fill(out, ' ', HELP_COLUMN - used);
        help_wrap(out, a->help, width);
    }
}
