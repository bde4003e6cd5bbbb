#include "gate/worker/resume.h"

#include <stdio.h>
#include <stdlib.h>

struct server {
    struct lru_node node;       /* first */
    SSL_SESSION *sessions[RESUME_SESSIONS];
    struct origin *origin;
};

static void server_drop(struct lru_node *node)
{
    struct server *s = (struct server *)node;

    for (size_t i = 0; i < RESUME_SESSIONS; i++)
        SSL_SESSION_free(s->sessions[i]);
    origin_unref(s->origin);
    free(node->name);
    free(s);
}

int resume_init(struct resume *r)
{
    return lru_init(&r->servers, RESUME_MAX, server_drop);
}

void resume_deinit(struct resume *r)
{
    lru_deinit(&r->servers);
}

void resume_clear(struct resume *r)
{
    while (r->servers.oldest != NULL)
        lru_remove(&r->servers, r->servers.oldest);
}

void resume_name(char name[RESUME_NAME], const char *host, const char *to, uint16_t port)
{
    snprintf(name, RESUME_NAME, "%s %s %u", host, to, port);
}

SSL_SESSION *resume_take(struct resume *r, const char *name, struct mw_wall now,
                         struct origin **origin)
{
    struct server *s = (struct server *)lru_find(&r->servers, name);
    SSL_SESSION *session;

    if (s == NULL)
        return NULL;
    if (now.s >= s->origin->until.s || now.s < s->origin->judged.s) {
        lru_remove(&r->servers, &s->node);
        return NULL;
    }
    session = s->sessions[0];
    if (session == NULL)
        return NULL;
    *origin = origin_ref(s->origin);
    if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(session); /* TLS 1.2 sessions serve again and again */
        return session;
    }
    s->sessions[0] = s->sessions[1];
    s->sessions[1] = NULL;
    return session;
}

void resume_keep(struct resume *r, const char *name, SSL_SESSION *session, struct origin *origin)
{
    struct server *s = (struct server *)lru_find(&r->servers, name);

    if (s != NULL && s->origin != origin) {
        lru_remove(&r->servers, &s->node);
        s = NULL;
    }
    if (s == NULL) {
        s = calloc(1, sizeof(*s));
        if (s == NULL)
            return;
        s->node.name = strdup(name);
        if (s->node.name == NULL) {
            free(s);
            return;
        }
        s->origin = origin_ref(origin);
        lru_add(&r->servers, &s->node);
    }
    SSL_SESSION_up_ref(session);
    SSL_SESSION_free(s->sessions[1]);
    s->sessions[1] = s->sessions[0];
    s->sessions[0] = session;
}

void resume_forget(struct resume *r, const char *name)
{
    struct lru_node *node = lru_find(&r->servers, name);

    if (node != NULL)
        lru_remove(&r->servers, node);
}
