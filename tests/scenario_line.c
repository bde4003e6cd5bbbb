#include <stdlib.h>

#include "base/span.h"
#include "scenario.h"

/* Takes one word off *at, quotes removed. NULL: the end, or an open quote (*open). */
static char *word_take(char **at, bool *open)
{
    char *from, *to, *p = *at;
    bool quoted = false;

    while (*p == ' ')
        p++;
    if (*p == '\0' || *p == '#')
        return NULL;
    for (from = to = p; *p != '\0' && (quoted || *p != ' '); p++) {
        if (*p == '"')
            quoted = !quoted;
        else
            *to++ = *p;
    }
    *open = quoted;
    *at = *p == '\0' ? p : p + 1;
    *to = '\0';
    return quoted ? NULL : from;
}

bool line_cut(struct line *l, struct mw_span text)
{
    bool open = false;
    char *at, *word;

    *l = (struct line){ .text = span_dup(text) };
    if (l->text == NULL)
        return false;
    at = l->text;
    while ((word = word_take(&at, &open)) != NULL) {
        char *equals = strchr(word, '=');

        if (l->n == LINE_MAX_WORDS)
            return false;
        if (equals != NULL)
            *equals = '\0';
        l->words[l->n++] = (struct word){ word, equals != NULL ? equals + 1 : NULL };
    }
    return !open;
}

void line_deinit(struct line *l)
{
    free(l->text);
    *l = (struct line){ 0 };
}

const char *line_value(const struct line *l, const char *key, const char *otherwise)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->words[i].value != NULL && strcmp(l->words[i].key, key) == 0)
            return l->words[i].value;
    return otherwise;
}

bool line_has(const struct line *l, const char *word)
{
    for (size_t i = 1; i < l->n; i++)
        if (l->words[i].value == NULL && strcmp(l->words[i].key, word) == 0)
            return true;
    return false;
}

const char *line_word(const struct line *l, size_t i)
{
    for (size_t at = 0; at < l->n; at++)
        if (l->words[at].value == NULL && i-- == 0)
            return l->words[at].key;
    return "";
}
