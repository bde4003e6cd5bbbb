/*
 * What a client gets instead of its server.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gate/door/page.h"
#include "gate/worker/flow.h"

void session_offer_done(struct session *s)
{
    free(s->offer);
    s->offer = NULL;
}

void session_host_key(const char *host, uint8_t key[32])
{
    static const char label[] = "no origin ";
    char text[sizeof(label) + 256];
    int len = snprintf(text, sizeof(text), "%s%.255s", label, host);
    unsigned int digest_len;

    if (EVP_Digest(text, (size_t)len, key, &digest_len, EVP_sha256(), NULL) != 1)
        memset(key, 0, 32);
}

enum step session_page(struct session *s, int status, const char *title, const char *reason)
{
    char copy[sizeof(s->error)];

    snprintf(copy, sizeof(copy), "%s", reason);
    snprintf(s->error, sizeof(s->error), "%s", copy);
    buf_truncate(&s->page, 0);
    page_stopped(&s->page, s->config, status, title, copy);
    if (s->offer == NULL || s->host == NULL)
        return session_end(s, AUDIT_SERVER_FAILED, s->error);
    s->page_only = true;
    s->page_status = status;
    s->record.outcome = s->decision.action == GATE_BLOCK ? AUDIT_BLOCKED : AUDIT_SERVER_FAILED;
    s->record.failed_at = session_stage_name(s);
    origin_unref(s->origin);
    s->origin = NULL;
    side_close(&s->server);
    session_go(s, STAGE_FORGE);
    return STEP_GO;
}

bool session_consent(const struct session *s, struct gate_consent *out, struct consent_text *text)
{
    struct mw_wall now = wall_now();
    struct mw_decision *d;
    bool fits;

    if (s->origin == NULL || s->on != GATE_ON_ASK ||
        mw_decision_make(&d, s->origin->verdict, false, now, CONSENT_LIFE_S, NULL) != 0)
        return false;
    fits = strlen(d->key) < sizeof(text->key) && strlen(d->findings) < sizeof(text->findings);
    snprintf(text->key, sizeof(text->key), "%s", d->key);
    snprintf(text->findings, sizeof(text->findings), "%s", d->findings);
    mw_decision_free(d);
    *out = (struct gate_consent){ .client = s->client_text,
                                  .host = s->host,
                                  .port = s->port,
                                  .key = text->key,
                                  .findings = text->findings,
                                  .until = { now.s + CONSENT_LIFE_S } };
    return fits;
}

void session_untrusted_page(struct session *s)
{
    struct gate_consent c;
    struct consent_text text;
    char path[CONSENT_PATH];
    bool ask = session_consent(s, &c, &text);

    if (ask)
        consent_path(s->w, &c, path);
    buf_truncate(&s->page, 0);
    page_untrusted(&s->page, s->config, s->origin->verdict, s->cause, ask ? path : NULL);
}

/* ------------------------------------------------------------------------- learning ---- */

/* Certificate alerts (RFC 8446 section 6.2): bad, unsupported, revoked, expired, unknown, CA. */
static bool about_certificate(uint8_t alert)
{
    return (alert >= 42 && alert <= 46) || alert == 48 || alert == 49 || alert == 51;
}

/* Browsers open connections ahead and let go of them later; what minds our certificate leaves at
 * once, and leaves first. */
enum { UNUSED_MS = 5000 };

static bool left_at_once(const struct session *s)
{
    return s->client.leg.fin_in && s->record.ended_ms - s->record.began_ms < UNUSED_MS;
}

static bool sign_of(const struct session *s, enum learn_sign *sign)
{
    const struct leg *l = &s->client.leg;

    if (s->used)
        *sign = LEARN_USED;
    else if (l->alert_in != 0)
        *sign = about_certificate(l->alert_in) ? LEARN_ALERT_CERTIFICATE : LEARN_ALERT_OTHER;
    else if (s->record.outcome == AUDIT_TIMED_OUT)
        *sign = LEARN_TIMED_OUT;
    else if (l->failure == LEG_RESET)
        *sign = LEARN_RESET_AFTER_CERT;
    else if (l->shaken && left_at_once(s))
        *sign = LEARN_CLOSED_UNUSED;
    else if (!l->shaken && l->fin_in)
        *sign = LEARN_CLOSED_AFTER_CERT;
    else
        return false;
    return true;
}

void session_learn(struct session *s)
{
    struct learn_evidence e = {
        .alert = s->client.leg.alert_in,
        .client = s->client_text,
        .ja4 = s->ja4,
        .host = s->host,
        .port = s->port,
        .at = wall_now(),
    };

    if (s->host == NULL || s->learned_from)
        return;
    if (s->decided && s->decision.exception == GATE_BY_LEARNER && s->up != NULL &&
        s->down->total > 0) {
        e.sign = LEARN_BYPASS_WORKED;
        worker_learn(s->w, &e);
        return;
    }
    if (s->leaf == NULL || s->client.leg.tls == NULL)
        return;
    e.untrusted_leaf = s->leaf->untrusted;
    if (!sign_of(s, &e.sign))
        return;
    s->learned_from = true;
    if (e.sign == LEARN_USED && worker_told_lately(s->w, &e))
        return;
    worker_learn(s->w, &e);
}
