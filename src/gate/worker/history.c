#include "gate/worker/history.h"

#include <errno.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "gate/wire/channel.h"

enum {
    WHY_MAX = 20,
    RECORD_MAX = 16 * 1024,     /* packed; more than all of its texts at their longest */
    ARENA_BYTES = 32 * 1024,
};

/* A record as it travels to the scribe: one piece of memory, bounded by its writer. */
struct packed {
    uint8_t *bytes;
    size_t len;
};

struct history {
    size_t next, n;             /* `next` is the oldest once all places are taken */
    struct packed records[HISTORY_MAX];
};

int history_new(struct history **out)
{
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? 0 : -ENOMEM;
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->n; i++)
        free(h->records[i].bytes);
    free(h);
}

/* Out of memory: one record is missing from an answer, which harms nobody. */
void history_add(struct history *h, const struct audit_record *r)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT(RECORD_MAX);
    struct packed *place = &h->records[h->next];
    uint8_t *copy;

    if (r->kind != AUDIT_SESSION)
        return;
    audit_write(&bytes, r);
    if (buf_error(&bytes) != 0)
        return;
    copy = malloc(bytes.len);
    if (copy == NULL)
        return;
    memcpy(copy, bytes.data, bytes.len);
    free(place->bytes);
    *place = (struct packed){ copy, bytes.len };
    h->next = (h->next + 1) % HISTORY_MAX;
    if (h->n < HISTORY_MAX)
        h->n++;
}

/* ------------------------------------------------------------------ as JSON ---- */

static void address(struct json_out *j, const char *key, const struct addr *a, bool with_port)
{
    char text[ADDR_TEXT];

    if (a->len == 0)
        return;
    addr_text(a, with_port, text);
    json_text(j, key, text);
}

static void leg(struct json_out *j, const char *key, const struct audit_leg *l)
{
    json_open(j, key, '{');
    json_number(j, "version", l->version);
    json_number(j, "suite", l->suite);
    json_number(j, "group", l->group);
    json_number(j, "signature", l->signature);
    json_flag(j, "resumed", l->resumed);
    json_flag(j, "reused", l->reused);
    json_text(j, "alpn", l->alpn);
    json_number(j, "alert_sent", l->alert_sent);
    json_number(j, "alert_received", l->alert_received);
    json_number(j, "handshake_us", l->handshake_us);
    json_close(j, '}');
}

static void fingerprint(struct json_out *j, const char *key, const uint8_t sha256[32])
{
    static const uint8_t none[32];

    if (memcmp(sha256, none, sizeof(none)) != 0)
        json_hex(j, key, span_of(sha256, 32));
}

/* Who and what, for both kinds of answer. */
static void session_who(struct json_out *j, const struct audit_record *r)
{
    address(j, "client", &r->client, false);
    json_text(j, "user", r->user);
    json_text(j, "entrance", r->entrance);
    json_text(j, "host", r->host);
    json_number(j, "port", r->port);
    json_text(j, "action", r->action);
    json_text(j, "rule", r->rule);
    json_text(j, "protocol", r->protocol);
    json_number(j, "bytes_up", (int64_t)r->bytes_up);
    json_number(j, "bytes_down", (int64_t)r->bytes_down);
    json_number(j, "requests", r->requests);
}

static void attempt(struct json_out *j, const struct audit_record *r)
{
    json_open(j, NULL, '{');
    json_number(j, "at_ms", r->began_ms);
    json_number(j, "took_ms", r->ended_ms - r->began_ms);
    session_who(j, r);
    address(j, "destination", &r->destination, true);
    json_text(j, "sni", r->sni);
    json_text(j, "asked", r->asked);
    json_text(j, "ja4", r->ja4);
    json_flag(j, "ech", r->ech);
    json_text(j, "reason", r->reason);
    json_text(j, "exception", r->exception);
    json_text(j, "outcome", audit_outcome_name(r->outcome));
    json_text(j, "failed_at", r->failed_at);
    json_text(j, "error", r->error);
    leg(j, "client_leg", &r->client_leg);
    leg(j, "server_leg", &r->server_leg);
    json_text(j, "weakened", r->weakened);
    json_text(j, "verdict", r->verdict);
    json_text(j, "findings", r->findings);
    json_text(j, "decided_by", r->decided_by);
    json_flag(j, "forged", r->forged);
    json_flag(j, "forged_untrusted", r->forged_untrusted);
    json_flag(j, "consented", r->consented);
    fingerprint(j, "origin_sha256", r->origin_sha256);
    fingerprint(j, "forged_sha256", r->forged_sha256);
    json_number(j, "blocked_requests", r->blocked_requests);
    json_close(j, '}');
}

void history_session_json(struct buf *json, const struct audit_record *r, int64_t now_ms)
{
    struct json_out j = { .to = json };

    json_open(&j, NULL, '{');
    json_number(&j, "age_ms", now_ms - r->began_ms);
    session_who(&j, r);
    json_text(&j, "stage", r->failed_at);
    json_close(&j, '}');
}

/* ------------------------------------------------------------------ looking ---- */

/* ".example.com" is that domain and all below it. */
static bool name_fits(const char *name, struct mw_span wanted)
{
    struct mw_span s = span_str(name);

    if (wanted.len > 1 && wanted.data[0] == '.')
        return span_ends_nocase(s, wanted) ||
               span_eq_nocase(s, span_cut(wanted, 1, wanted.len));
    return s.len > 0 && span_eq_nocase(s, wanted);
}

static bool client_fits(const struct addr *client, const char *wanted)
{
    struct addr a;

    if (wanted == NULL)
        return true;
    if (addr_parse(&a, span_str(wanted), 1) < 0)
        return false;
    return span_eq(addr_ip(&a), addr_ip(client));
}

static bool record_fits(const struct audit_record *r, const char *host, const char *client)
{
    struct mw_span wanted = span_str(host);

    return (name_fits(r->host, wanted) || name_fits(r->sni, wanted) ||
            name_fits(r->asked, wanted)) &&
           client_fits(&r->client, client);
}

int history_why(const struct history *h, const char *host, const char *client, struct buf *json)
{
    struct json_out j = { .to = json };
    size_t found = 0;

    json_open(&j, NULL, '{');
    json_open(&j, "attempts", '[');
    for (size_t i = 0; i < h->n && found < WHY_MAX; i++) {
        const struct packed *p = &h->records[(h->next + HISTORY_MAX - 1 - i) % HISTORY_MAX];
        struct arena arena = ARENA_INIT(ARENA_BYTES);
        struct audit_record r;
        int e = audit_read(&r, span_of(p->bytes, p->len), &arena);

        if (e == 0 && record_fits(&r, host, client)) {
            attempt(&j, &r);
            found++;
        }
        arena_deinit(&arena);
        if (e == -ENOMEM)
            return e;
    }
    json_close(&j, ']');
    json_close(&j, '}');
    return buf_error(json);
}
