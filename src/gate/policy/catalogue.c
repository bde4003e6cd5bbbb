#include <errno.h>

#include "gate/policy/load.h"

#define NAMED true
#define CLASS false
#define TECHNICAL GATE_TECHNICAL
#define PERFORMANCE GATE_PERFORMANCE
#define PRIVACY GATE_PRIVACY
#define EXCEPTION(id_, name_, domain_, class_, grade_, source_, category_, review, take, note_)    \
    { .id = (id_),                                                                                 \
      .name = (name_),                                                                             \
      .domain = (domain_),                                                                         \
      .cls = (class_),                                                                             \
      .grade = (grade_),                                                                           \
      .source = (source_),                                                                         \
      .category = (category_),                                                                     \
      .expires = { (review) },                                                                     \
      .only_named = (take),                                                                        \
      .note = (note_) },

static const struct gate_exception entries[] = {
#include "base/exceptions.inc"
};

size_t gate_exception_count(void)
{
    return ARRAY_LEN(entries);
}

const struct gate_exception *gate_exception_at(size_t i)
{
    return &entries[i];
}

const char *gate_exception_class_name(enum gate_exception_class c)
{
    static const char *const names[] = { "", "technical", "privacy", "performance", "learned",
                                         "rule" };

    return names[c];
}

/* ------------------------------------------------------------------------- `catalogue {}` ---- */

static int read_classes(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    struct words words = { NULL, 0 };
    int r = load_words(l, node, &words);

    (void)to;
    memset(l->own->taken_class, 0, sizeof l->own->taken_class);
    for (size_t i = 0; r == 0 && i < words.n; i++) {
        unsigned c = GATE_TECHNICAL;

        while (c <= GATE_PERFORMANCE &&
               strcmp(words.items[i], gate_exception_class_name((enum gate_exception_class)c)) != 0)
            c++;
        if (c > GATE_PERFORMANCE)
            return ucl_fail(&node->value, l->error,
                            "classes wants technical, privacy or performance, not \"%s\"",
                            ucl_show(words.items[i]).text);
        l->own->taken_class[c] = true;
    }
    return r;
}

static int read_apps(struct load *l, const struct ucl *node, struct words *to)
{
    int r = load_words(l, node, to);

    for (size_t i = 0; r == 0 && i < to->n; i++) {
        const char *known[ARRAY_LEN(entries)], *near;
        size_t k = 0;

        for (; k < ARRAY_LEN(entries); k++) {
            known[k] = entries[k].id;
            if (strcmp(to->items[i], entries[k].id) == 0)
                break;
        }
        if (k < ARRAY_LEN(entries))
            continue;
        near = config_nearest(to->items[i], known, ARRAY_LEN(entries));
        return ucl_fail(&node->value, l->error, "the catalogue has no app \"%s\"%s%s%s",
                        ucl_show(to->items[i]).text, near != NULL ? "; did you mean \"" : "",
                        near != NULL ? near : "", near != NULL ? "\"?" : "");
    }
    return r;
}

static int read_except(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;

    (void)to;
    return read_apps(l, node, &l->own->except);
}

static int read_also(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;

    (void)to;
    return read_apps(l, node, &l->own->also);
}

static const struct config_key catalogue_keys[] = {
    { "classes", CONFIG_NODE, 0, 0, 0, read_classes, false, NULL, NULL },
    { "except", CONFIG_NODE, 0, 0, 0, read_except, false, NULL, NULL },
    { "also", CONFIG_NODE, 0, 0, 0, read_also, false, NULL, NULL },
};

int catalogue_read(void *context, const struct ucl *node, void *to)
{
    const struct config_table table = { catalogue_keys, ARRAY_LEN(catalogue_keys) };
    struct load *l = context;

    (void)to;
    return config_bind(node, &table, l->own, l, l->arena, l->error);
}

static bool holds(const struct words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->items[i], word) == 0)
            return true;
    return false;
}

bool catalogue_takes(const struct gate_private *own, const struct gate_exception *e)
{
    if (holds(&own->except, e->id))
        return false;
    return (own->taken_class[e->cls] && !e->only_named) || holds(&own->also, e->id);
}

int catalogue_finish(struct load *l)
{
    const char **rules = arena_calloc(l->arena, ARRAY_LEN(entries), sizeof *rules);

    if (rules == NULL)
        return -ENOMEM;
    l->own->catalogue_rules = rules;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        const struct gate_exception *e = &entries[i];
        bool tree = e->domain[0] == '.';
        int r;

        if (!catalogue_takes(l->own, e))
            continue;
        rules[i] = arena_printf(l->arena, "catalogue: %s", e->id);
        r = rules[i] != NULL ? names_put(&l->own->catalogue, l->arena, e->domain + tree, tree, i)
                             : -ENOMEM;
        if (r != 0)
            return r;
    }
    names_sort(&l->own->catalogue);
    return 0;
}
