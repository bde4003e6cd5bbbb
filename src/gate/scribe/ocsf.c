/* OCSF: Network Activity (4001) for a session; what the gate itself did is a Base Event (0). */
#include "base/built.h"
#include "gate/wire/tls_names.h"
#include "gate/scribe/render.h"

enum { NETWORK_ACTIVITY = 4001, NETWORK_CATEGORY = 4 };

/* activity_id of Network Activity: how it ended. */
static int activity(const struct audit_record *r)
{
    switch (r->outcome) {
    case AUDIT_COMPLETED:
        return 2; /* Close */
    case AUDIT_BLOCKED:
    case AUDIT_REFUSED:
    case AUDIT_OVERLOADED:
        return 5; /* Refuse */
    default:
        return 4; /* Fail */
    }
}

static const char *activity_name(int id)
{
    return id == 2 ? "Close" : id == 5 ? "Refuse" : "Fail";
}

/* 1 Informational, 2 Low, 3 Medium. */
static int severity(const struct audit_record *r)
{
    if (r->outcome == AUDIT_REFUSED || r->outcome == AUDIT_INTERNAL || r->consented ||
        r->forged_untrusted || (r->weakened != NULL && r->weakened[0] != '\0'))
        return 3;
    return r->outcome == AUDIT_COMPLETED ? 1 : 2;
}

static int64_t bytes(uint64_t n)
{
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static void class(struct json_out *j, const struct audit_record *r)
{
    bool session = r->kind == AUDIT_SESSION;
    int id = session ? activity(r) : 99;

    json_number(j, "category_uid", session ? NETWORK_CATEGORY : 0);
    json_number(j, "class_uid", session ? NETWORK_ACTIVITY : 0);
    json_number(j, "type_uid", session ? NETWORK_ACTIVITY * 100 + id : 99);
    json_number(j, "activity_id", id);
    json_text(j, "activity_name", session ? activity_name(id) : r->what);
    json_number(j, "severity_id", session ? severity(r) : 1);
    json_number(j, "time", record_end_ms(r));
    if (session) {
        json_number(j, "start_time", r->began_ms);
        json_number(j, "end_time", record_end_ms(r));
        if (record_duration_ms(r) >= 0)
            json_number(j, "duration", record_duration_ms(r));
    }
    json_number(j, "status_id", r->outcome == AUDIT_COMPLETED ? 1 : 2);
    json_text(j, "status_code", session ? audit_outcome_name(r->outcome) : NULL);
    json_text(j, "status_detail", session ? r->error : NULL);
    json_text(j, "message", session ? r->reason : r->detail);
}

static void metadata(struct json_out *j, const struct render *how, const struct audit_record *r)
{
    char id[40];

    json_open(j, "metadata", '{');
    json_text(j, "version", "1.8.0");
    json_open(j, "product", '{');
    json_text(j, "name", "midwatch gate");
    json_text(j, "vendor_name", "Midwatch");
    json_text(j, "version", built_version());
    json_close(j, '}');
    json_text(j, "log_provider", how->gateway);
    if (r->worker != 0) {
        record_id(r, id);
        json_text(j, "uid", id);
    }
    if (r->kind == AUDIT_SESSION) {
        json_open(j, "profiles", '[');
        json_text(j, NULL, "network_proxy");
        json_text(j, NULL, "security_control");
        json_close(j, ']');
    }
    json_close(j, '}');
}

static void endpoint(struct json_out *j, const char *key, const struct addr *a, const char *host,
                     uint16_t port)
{
    char text[ADDR_TEXT];
    struct addr literal;

    if (a->len == 0 && (host == NULL || host[0] == '\0'))
        return;
    json_open(j, key, '{');
    if (a->len != 0) {
        addr_text(a, false, text);
        json_text(j, "ip", text);
    }
    if (addr_parse(&literal, span_str(host), 0) != 0)
        json_text(j, "hostname", host);
    else if (a->len == 0)
        json_text(j, "ip", host);
    if (port != 0)
        json_number(j, "port", port);
    json_close(j, '}');
}

static void client(struct json_out *j, const struct audit_record *r)
{
    char text[ADDR_TEXT];

    if (r->client.len == 0)
        return;
    addr_text(&r->client, false, text);
    json_open(j, "src_endpoint", '{');
    json_text(j, "ip", text);
    json_number(j, "port", addr_port(&r->client));
    if (r->user != NULL && r->user[0] != '\0') {
        json_open(j, "owner", '{');
        json_text(j, "name", r->user);
        json_close(j, '}');
    }
    json_close(j, '}');
}

static void tls(struct json_out *j, const char *key, const struct audit_leg *l, const char *sni)
{
    char name[NAME_TEXT];

    if (version_digits(l->version) == NULL) /* its "version" is required */
        return;
    json_open(j, key, '{');
    json_text(j, "version", version_digits(l->version));
    suite_name(l->suite, name);
    json_text(j, "cipher", name);
    json_text(j, "sni", sni);
    if (l->alert_received != 0 || l->alert_sent != 0)
        json_number(j, "alert", l->alert_received != 0 ? l->alert_received : l->alert_sent);
    if (l->handshake_us > 0)
        json_number(j, "handshake_dur", l->handshake_us / 1000);
    json_close(j, '}');
}

static void ja4(struct json_out *j, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    json_open(j, "ja4_fingerprint_list", '[');
    json_open(j, NULL, '{');
    json_number(j, "type_id", 1);
    json_text(j, "type", "JA4");
    json_text(j, "value", value);
    json_close(j, '}');
    json_close(j, ']');
}

static void control(struct json_out *j, const struct audit_record *r)
{
    bool denied = record_denied(r);

    json_number(j, "action_id", denied ? 2 : 1);
    json_number(j, "disposition_id", denied ? 2 : 1);
    json_text(j, "action", denied ? "Denied" : "Allowed");
    json_text(j, "disposition", denied ? "Blocked" : "Allowed");
    if (r->rule == NULL || r->rule[0] == '\0')
        return;
    json_open(j, "firewall_rule", '{');
    json_text(j, "name", r->rule);
    json_text(j, "category", r->exception);
    json_text(j, "desc", r->reason);
    json_text(j, "type", r->action);
    json_close(j, '}');
}

static void connection(struct json_out *j, const struct audit_record *r)
{
    uint64_t sum = r->bytes_up > UINT64_MAX - r->bytes_down ? UINT64_MAX
                                                            : r->bytes_up + r->bytes_down;

    json_open(j, "connection_info", '{');
    json_number(j, "direction_id", 2); /* Outbound */
    json_text(j, "protocol_name", "tcp");
    json_number(j, "protocol_num", 6);
    if (r->client.len != 0)
        json_number(j, "protocol_ver_id", addr_family(&r->client) == AF_INET6 ? 6 : 4);
    json_close(j, '}');
    json_text(j, "app_protocol_name", r->protocol);
    json_open(j, "traffic", '{');
    json_number(j, "bytes", bytes(sum));
    json_number(j, "bytes_out", bytes(r->bytes_up));
    json_number(j, "bytes_in", bytes(r->bytes_down));
    json_close(j, '}');
}

void render_ocsf(struct json_out *j, const struct render *how, const struct audit_record *r)
{
    class(j, r);
    metadata(j, how, r);
    if (r->kind != AUDIT_SESSION)
        return;
    client(j, r);
    endpoint(j, "dst_endpoint", &r->destination, r->host, r->port);
    endpoint(j, "proxy_endpoint", &r->listener, how->gateway,
             r->listener.len != 0 ? addr_port(&r->listener) : 0);
    connection(j, r);
    tls(j, "tls", &r->client_leg, r->sni);
    tls(j, "proxy_tls", &r->server_leg, NULL);
    ja4(j, r->ja4);
    control(j, r);
}
