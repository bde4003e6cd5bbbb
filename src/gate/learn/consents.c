/*
 * "Continue anyway" of people: kept until they end, the oldest give way.
 */
#include <errno.h>
#include <stdlib.h>

#include "gate/learn/inside.h"

enum { OF_CLIENT = 100 };

static char *text_put(char **at, const char *s)
{
    size_t len = strlen(s) + 1;
    char *to = memcpy(*at, s, len);

    *at += len;
    return to;
}

static bool same(const struct gate_consent *a, const struct gate_consent *b)
{
    return strcmp(a->client, b->client) == 0 && strcmp(a->host, b->host) == 0 &&
           a->port == b->port && strcmp(a->key, b->key) == 0 &&
           strcmp(a->findings, b->findings) == 0;
}

static void unlink_item(struct learner *l, struct consent_item *c)
{
    struct consent_item **at = &l->consents;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    l->n_consents--;
    l->consents_bytes -= consent_bytes(&c->c);
    free(c);
}

void consents_free(struct learner *l)
{
    while (l->consents != NULL)
        unlink_item(l, l->consents);
}

int consents_put(struct learner *l, int64_t number, struct mw_wall made,
                 const struct gate_consent *c, struct consent_item **out)
{
    struct consent_item *item = calloc(1, sizeof *item + consent_bytes(c));
    char *at;

    if (item == NULL)
        return -ENOMEM;
    at = (char *)(item + 1);
    item->number = number;
    item->made = made;
    item->c = *c;
    item->c.client = text_put(&at, c->client);
    item->c.host = text_put(&at, c->host);
    item->c.key = text_put(&at, c->key);
    item->c.findings = text_put(&at, c->findings);
    item->next = l->consents;
    l->consents = item;
    l->n_consents++;
    l->consents_bytes += consent_bytes(c);
    if (number >= l->next_consent)
        l->next_consent = number + 1;
    *out = item;
    return 0;
}

int consents_drop(struct learner *l, struct consent_item *c)
{
    int rc = keep_consent_gone(l, c->number);

    unlink_item(l, c);
    return rc;
}

int consents_expire(struct learner *l, struct mw_wall now)
{
    struct consent_item *next;
    int rc = 0;

    for (struct consent_item *c = l->consents; rc == 0 && c != NULL; c = next) {
        next = c->next;
        if (c->c.until.s <= now.s)
            rc = consents_drop(l, c);
    }
    return rc;
}

/* client NULL: of everybody. */
static struct consent_item *oldest(struct learner *l, const char *client, size_t *n)
{
    struct consent_item *found = NULL;

    *n = 0;
    for (struct consent_item *c = l->consents; c != NULL; c = c->next) {
        if (client != NULL && strcmp(c->c.client, client) != 0)
            continue;
        found = c;
        (*n)++;
    }
    return found;
}

/* All of them must fit into one message to the workers, and no client has more than its share. */
static int room_make(struct learner *l, const char *client)
{
    size_t n;
    struct consent_item *c = oldest(l, client, &n);
    int rc = n > OF_CLIENT ? consents_drop(l, c) : 0;

    while (rc == 0 && (l->n_consents > LEARN_MAX_CONSENTS ||
                       l->consents_bytes > LEARN_CONSENTS_BYTES))
        rc = consents_drop(l, oldest(l, NULL, &n));
    return rc;
}

int learner_consent(struct learner *l, const struct gate_consent *c)
{
    struct consent_item *item, *next;
    int rc = 0;

    if (c->client == NULL || c->host == NULL || c->key == NULL || c->client[0] == '\0' ||
        c->host[0] == '\0' || c->key[0] == '\0' || c->findings == NULL)
        return -EINVAL;
    for (item = l->consents; rc == 0 && item != NULL; item = next) {
        next = item->next;
        if (same(&item->c, c))
            rc = consents_drop(l, item);
    }
    if (rc == 0)
        rc = consents_put(l, l->next_consent, l->now, c, &item);
    if (rc == 0)
        rc = keep_consent(l, item);
    return rc == 0 ? room_make(l, c->client) : rc;
}

int learner_consents(struct learner *l, struct mw_wall now, struct gate_consent **items,
                     size_t *n)
{
    int rc = consents_expire(l, now);
    struct gate_consent *all = calloc(l->n_consents + 1, sizeof *all);

    if (all == NULL)
        return -ENOMEM;
    if (l->now.s < now.s)
        l->now = now;
    *n = 0;
    for (const struct consent_item *c = l->consents; c != NULL; c = c->next)
        if (c->c.until.s > now.s)
            all[(*n)++] = c->c;
    *items = all;
    /* What the store could not drop it will be asked to drop again. */
    (void)rc;
    return 0;
}
