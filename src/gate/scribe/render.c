#include "gate/scribe/render.h"

#include <inttypes.h>
#include <stdio.h>

#include "gate/wire/tls_names.h"

bool record_denied(const struct audit_record *r)
{
    return r->outcome == AUDIT_BLOCKED || r->outcome == AUDIT_REFUSED ||
           r->outcome == AUDIT_OVERLOADED;
}

bool record_is_http(const struct audit_record *r)
{
    const char *p = r->protocol != NULL ? r->protocol : "";

    return strcmp(p, "h1") == 0 || strcmp(p, "h2") == 0 || strcmp(p, "websocket") == 0;
}

int64_t record_end_ms(const struct audit_record *r)
{
    return r->ended_ms != 0 ? r->ended_ms : r->began_ms;
}

int64_t record_duration_ms(const struct audit_record *r)
{
    int64_t ms;

    if (__builtin_sub_overflow(record_end_ms(r), r->began_ms, &ms) || ms < 0)
        return -1;
    return ms;
}

void record_id(const struct audit_record *r, char text[40])
{
    snprintf(text, 40, "%016" PRIx64 "-%" PRIu64, r->worker, r->serial);
}

bool is_sha256(const uint8_t sha256[32])
{
    static const uint8_t zero[32] = { 0 };

    return memcmp(sha256, zero, sizeof(zero)) != 0;
}

static void sha256(struct json_out *j, const char *key, const uint8_t *hash)
{
    if (hash != NULL && is_sha256(hash))
        json_hex(j, key, span_of(hash, 32));
}

static void positive(struct json_out *j, const char *key, uint64_t v)
{
    if (v != 0)
        json_number(j, key, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

static void endpoint(struct json_out *j, const char *key, const struct addr *a)
{
    char text[ADDR_TEXT];

    if (a->len == 0)
        return;
    addr_text(a, true, text);
    json_text(j, key, text);
}

static void leg(struct json_out *j, const char *key, const struct audit_leg *l)
{
    char name[NAME_TEXT];

    if (l->version == 0 && l->alert_sent == 0 && l->alert_received == 0)
        return;
    json_open(j, key, '{');
    json_text(j, "version", version_digits(l->version));
    suite_name(l->suite, name);
    json_text(j, "cipher", name);
    group_name(l->group, name);
    json_text(j, "group", name);
    signature_name(l->signature, name);
    json_text(j, "signature", name);
    json_flag(j, "resumed", l->resumed);
    json_text(j, "alpn", l->alpn);
    positive(j, "alert_sent", l->alert_sent);
    positive(j, "alert_received", l->alert_received);
    positive(j, "handshake_us", l->handshake_us > 0 ? (uint64_t)l->handshake_us : 0);
    if (l->reused)
        json_flag(j, "reused", true);
    json_close(j, '}');
}

static void findings(struct json_out *j, const char *codes)
{
    struct mw_span rest = span_str(codes), code;

    if (rest.len == 0)
        return;
    json_open(j, "findings", '[');
    while (span_field(&rest, ',', &code))
        json_bytes(j, NULL, code);
    json_close(j, ']');
}

static void note_out(struct json_out *j, const struct log_note *n)
{
    json_open(j, "log", '{');
    json_text(j, "note", n->kind);
    json_text(j, "file", n->file);
    positive(j, "number", n->number);
    positive(j, "seq", n->seq);
    sha256(j, "hash", n->hash);
    json_text(j, "key", n->key);
    positive(j, "bytes", n->bytes);
    sha256(j, "bytes_sha256", n->bytes_sha256);
    json_text(j, "why", n->why);
    json_close(j, '}');
}

/* The two leaves side by side: this is the link between what was judged and what was forged. */
static void certificates(struct json_out *j, const struct audit_record *r)
{
    json_open(j, "certificate", '{');
    json_flag(j, "forged", r->forged);
    if (r->forged) {
        json_flag(j, "untrusted_ca", r->forged_untrusted);
        sha256(j, "forged_sha256", r->forged_sha256);
    }
    sha256(j, "origin_sha256", r->origin_sha256);
    json_close(j, '}');
}

static void session(struct json_out *j, const struct audit_record *r)
{
    json_text(j, "outcome", audit_outcome_name(r->outcome));
    json_text(j, "failed_at", r->failed_at);
    json_text(j, "entrance", r->entrance);
    endpoint(j, "listener", &r->listener);
    json_text(j, "asked", r->asked);
    json_text(j, "protocol", r->protocol);
    json_text(j, "exception", r->exception);
    json_text(j, "ja4", r->ja4);
    json_flag(j, "ech", r->ech);
    leg(j, "client_leg", &r->client_leg);
    leg(j, "server_leg", &r->server_leg);
    json_text(j, "weakened", r->weakened);
    json_text(j, "verdict", r->verdict);
    findings(j, r->findings);
    json_text(j, "decided_by", r->decided_by);
    json_flag(j, "consented", r->consented);
    certificates(j, r);
    json_number(j, "requests", r->requests);
    json_number(j, "blocked_requests", r->blocked_requests);
}

void render_own(struct json_out *j, const struct render *how, const struct audit_record *r)
{
    char id[40];

    /* Always: the chain goes on behind it. */
    json_text(j, "kind", how->note != NULL            ? "log"
                         : r->kind == AUDIT_SESSION ? "session"
                                                    : "event");
    if (how->note != NULL)
        note_out(j, how->note);
    if (r->kind == AUDIT_SESSION)
        session(j, r);
    /* Of the scribe's own events there are no second copies to tell apart. */
    if (r->worker != 0) {
        record_id(r, id);
        json_text(j, "record", id);
    }
}

void render_record(struct buf *out, const struct render *how, const struct audit_record *r,
                   struct mw_span *closers)
{
    struct json_out j = { .to = out };

    json_open(&j, NULL, '{');
    if (how->format == GATE_LOG_OCSF) {
        render_ocsf(&j, how, r);
        json_open(&j, "unmapped", '{');
        *closers = SPAN_LIT("}}}");
    } else {
        render_ecs(&j, how, r);
        *closers = SPAN_LIT("}}");
    }
    json_open(&j, "midwatch", '{');
    render_own(&j, how, r);
}
