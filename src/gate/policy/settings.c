/*
 * The settings besides rules: one table for each section.  tests/gate_manual_test.py holds them
 * against midwatch-gate.conf(5).
 */
#include <errno.h>

#include "gate/policy/load.h"
#include "trust/name.h"

enum { LISTENERS_MAX = 64, DAY_S = 86400, YEAR_S = 366 * DAY_S };

#define AT(field)           offsetof(struct gate_config, field)
#define STRING(key, field)  { key, CONFIG_STRING, AT(field), 0, 0, NULL, false, NULL, NULL }
#define BOOL(key, field)    { key, CONFIG_BOOL, AT(field), 0, 0, NULL, false, NULL, NULL }
#define SECONDS(key, field, min, max)                                                              \
    { key, CONFIG_SECONDS, AT(field), min, max, NULL, false, NULL, NULL }
#define NUMBER(key, field, min, max)                                                               \
    { key, CONFIG_NUMBER, AT(field), min, max, NULL, false, NULL, NULL }
#define UNSIGNED(key, field, min, max)                                                             \
    { key, CONFIG_UNSIGNED, AT(field), min, max, NULL, false, NULL, NULL }
#define CHOICE(key, field, words)                                                                  \
    { key, CONFIG_CHOICE, AT(field), 0, 0, NULL, false, words, NULL }
#define READ(key, field, fn) { key, CONFIG_NODE, AT(field), 0, 0, fn, false, NULL, NULL }
/* A section may stand several times: the command line puts its own beside --set's. */
#define SECTION(key, table) { key, CONFIG_SECTION, 0, 0, 0, NULL, true, NULL, &(table) }
#define TABLE(keys)  { keys, ARRAY_LEN(keys) }
#define MANY(key, fn)        { key, CONFIG_NODE, 0, 0, 0, fn, true, NULL, NULL }

/* ------------------------------------------------------------------------------- files ---- */

int load_path(struct load *l, const struct ucl *node, const char **out)
{
    const char *path = "";
    int r = ucl_word(node, &path, l->error);

    if (r != 0)
        return r;
    if (path[0] == '\0')
        return ucl_fail(&node->value, l->error, "%s wants a file's name", node->key);
    if (path[0] != '/' && l->folder[0] != '\0')
        path = arena_printf(l->arena, "%s/%s", l->folder, path);
    if (path == NULL)
        return -ENOMEM;
    *out = path;
    return 0;
}

int load_file(struct load *l, const struct ucl *node, const char **path, struct mw_span *bytes)
{
    struct load_wanted *w;
    int r = load_path(l, node, path);

    *bytes = (struct mw_span){ NULL, 0 };
    if (r != 0)
        return r;
    if (l->bundle != NULL)
        return gate_bundle_file(l->bundle, *path, bytes)
                   ? 0
                   : ucl_fail(&node->value, l->error, "%s was not read", ucl_show(*path).text);
    w = arena_alloc(l->arena, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    *w = (struct load_wanted){ *path, node->value, l->wanted };
    l->wanted = w;
    return 0;
}

static int read_path(void *context, const struct ucl *node, void *to)
{
    return load_path(context, node, to);
}

static int read_file(void *context, const struct ucl *node, void *to)
{
    struct mw_span bytes;

    return load_file(context, node, to, &bytes);
}

int load_words(struct load *l, const struct ucl *node, struct words *out)
{
    struct config_list list;
    int r = ucl_list(node, &list, l->arena, l->error);

    if (r == 0)
        *out = (struct words){ list.items, list.count };
    return r;
}

/* ----------------------------------------------------------------------------- listeners ---- */

static const uint16_t entrance_ports[] = {
    [GATE_ENTRANCE_HTTP] = 3128,
    [GATE_ENTRANCE_SOCKS5] = 1080,
    [GATE_ENTRANCE_TPROXY] = 8443,
    [GATE_ENTRANCE_REDIRECT] = 8443,
};

/* Port 0 is one that the system chooses. */
static int listen_address(struct addr *out, struct mw_span text, uint16_t port)
{
    struct mw_span host = { NULL, 0 };
    uint16_t given;

    if (span_ends_nocase(text, SPAN_LIT(":0")) &&
        host_port_split(span_cut(text, 0, text.len - 2), 1, &host, &given) == 0 && given == 1 &&
        (text.data[text.len - 3] == ']' || memchr(host.data, ':', host.len) == NULL)) {
        text = span_cut(text, 0, text.len - 2);
        port = 0;
    }
    return addr_parse(out, text, port);
}

static int listener_parse(struct gate_listener *out, const char *text)
{
    const char *rest = strstr(text, "://");

    if (rest == NULL)
        return -EINVAL;
    for (unsigned e = 0; e < ARRAY_LEN(entrance_ports); e++) {
        const char *name = gate_entrance_name((enum gate_entrance)e);

        if (!span_eq(span_of(text, (size_t)(rest - text)), span_str(name)))
            continue;
        *out = (struct gate_listener){ .entrance = (enum gate_entrance)e, .text = text };
        return listen_address(&out->at, span_str(rest + 3), entrance_ports[e]);
    }
    return -EINVAL;
}

static int listener_add(struct load *l, const struct ucl_place *at, const char *text)
{
    struct gate_config *c = l->config;
    struct gate_listener one;

    if (listener_parse(&one, text) < 0)
        return ucl_fail(at, l->error,
                        "listen: \"%s\" is not of the form http://127.0.0.1:3128; there are http, "
                        "socks5, tproxy and redirect, each with an address",
                        ucl_show(text).text);
    for (size_t i = 0; i < c->n_listeners; i++)
        if (addr_port(&one.at) != 0 && addr_eq(&one.at, &c->listeners[i].at))
            return ucl_fail(at, l->error, "listen: %s and %s are the same address",
                            ucl_show(c->listeners[i].text).text, ucl_show(text).text);
    if (c->n_listeners == LISTENERS_MAX)
        return ucl_fail(at, l->error, "listen: more than %d", LISTENERS_MAX);
    c->listeners[c->n_listeners++] = one;
    return 0;
}

static int read_listen(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    const struct ucl *item = node->first;
    struct words words;
    int r = load_words(l, node, &words);

    (void)to;
    if (l->listeners_new) {     /* the command line's replace the file's, and that the default */
        l->config->listeners = arena_calloc(l->arena, LISTENERS_MAX, sizeof *l->config->listeners);
        if (l->config->listeners == NULL)
            return -ENOMEM;
        l->config->n_listeners = 0;
        l->listeners_new = false;
    }
    if (r == 0 && words.n == 0)
        return ucl_fail(&node->value, l->error, "listen wants an address such as "
                                                "http://127.0.0.1:3128");
    for (size_t i = 0; r == 0 && i < words.n; i++) {
        r = listener_add(l, item != NULL ? &item->at : &node->value, words.items[i]);
        item = item != NULL ? item->next : NULL;
    }
    return r;
}

static int read_address(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    const char *text = "";
    int r = ucl_word(node, &text, l->error);

    if (r == 0 && addr_parse(to, span_str(text), 9464) < 0)
        return ucl_fail(&node->value, l->error, "%s wants an address such as 127.0.0.1:9464, not "
                        "\"%s\"", node->key, ucl_show(text).text);
    return r;
}

/* -------------------------------------------------------------------------------- words ---- */

static const char *const action_words[] = { "", "inspect", "bypass", "block", NULL };
static const char *const undefined_words[] = { "", "inspect", "", "block", NULL };
static const char *const quic_words[] = { "", "", "bypass", "block", NULL };
static const char *const client_cert_words[] = { "bypass", "block", "without", NULL };
static const char *const learner_words[] = { "off", "propose", "apply", NULL };
static const char *const format_words[] = { "ecs", "ocsf", NULL };
static const char *const full_words[] = { "pass", "block", NULL };

static int read_version(void *context, const struct ucl *node, void *to)
{
    static const char *const words[] = { "", "1.0", "1.1", "1.2", "1.3" };
    struct load *l = context;
    unsigned which = 0;
    int r = ucl_choice(node, words, ARRAY_LEN(words), &which, l->error);

    if (r == 0)
        *(uint16_t *)to = (uint16_t)(0x0300 + which);
    return r;
}

static int read_when_full(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    unsigned which = 0;
    int r = ucl_choice(node, full_words, 2, &which, l->error);

    if (r == 0)
        *(bool *)to = which == 1;
    return r;
}

static int read_private(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    int r = ucl_bool(node, to, l->error);

    if (r == 0)
        l->private_destinations = *(bool *)to ? TRI_YES : TRI_NO;
    return r;
}

static int read_name(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    const char *text = "";
    struct host host;
    int r = ucl_word(node, &text, l->error);

    if (r != 0)
        return r;
    if (host_parse(&host, text) != 0 || host.kind != HOST_DNS)
        return ucl_fail(&node->value, l->error, "%s wants a host name, not \"%s\"", node->key,
                        ucl_show(text).text);
    *(const char **)to = arena_strdup(l->arena, host.text);
    return *(const char **)to != NULL ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------------------------ sections ---- */

static int read_dns(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    struct words words = { NULL, 0 };
    struct addr a;
    int r = load_words(l, node, &words);

    (void)to;
    for (size_t i = 0; r == 0 && i < words.n; i++)
        if (addr_parse(&a, span_str(words.items[i]), 53) < 0)
            return ucl_fail(&node->value, l->error, "dns: \"%s\" is not an address",
                            ucl_show(words.items[i]).text);
    l->config->upstream.dns_servers = words.items;
    l->config->upstream.n_dns_servers = words.n;
    return r;
}

static const struct config_key upstream_keys[] = {
    READ("roots", upstream.roots, read_file),
    READ("local-roots", upstream.local_roots, read_file),
    READ("ct-logs", upstream.ct_logs, read_file),
    READ("dns", upstream.dns_servers, read_dns),
    READ("hosts-file", upstream.hosts_file, read_file),
    BOOL("fetch", upstream.fetch),
    SECONDS("reuse", upstream.reuse_s, 0, 60),
    READ("private-destinations", upstream.private_destinations, read_private),
};

static const struct config_table upstream_table = TABLE(upstream_keys);

static const struct config_key ca_keys[] = {
    READ("folder", ca.folder, read_path),
    READ("passphrase-file", ca.passphrase_file, read_path),
    STRING("pkcs11", ca.pkcs11),
    READ("pkcs11-module", ca.pkcs11_module, read_path),
    READ("pin-file", ca.pin_file, read_path),
    SECONDS("leaf-lifetime", ca.leaf_s, 3600, 199LL * DAY_S),
    NUMBER("rate-per-minute", ca.rate_per_minute, 1, 10000000),
};

static const struct config_table ca_table = TABLE(ca_keys);

static int read_syslog(void *context, const struct ucl *node, void *to)
{
    static const char *const schemes[] = { "tls://", "tcp://", "udp://" };
    struct load *l = context;
    const char *text = "";
    int r = ucl_word(node, &text, l->error);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(schemes); i++)
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0 &&
            text[strlen(schemes[i])] != '\0') {
            *(const char **)to = text;
            return 0;
        }
    return r != 0 ? r : ucl_fail(&node->value, l->error, "syslog wants tls://HOST:PORT, tcp:// or "
                                 "udp://, not \"%s\"", ucl_show(text).text);
}

static const struct config_key audit_keys[] = {
    READ("folder", audit.folder, read_path),
    CHOICE("format", audit.format, format_words),
    NUMBER("rotate-size", audit.rotate_bytes, 1 << 16, 1LL << 40),
    SECONDS("rotate-time", audit.rotate_s, 60, YEAR_S),
    SECONDS("keep", audit.keep_s, DAY_S, 20LL * YEAR_S),
    READ("syslog", audit.syslog, read_syslog),
    READ("syslog-roots", audit.syslog_roots, read_file),
    READ("when-full", audit.block_when_full, read_when_full),
};

static const struct config_table audit_table = TABLE(audit_keys);

static const struct config_key admin_keys[] = {
    READ("listen", admin.at, read_address),
};

static const struct config_table admin_table = TABLE(admin_keys);

static int read_unattended(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    struct words words = { NULL, 0 };
    int r = load_words(l, node, &words);

    (void)to;
    for (size_t i = 0; r == 0 && i < words.n; i++)
        if (!ja4_pattern_is_good(words.items[i]))
            return ucl_fail(&node->value, l->error, "%s: \"%s\" is not a JA4 fingerprint",
                            node->key, ucl_show(words.items[i]).text);
    l->config->learner.unattended_ja4 = words.items;
    l->config->learner.n_unattended_ja4 = words.n;
    return r;
}

static const struct config_key learner_keys[] = {
    CHOICE("mode", learner.mode, learner_words),
    UNSIGNED("failures", learner.failures, 1, 1000),
    SECONDS("window", learner.window_s, 1, DAY_S),
    SECONDS("lifetime", learner.lifetime_s, 60, YEAR_S),
    BOOL("bypass-unattended", learner.bypass_unattended),
    READ("unattended-ja4", learner.unattended_ja4, read_unattended),
};

static const struct config_table learner_table = TABLE(learner_keys);

static const struct config_key limits_keys[] = {
    UNSIGNED("connections", limits.connections, 1, 1000000),
    UNSIGNED("per-client", limits.per_client, 1, 1000000),
    SECONDS("hello-time", limits.hello_s, 1, 600),
    SECONDS("dial-time", limits.dial_s, 1, 600),
    SECONDS("handshake-time", limits.handshake_s, 1, 600),
    SECONDS("idle-time", limits.idle_s, 1, 7LL * DAY_S),
    SECONDS("tunnel-idle-time", limits.tunnel_idle_s, 1, 30LL * DAY_S),
    NUMBER("request-body", limits.request_body, 0, 1LL << 50),
    NUMBER("response-body", limits.response_body, 0, 1LL << 50),
    UNSIGNED("streams", limits.streams, 1, 10000),
};

static const struct config_table limits_table = TABLE(limits_keys);

/* ------------------------------------------------------------------------------- policy ---- */

static int read_on(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    struct on_findings on;
    int r;

    (void)to;
    findings_none(&on);
    r = findings_read(&on, node, l->error);
    for (unsigned code = 0; r == 0 && code < MW_CODES; code++)
        if (on.act[code] >= 0) {
            l->config->on_finding[code] = (enum gate_on_finding)on.act[code];
            l->own->on_set[code] = true;
        }
    return r;
}

static int read_rule(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    struct load_rule *one;

    (void)to;
    if (l->n_rules == LOAD_MAX_RULES)
        return ucl_fail(&node->at, l->error, "more than %d rules", LOAD_MAX_RULES);
    one = arena_alloc(l->arena, sizeof *one);
    if (one == NULL)
        return -ENOMEM;
    *l->rules->end = one;
    l->rules->end = &one->next;
    l->rules->n++;
    l->n_rules++;
    return rule_read(l, node, &one->rule);
}

static int read_users(void *context, const struct ucl *node, void *to)
{
    struct load *l = context;
    struct mw_span text;
    int r = load_file(l, node, to, &text);

    if (r != 0 || l->bundle == NULL)
        return r;
    return users_read(&l->own->users, text, *(const char **)to, l->arena, l->error);
}

static const struct config_key settings_keys[] = {
    MANY("listen", read_listen),
    READ("state", state_folder, read_path),
    UNSIGNED("workers", workers, 1, 64),
    STRING("user", user),
    READ("name", name, read_name),
    STRING("contact", contact),
    READ("users-file", users_file, read_users),
    READ("min-version", min_version, read_version),
    BOOL("mirror-version", mirror_version),
    CHOICE("undefined", undefined, undefined_words),
    CHOICE("not-tls", not_tls, action_words),
    CHOICE("ech", ech, action_words),
    CHOICE("quic", quic, quic_words),
    CHOICE("client-cert", client_cert, client_cert_words),
    READ("on", on_finding, read_on),
    SECTION("upstream", upstream_table),
    SECTION("ca", ca_table),
    SECTION("audit", audit_table),
    SECTION("admin", admin_table),
    SECTION("learner", learner_table),
    SECTION("limits", limits_table),
    READ("catalogue", own, catalogue_read),
    MANY("list", list_read),
    MANY("rule", read_rule),
    MANY("exception", read_rule),
};

int settings_read(struct load *l, const struct ucl *root)
{
    static const struct config_table table = TABLE(settings_keys);

    l->listeners_new = true;
    return config_bind(root, &table, l->config, l, l->arena, l->error);
}
