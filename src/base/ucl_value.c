#include <errno.h>
#include <inttypes.h>

#include "base/config.h"
#include "base/text.h"
#include "base/ucl.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit sizes[] = {
    { "k", 1000 },    { "m", 1000000 },  { "g", 1000000000 },
    { "kb", 1 << 10 }, { "mb", 1 << 20 }, { "gb", 1 << 30 },
};

static const struct unit times[] = {
    { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 },
};

int ucl_unknown(const struct ucl *node, const char *const *known, size_t n, struct buf *error)
{
    struct ucl_shown key = ucl_show(node->key);
    const char *near = config_nearest(node->key, known, n);

    if (near == NULL)
        return ucl_fail(&node->at, error, "unknown setting \"%s\"", key.text);
    return ucl_fail(&node->at, error, "unknown setting \"%s\"; did you mean \"%s\"?", key.text,
                    near);
}

int ucl_word(const struct ucl *node, const char **out, struct buf *error)
{
    if (node->kind == UCL_SECTION)
        return ucl_fail(&node->value, error, "%s wants a value, not a section", node->key);
    if (node->kind == UCL_LIST && (node->n != 1 || node->first->kind != UCL_WORD))
        return ucl_fail(&node->value, error,
                        "%s wants one value, not %zu; quote it if it has spaces", node->key,
                        node->n);
    *out = node->kind == UCL_LIST ? node->first->text : node->text;
    return 0;
}

int ucl_bool(const struct ucl *node, bool *out, struct buf *error)
{
    static const char *const words[] = { "no", "off", "false", "yes", "on", "true" };
    const char *text = "";
    int r = ucl_word(node, &text, error);

    if (r != 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (span_eq_nocase(span_str(text), span_str(words[i]))) {
            *out = i >= 3;
            return 0;
        }
    return ucl_fail(&node->value, error, "%s wants yes or no, not \"%s\"", node->key,
                    ucl_show(text).text);
}

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

/* What a scaled value is called in messages. */
struct scale {
    const struct unit *units;
    size_t n_units;
    const char *wanted, *unit;
};

static int read_scaled(const struct ucl *node, const struct scale *scale, int64_t min, int64_t max,
                       int64_t *out, struct buf *error)
{
    const char *text = "";
    int64_t v;
    int r = ucl_word(node, &text, error);

    if (r != 0)
        return r;
    if (parse_scaled(text, scale->units, scale->n_units, &v) < 0)
        return ucl_fail(&node->value, error, "%s wants %s, not \"%s\"", node->key, scale->wanted,
                        ucl_show(text).text);
    if (v < min || v > max)
        return ucl_fail(&node->value, error, "%s must be from %" PRId64 " to %" PRId64 "%s, not %s",
                        node->key, min, max, scale->unit, ucl_show(text).text);
    *out = v;
    return 0;
}

int ucl_number(const struct ucl *node, int64_t min, int64_t max, int64_t *out, struct buf *error)
{
    static const struct scale scale = { sizes, ARRAY_LEN(sizes), "a whole number", "" };

    return read_scaled(node, &scale, min, max, out, error);
}

int ucl_seconds(const struct ucl *node, int64_t min, int64_t max, int64_t *out, struct buf *error)
{
    static const struct scale scale = { times, ARRAY_LEN(times),
                                        "a time such as 90s, 5min or 7d", " seconds" };

    return read_scaled(node, &scale, min, max, out, error);
}

int ucl_choice(const struct ucl *node, const char *const *words, size_t n, unsigned *out,
               struct buf *error)
{
    CLEANUP(buf_deinit) struct buf all = BUF_INIT(1024);
    const char *text = "";
    int r = ucl_word(node, &text, error);

    if (r != 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        if (words[i][0] != '\0' && strcmp(text, words[i]) == 0) {
            *out = (unsigned)i;
            return 0;
        }
        if (words[i][0] != '\0')
            buf_printf(&all, "%s%s", all.len == 0 ? "" : i + 1 < n ? ", " : " or ", words[i]);
    }
    if (buf_error(&all) == -ENOMEM)
        return -ENOMEM;
    return ucl_fail(&node->value, error, "%s wants %s, not \"%s\"", node->key,
                    all.data != NULL ? (const char *)all.data : "", ucl_show(text).text);
}

int ucl_list(const struct ucl *node, struct config_list *out, struct arena *arena,
             struct buf *error)
{
    size_t n = node->kind == UCL_LIST ? node->n : 1, at = 0;
    const char **items;

    if (node->kind == UCL_SECTION)
        return ucl_fail(&node->value, error, "%s wants values, not a section", node->key);
    items = arena_calloc(arena, n + 1, sizeof *items);
    if (items == NULL)
        return -ENOMEM;
    if (node->kind == UCL_WORD)
        items[at++] = node->text;
    for (const struct ucl *item = node->first; item != NULL; item = item->next) {
        if (item->kind != UCL_WORD)
            return ucl_fail(&item->at, error, "%s wants values, not sections", node->key);
        items[at++] = item->text;
    }
    *out = (struct config_list){ items, at };
    return 0;
}
