#include "check/exempt_apps.h"

#include <errno.h>

extern const unsigned char data_apps[];
extern const size_t data_apps_len;

static bool one_of(struct mw_span word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(word, span_str(words[i])))
            return true;
    return false;
}

static bool app_parse(struct mw_span line, struct exempt_app *out)
{
    static const char *const classes[] = { "technical", "performance", "privacy" };
    static const char *const grades[] = { "A", "B", "C" };
    struct mw_span *const fields[] = { &out->app,   &out->name,   &out->domain, &out->class,
                                       &out->grade, &out->source, &out->note };
    size_t n = 0;

    while (n < ARRAY_LEN(fields) - 1 && span_field(&line, '\t', fields[n]))
        n++;
    *fields[ARRAY_LEN(fields) - 1] = line; /* the note, which may be empty */
    if (n < ARRAY_LEN(fields) - 1)
        return false;
    if (line.len > 0 && memchr(line.data, '\t', line.len) != NULL)
        return false;
    return out->app.len > 0 && out->name.len > 0 && out->domain.len > 1 && out->source.len > 0 &&
           one_of(out->class, classes, ARRAY_LEN(classes)) &&
           one_of(out->grade, grades, ARRAY_LEN(grades));
}

int exempt_apps_parse(struct arena *arena, struct mw_span tsv, struct exempt_apps *out)
{
    struct mw_span rest = tsv, line;
    size_t lines = 0, at = 0;

    *out = (struct exempt_apps){ 0 };
    while (span_line(&rest, &line))
        lines++;
    out->items = arena_calloc(arena, lines, sizeof(*out->items));
    if (out->items == NULL)
        return -ENOMEM;
    rest = tsv;
    while (span_line(&rest, &line)) {
        at++;
        if (line.len == 0 || line.data[0] == '#')
            continue;
        if (!app_parse(line, &out->items[out->n]))
            return (int)at;
        out->n++;
    }
    return 0;
}

int exempt_apps_builtin(struct arena *arena, struct exempt_apps *out)
{
    return exempt_apps_parse(arena, span_of(data_apps, data_apps_len), out);
}
