#include "gate/policy/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "trust/name.h"

int names_put(struct names *n, struct arena *arena, const char *name, bool tree, size_t tag)
{
    if (n->n == n->room) {
        size_t room = n->room == 0 ? 8 : 2 * n->room;
        struct name_entry *items = arena_calloc(arena, room, sizeof *items);

        if (items == NULL)
            return -ENOMEM;
        if (n->n > 0)
            memcpy(items, n->items, n->n * sizeof *items);
        n->items = items;
        n->room = room;
    }
    n->items[n->n++] = (struct name_entry){ name, tree, tag };
    return 0;
}

/* Below a public suffix anybody may have a name. */
static int refuse_suffix(const struct names_reader *r, const struct host *host,
                         const struct ucl_place *at)
{
    return ucl_fail(at, r->error,
                    "%s: \".%s\" is a public suffix: everybody's names lie below it; name the "
                    "domains that are meant, or say whole-suffix = yes",
                    r->key, host->text);
}

static bool is_suffix(const struct host *host)
{
    struct host below;
    char text[sizeof below.text + 2];

    if (host_registrable(host) != NULL)
        return false;
    /* ".internal" and its like are one organisation's own, whatever the list's default says. */
    snprintf(text, sizeof text, "x.%s", host->text);
    return host_parse(&below, text) != 0 || host_is_public(&below);
}

int names_add(struct names *n, const struct names_reader *r, const char *text,
              const struct ucl_place *at, size_t tag)
{
    bool tree = text[0] == '.';
    struct host host;
    char *copy;

    if (n->n >= NAMES_MAX)
        return ucl_fail(at, r->error, "%s: more than %d names", r->key, NAMES_MAX);
    if (strchr(text, '*') != NULL)
        return ucl_fail(at, r->error,
                        "%s: no \"*\" in \"%s\"; a leading dot covers a name and all below it",
                        r->key, ucl_show(text).text);
    if (host_parse(&host, text + tree) != 0 || host.kind == HOST_NONE)
        return ucl_fail(at, r->error, "%s: \"%s\" is not a host name", r->key, ucl_show(text).text);
    if (host.kind == HOST_IP)
        return ucl_fail(at, r->error, "%s: %s is an address; write it under \"destination\"",
                        r->key, ucl_show(text).text);
    if (tree && !r->whole_suffix && is_suffix(&host))
        return refuse_suffix(r, &host, at);
    copy = arena_strdup(r->arena, host.text);
    return copy != NULL ? names_put(n, r->arena, copy, tree, tag) : -ENOMEM;
}

int names_add_lines(struct names *n, const struct names_reader *r, struct mw_span text,
                    const char *file)
{
    struct ucl_place at = { file, 0, 1 };
    struct mw_span line;

    while (span_line(&text, &line)) {
        struct mw_span word = line;
        char name[300];
        int error;

        at.line++;
        if (span_field(&word, '#', &line))
            word = line;
        word = span_trim(word);
        if (word.len == 0)
            continue;
        if (word.len >= sizeof name || memchr(word.data, 0, word.len) != NULL)
            return ucl_fail(&at, r->error, "%s: this line is not a host name", r->key);
        memcpy(name, word.data, word.len);
        name[word.len] = '\0';
        error = names_add(n, r, name, &at, 0);
        if (error != 0)
            return error;
    }
    return 0;
}

/* By name, trees before single names. */
static int entry_cmp(const void *a, const void *b)
{
    const struct name_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : (int)y->tree - (int)x->tree;
}

void names_sort(struct names *n)
{
    size_t kept = 0;

    if (n->n == 0)
        return;
    qsort(n->items, n->n, sizeof n->items[0], entry_cmp);
    /* A tree holds its own single name; of two alike the first is enough. */
    for (size_t i = 1; i < n->n; i++)
        if (strcmp(n->items[kept].name, n->items[i].name) != 0)
            n->items[++kept] = n->items[i];
    n->n = kept + 1;
}

static int name_cmp(const void *name, const void *entry)
{
    return strcmp(name, ((const struct name_entry *)entry)->name);
}

static const struct name_entry *look_up(const struct names *n, const char *name)
{
    return n->n > 0 ? bsearch(name, n->items, n->n, sizeof n->items[0], name_cmp) : NULL;
}

const struct name_entry *names_find(const struct names *n, const char *host)
{
    const struct name_entry *found = host != NULL ? look_up(n, host) : NULL;

    while (found == NULL && n->n > 0 && host != NULL) {
        host = strchr(host, '.');
        if (host == NULL)
            return NULL;
        found = look_up(n, ++host);
        if (found != NULL && !found->tree)
            found = NULL;
    }
    return found;
}

bool names_cover(const struct names *outer, const struct names *inner)
{
    for (size_t i = 0; i < inner->n; i++) {
        const struct name_entry *found = names_find(outer, inner->items[i].name);

        if (found == NULL || (inner->items[i].tree && !found->tree))
            return false;
    }
    return true;
}
