/*
 * "Continue anyway": a path that only we can make, for one client, site, key and set of findings.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gate/door/door.h"
#include "gate/worker/worker.h"

static bool token(const uint8_t key[32], const struct gate_consent *c, char hex[65])
{
    char text[2048];
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    int n = snprintf(text, sizeof(text), "consent|%s|%s|%u|%s|%s", c->client, c->host, c->port,
                     c->key, c->findings);

    if (n < 0 || (size_t)n >= sizeof(text) ||
        HMAC(EVP_sha256(), key, 32, (const uint8_t *)text, (size_t)n, mac, &len) == NULL)
        return false;
    for (unsigned i = 0; i < 32; i++)
        snprintf(hex + (size_t)2 * i, 3, "%02x", mac[i]);
    return true;
}

void consent_path(const struct worker *w, const struct gate_consent *c, char path[CONSENT_PATH])
{
    char hex[65] = "";

    (void)token(w->consent_key[0], c, hex);
    snprintf(path, CONSENT_PATH, DOOR_CONTINUE "%s", hex);
}

bool consent_path_good(const struct worker *w, const struct gate_consent *c, struct mw_span path)
{
    const size_t prefix = sizeof(DOOR_CONTINUE) - 1;
    char hex[65];

    if (path.len != prefix + 64 || memcmp(path.data, DOOR_CONTINUE, prefix) != 0)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (token(w->consent_key[i], c, hex) &&
            CRYPTO_memcmp(hex, path.data + prefix, 64) == 0)
            return true;
    return false;
}

static bool consent_same(const struct gate_consent *a, const struct gate_consent *b)
{
    return a->port == b->port && strcmp(a->client, b->client) == 0 &&
           strcmp(a->host, b->host) == 0 && strcmp(a->key, b->key) == 0 &&
           strcmp(a->findings, b->findings) == 0;
}

const struct gate_consent *consent_find(const struct worker *w, const struct gate_consent *like,
                                        struct mw_wall now)
{
    for (size_t i = 0; i < w->consents.n; i++)
        if (now.s < w->consents.items[i].until.s && consent_same(&w->consents.items[i], like))
            return &w->consents.items[i];
    for (size_t i = 0; i < FRESH_CONSENTS; i++)
        if (w->fresh[i].c.client != NULL && now.s < w->fresh[i].c.until.s &&
            consent_same(&w->fresh[i].c, like))
            return &w->fresh[i].c;
    return NULL;
}

static void fresh_drop(struct fresh_consent *f)
{
    arena_deinit(&f->arena);
    *f = (struct fresh_consent){ .c = { .client = NULL } };
}

void consent_fresh(struct worker *w, const struct gate_consent *c)
{
    struct fresh_consent *f = &w->fresh[w->fresh_next++ % FRESH_CONSENTS];
    struct fresh_consent made = { .arena = ARENA_INIT(CHANNEL_MAX_MESSAGE), .c = *c };
    const char **texts[] = { &made.c.client, &made.c.host, &made.c.key, &made.c.findings };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = arena_strdup(&made.arena, *texts[i]);
        if (*texts[i] == NULL) {
            arena_deinit(&made.arena);  /* it will hold once the scribe has told of it */
            return;
        }
    }
    fresh_drop(f);
    *f = made;
}

void consent_settle(struct worker *w)
{
    for (size_t i = 0; i < FRESH_CONSENTS; i++)
        for (size_t k = 0; w->fresh[i].c.client != NULL && k < w->consents.n; k++)
            if (consent_same(&w->fresh[i].c, &w->consents.items[k]))
                fresh_drop(&w->fresh[i]);
}

void consent_deinit(struct worker *w)
{
    for (size_t i = 0; i < FRESH_CONSENTS; i++)
        fresh_drop(&w->fresh[i]);
    arena_deinit(&w->consents.arena);
}

void worker_consent(struct worker *w, const struct gate_consent *c)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(CHANNEL_MAX_MESSAGE);

    consent_write(&message, c);
    /* The scribe keeps it and tells all workers, this one included. */
    if (buf_error(&message) != 0 || channel_send(w->scribe, buf_span(&message)) < 0)
        log_warning("gate worker: a consent was lost: the scribe takes no more");
    else
        consent_fresh(w, c);
}
