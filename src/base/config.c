#include "base/config.h"

#include <errno.h>

/* One config_bind() under way. */
struct binding {
    const struct config_key *keys;
    size_t n_keys;
    const struct ucl **set_by;  /* per key: the node that set it, NULL not yet */
    void *target, *context;
    struct arena *arena;
    struct buf *error;
};

static int unknown_key(const struct binding *b, const struct ucl *node)
{
    const char **names = arena_calloc(b->arena, b->n_keys + 1, sizeof *names);

    if (names == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < b->n_keys; i++)
        names[i] = b->keys[i].name;
    return ucl_unknown(node, names, b->n_keys, b->error);
}

static int set_number(const struct binding *b, const struct config_key *key,
                      const struct ucl *node, void *to)
{
    int64_t v = 0;
    int r = ucl_number(node, key->min, key->max, &v, b->error);

    if (r == 0)
        *(unsigned *)to = (unsigned)v;
    return r;
}

static int set_choice(const struct binding *b, const struct config_key *key,
                      const struct ucl *node, void *to)
{
    size_t n = 0;

    while (key->words[n] != NULL)
        n++;
    return ucl_choice(node, key->words, n, to, b->error);
}

static int set(const struct binding *b, const struct config_key *key, const struct ucl *node)
{
    void *to = (char *)b->target + key->offset;

    if (node->label != NULL && key->kind != CONFIG_NODE)
        return ucl_fail(&node->value, b->error, "%s has no label", key->name);
    switch (key->kind) {
    case CONFIG_STRING:
        return ucl_word(node, to, b->error);
    case CONFIG_LIST:
        return ucl_list(node, to, b->arena, b->error);
    case CONFIG_NUMBER:
        return ucl_number(node, key->min, key->max, to, b->error);
    case CONFIG_UNSIGNED:
        return set_number(b, key, node, to);
    case CONFIG_BOOL:
        return ucl_bool(node, to, b->error);
    case CONFIG_SECONDS:
        return ucl_seconds(node, key->min, key->max, to, b->error);
    case CONFIG_CHOICE:
        return set_choice(b, key, node, to);
    case CONFIG_SECTION:
        return config_bind(node, key->section, b->target, b->context, b->arena, b->error);
    case CONFIG_NODE:
        return key->read(b->context, node, to);
    }
    return -EINVAL;
}

static int bind_one(const struct binding *b, const struct ucl *node)
{
    size_t i = 0;

    while (i < b->n_keys && strcmp(b->keys[i].name, node->key) != 0)
        i++;
    if (i == b->n_keys)
        return unknown_key(b, node);
    if (b->set_by[i] != NULL && !b->keys[i].many)
        return ucl_fail(&node->at, b->error, "%s is set twice; line %u set it first",
                        b->keys[i].name, b->set_by[i]->at.line);
    b->set_by[i] = node;
    return set(b, &b->keys[i], node);
}

int config_bind(const struct ucl *section, const struct config_table *table, void *target,
                void *context, struct arena *arena, struct buf *error)
{
    struct binding b = { .keys = table->keys,
                         .n_keys = table->n,
                         .target = target,
                         .context = context,
                         .arena = arena,
                         .error = error };

    if (section->kind != UCL_SECTION)
        return ucl_fail(&section->value, error, "%s wants a section: %s { ... }", section->key,
                        section->key);
    b.set_by = arena_calloc(arena, table->n + 1, sizeof(void *));
    if (b.set_by == NULL)
        return -ENOMEM;
    for (const struct ucl *node = section->first; node != NULL; node = node->next) {
        int r = bind_one(&b, node);

        if (r != 0)
            return r;
    }
    return 0;
}

int config_read(struct mw_span text, const char *file, const struct config_key *keys, size_t n_keys,
                void *target, struct arena *arena, struct buf *error)
{
    const struct ucl_source source = { .text = text, .file = file, .max_list = CONFIG_MAX_LIST };
    const struct config_table table = { keys, n_keys };
    const struct ucl *root = NULL;
    int r = ucl_read(&root, &source, arena, error);

    return r == 0 ? config_bind(root, &table, target, NULL, arena, error) : r;
}
