/* Elastic Common Schema field names. */
#include <stdio.h>

#include "base/built.h"
#include "base/text.h"
#include "gate/wire/tls_names.h"
#include "gate/scribe/render.h"

static void event(struct json_out *j, const struct audit_record *r)
{
    bool session = r->kind == AUDIT_SESSION;
    int64_t ms = record_duration_ms(r);
    char id[40];

    json_open(j, "event", '{');
    json_text(j, "kind", "event");
    json_open(j, "category", '[');
    json_text(j, NULL, session ? "network" : "configuration");
    json_close(j, ']');
    json_open(j, "type", '[');
    if (session) {
        json_text(j, NULL, "connection");
        json_text(j, NULL, "end");
        json_text(j, NULL, record_denied(r) ? "denied" : "allowed");
    } else {
        json_text(j, NULL, "info");
    }
    json_close(j, ']');
    json_text(j, "action", session ? r->action : r->what);
    json_text(j, "outcome", r->outcome == AUDIT_COMPLETED ? "success" : "failure");
    json_text(j, "reason", session ? r->reason : r->detail);
    json_text(j, "module", "midwatch");
    json_text(j, "dataset", "midwatch.gate");
    if (r->worker != 0) {
        record_id(r, id);
        json_text(j, "id", id);
    }
    if (session) {
        json_time(j, "start", r->began_ms);
        json_time(j, "end", record_end_ms(r));
        if (ms >= 0 && ms < INT64_MAX / 1000000)
            json_number(j, "duration", ms * 1000000); /* nanoseconds */
    }
    json_close(j, '}');
}

static void address(struct json_out *j, const struct addr *a)
{
    char text[ADDR_TEXT];

    if (a->len == 0)
        return;
    addr_text(a, false, text);
    json_text(j, "ip", text);
}

static bool is_address(const char *host)
{
    struct addr a;

    return addr_parse(&a, span_str(host), 0) == 0;
}

static int64_t bytes(uint64_t n)
{
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static void ends(struct json_out *j, const struct audit_record *r)
{
    char text[ADDR_TEXT] = "";
    bool named = r->host != NULL && r->host[0] != '\0';

    json_open(j, "source", '{');
    if (r->client.len != 0) {
        addr_text(&r->client, false, text);
        json_text(j, "address", text);
        json_text(j, "ip", text);
        json_number(j, "port", addr_port(&r->client));
    }
    json_number(j, "bytes", bytes(r->bytes_up));
    json_close(j, '}');

    json_open(j, "destination", '{');
    if (named) {
        json_text(j, "address", r->host);
        if (!is_address(r->host))
            json_text(j, "domain", r->host);
    } else if (r->destination.len != 0) {
        addr_text(&r->destination, false, text);
        json_text(j, "address", text);
    }
    address(j, &r->destination);
    if (r->port != 0)
        json_number(j, "port", r->port);
    json_number(j, "bytes", bytes(r->bytes_down));
    json_close(j, '}');
}

static void network(struct json_out *j, const struct audit_record *r)
{
    uint64_t sum = r->bytes_up > UINT64_MAX - r->bytes_down ? UINT64_MAX
                                                            : r->bytes_up + r->bytes_down;

    json_open(j, "network", '{');
    json_text(j, "transport", "tcp");
    if (r->client.len != 0)
        json_text(j, "type", addr_family(&r->client) == AF_INET6 ? "ipv6" : "ipv4");
    if (record_is_http(r))
        json_text(j, "protocol", strcmp(r->protocol, "websocket") == 0 ? "websocket" : "http");
    else if (r->client_leg.version != 0 || (r->sni != NULL && r->sni[0] != '\0'))
        json_text(j, "protocol", "tls");
    json_number(j, "bytes", bytes(sum));
    json_close(j, '}');
    if (record_is_http(r)) {
        json_open(j, "http", '{');
        json_text(j, "version", strcmp(r->protocol, "h2") == 0 ? "2" : "1.1");
        json_close(j, '}');
    }
}

/* The connection of the client: with whom it shook hands is us, when a leaf was forged. */
static void tls(struct json_out *j, const struct audit_record *r)
{
    const struct audit_leg *l = &r->client_leg;
    CLEANUP(buf_deinit) struct buf hex = BUF_INIT(80);
    char name[NAME_TEXT];

    if (l->version == 0 && (r->sni == NULL || r->sni[0] == '\0'))
        return;
    json_open(j, "tls", '{');
    if (l->version != 0) {
        json_text(j, "version", version_digits(l->version));
        json_text(j, "version_protocol", "tls");
        suite_name(l->suite, name);
        json_text(j, "cipher", name);
        group_name(l->group, name);
        json_text(j, "curve", name);
        json_flag(j, "resumed", l->resumed);
        json_flag(j, "established", true);
        json_text(j, "next_protocol", l->alpn);
    }
    if (r->sni != NULL && r->sni[0] != '\0') {
        json_open(j, "client", '{');
        json_text(j, "server_name", r->sni);
        json_close(j, '}');
    }
    if (is_sha256(r->forged_sha256)) {
        text_hex(&hex, span_of(r->forged_sha256, 32), 0);
        for (size_t i = 0; i < hex.len; i++) /* ECS wants certificate hashes in capitals */
            if (hex.data[i] >= 'a')
                hex.data[i] = (uint8_t)(hex.data[i] - 'a' + 'A');
        json_open(j, "server", '{');
        json_open(j, "hash", '{');
        json_bytes(j, "sha256", buf_span(&hex));
        json_close(j, '}');
        json_close(j, '}');
    }
    json_close(j, '}');
}

/* What a search for one address, name or certificate should find, whatever field it is in. */
static void related(struct json_out *j, const struct audit_record *r)
{
    bool named = r->host != NULL && r->host[0] != '\0' && !is_address(r->host);
    char text[ADDR_TEXT];

    json_open(j, "related", '{');
    if (r->client.len != 0 || r->destination.len != 0) {
        json_open(j, "ip", '[');
        if (r->client.len != 0) {
            addr_text(&r->client, false, text);
            json_text(j, NULL, text);
        }
        if (r->destination.len != 0) {
            addr_text(&r->destination, false, text);
            json_text(j, NULL, text);
        }
        json_close(j, ']');
    }
    if (named) {
        json_open(j, "hosts", '[');
        json_text(j, NULL, r->host);
        json_close(j, ']');
    }
    if (r->user != NULL && r->user[0] != '\0') {
        json_open(j, "user", '[');
        json_text(j, NULL, r->user);
        json_close(j, ']');
    }
    if (is_sha256(r->origin_sha256) || is_sha256(r->forged_sha256)) {
        json_open(j, "hash", '[');
        if (is_sha256(r->origin_sha256))
            json_hex(j, NULL, span_of(r->origin_sha256, 32));
        if (is_sha256(r->forged_sha256))
            json_hex(j, NULL, span_of(r->forged_sha256, 32));
        json_close(j, ']');
    }
    json_close(j, '}');
}

void render_ecs(struct json_out *j, const struct render *how, const struct audit_record *r)
{
    json_time(j, "@timestamp", record_end_ms(r));
    json_open(j, "ecs", '{');
    json_text(j, "version", "8.17.0");
    json_close(j, '}');
    event(j, r);
    json_open(j, "observer", '{');
    json_text(j, "vendor", "Midwatch");
    json_text(j, "product", "midwatch gate");
    json_text(j, "version", built_version());
    json_text(j, "type", "proxy");
    json_text(j, "hostname", how->gateway);
    json_close(j, '}');
    if (r->kind != AUDIT_SESSION)
        return;
    ends(j, r);
    network(j, r);
    if (r->user != NULL && r->user[0] != '\0') {
        json_open(j, "user", '{');
        json_text(j, "name", r->user);
        json_close(j, '}');
    }
    if (r->rule != NULL && r->rule[0] != '\0') {
        json_open(j, "rule", '{');
        json_text(j, "name", r->rule);
        json_text(j, "category", r->exception);
        json_close(j, '}');
    }
    tls(j, r);
    related(j, r);
    if (r->error != NULL && r->error[0] != '\0') {
        json_open(j, "error", '{');
        json_text(j, "message", r->error);
        json_close(j, '}');
    }
}
