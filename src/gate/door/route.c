#include "gate/door/route.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>

#include "base/text.h"

/* What goes where; the listeners of a configuration, sorted by what can reach them. */
struct plan {
    const struct gate_config *c;
    const struct route_options *o;
    const struct gate_listener *tproxy[2], *redirect[2];        /* [0]: IPv4, [1]: IPv6 */
    char user[16];              /* number of the gate's own; "" unknown */
    struct buf *out;
    size_t rules;
};

struct route_options route_defaults(void)
{
    return (struct route_options){ .ports = { 80, 443 }, .n_ports = 2 };
}

int route_ports_read(struct route_options *o, const char *text)
{
    struct mw_span rest = span_str(text), one;
    int64_t port;

    o->n_ports = 0;
    if (strcmp(text, "all") == 0)
        return 0;
    while (span_field(&rest, ',', &one)) {
        if (o->n_ports == ROUTE_MAX_PORTS || text_number(span_trim(one), 1, 65535, &port) != 0)
            return -EINVAL;
        o->ports[o->n_ports++] = (uint16_t)port;
    }
    return o->n_ports > 0 ? 0 : -EINVAL;
}

static const char *family_name(int family)
{
    return family == 0 ? "ipv4" : "ipv6";
}

static bool is_any(const struct addr *a)
{
    static const uint8_t zero[16] = { 0 };
    struct mw_span ip = addr_ip(a);

    return memcmp(ip.data, zero, ip.len) == 0;
}

/* Redirected packets that come from elsewhere cannot reach loopback. */
static bool redirect_fits(const struct gate_listener *l, const struct route_options *o)
{
    return o->local || !addr_is_loopback(&l->at);
}

static void plan_listeners(struct plan *p)
{
    for (size_t i = p->c->n_listeners; i-- > 0;) {      /* the first of a kind wins */
        const struct gate_listener *l = &p->c->listeners[i];
        int family = addr_family(&l->at) == AF_INET6 ? 1 : 0;

        if (l->entrance == GATE_ENTRANCE_TPROXY)
            p->tproxy[family] = l;
        else if (l->entrance == GATE_ENTRANCE_REDIRECT && redirect_fits(l, p->o))
            p->redirect[family] = l;
    }
}

static void plan_user(struct plan *p)
{
    const struct passwd *user = p->c->user != NULL ? getpwnam(p->c->user) : NULL;

    if (user != NULL)
        snprintf(p->user, sizeof(p->user), "%u", (unsigned)user->pw_uid);
}

static bool taken(const struct plan *p, int family)
{
    return p->tproxy[family] != NULL || p->redirect[family] != NULL;
}

/* --------------------------------------------------------------------- the ruleset ---- */

static void rule(struct plan *p, const char *format, ...) PRINTF_LIKE(2, 3);

static void rule(struct plan *p, const char *format, ...)
{
    va_list args;

    buf_str(p->out, "        ");
    va_start(args, format);
    buf_vprintf(p->out, format, args);
    va_end(args);
    buf_str(p->out, "\n");
    p->rules++;
}

static void chain_begin(struct plan *p, const char *name, const char *type, const char *priority)
{
    buf_printf(p->out, "    chain %s {\n        type %s priority %s; policy accept;\n", name, type,
               priority);
}

static void chain_end(struct plan *p)
{
    buf_str(p->out, "    }\n");
}

/* "tcp dport { 80, 443 }", or every port. */
static void ports_write(char *to, size_t room, const char *protocol,
                        const struct route_options *o)
{
    int n = snprintf(to, room, o->n_ports > 0 ? "%s dport { " : "meta l4proto %s", protocol);

    for (size_t i = 0; i < o->n_ports; i++)
        n += snprintf(to + n, room - (size_t)n, "%s%u", i > 0 ? ", " : "", o->ports[i]);
    if (o->n_ports > 0)
        snprintf(to + n, room - (size_t)n, " }");
}

enum { PORTS_TEXT = ROUTE_MAX_PORTS * 8 + 32 };

/* Who comes in: through which interface.  lo: for what this computer's own programs send, which
 * comes in again there. */
static void interfaces_rule(struct plan *p, bool lo)
{
    const struct route_options *o = p->o;
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(4096);

    if (o->n_interfaces == 0)
        return;
    for (size_t i = 0; i < o->n_interfaces; i++)
        buf_printf(&names, "%s\"%s\"", i > 0 ? ", " : "", o->interfaces[i]);
    buf_str(&names, lo ? ", \"lo\"" : "");
    if (buf_error(&names) == 0)
        rule(p, "iifname != { %s } return", (const char *)names.data);
    else
        p->out->error = p->out->error != 0 ? p->out->error : buf_error(&names);
}

static const char *own_user(const struct plan *p)
{
    return p->user[0] != '\0' ? p->user : p->c->user;
}

/* Answers stay as they are, and what is for this very computer. */
static void others_rules(struct plan *p)
{
    rule(p, "ct direction reply return");
    rule(p, "fib daddr type { local, broadcast, anycast, multicast } return");
}

/* So does what comes from the gate itself. */
static void own_rules(struct plan *p)
{
    rule(p, "meta skuid %s return", own_user(p));
    others_rules(p);
}

static const char *target(const struct gate_listener *l, char text[ADDR_TEXT])
{
    if (is_any(&l->at))
        snprintf(text, ADDR_TEXT, ":%u", addr_port(&l->at));
    else
        addr_text(&l->at, true, text);
    return text;
}

/* The second rule is for when nobody listens: tproxy then does nothing, and what policy wants
 * inspected must not pass. */
static void tproxy_chains(struct plan *p, const char *ports)
{
    static const char *const family[] = { "ip", "ip6" };
    char text[ADDR_TEXT];

    if (p->tproxy[0] == NULL && p->tproxy[1] == NULL)
        return;
    chain_begin(p, "tproxy_in", "filter hook prerouting", "mangle");
    others_rules(p);
    interfaces_rule(p, p->o->local);
    for (int i = 0; i < 2; i++) {
        if (p->tproxy[i] == NULL)
            continue;
        rule(p, "meta nfproto %s %s tproxy %s to %s meta mark set 0x%x accept", family_name(i),
             ports, family[i], target(p->tproxy[i], text), ROUTE_MARK);
        rule(p, "meta nfproto %s %s reject with tcp reset", family_name(i), ports);
    }
    chain_end(p);
    if (!p->o->local)
        return;
    chain_begin(p, "tproxy_out", "route hook output", "mangle");
    /* The last packets of a connection have no owner any more: it is remembered. */
    rule(p, "ct mark 0x%x return", ROUTE_OWN_MARK);
    rule(p, "meta skuid %s ct mark set 0x%x return", own_user(p), ROUTE_OWN_MARK);
    others_rules(p);
    for (int i = 0; i < 2; i++) {
        if (p->tproxy[i] != NULL)
            rule(p, "meta nfproto %s %s meta mark set 0x%x", family_name(i), ports, ROUTE_MARK);
    }
    chain_end(p);
}

/* `redirect` goes to the address of the interface, on output to loopback; a listener elsewhere
 * is named. */
static void redirect_rules(struct plan *p, const char *ports, bool output)
{
    static const char *const family[] = { "ip", "ip6" };

    for (int i = 0; i < 2; i++) {
        const struct gate_listener *l = p->redirect[i];
        bool loopback = l != NULL && addr_is_loopback(&l->at);
        char text[ADDR_TEXT];

        if (l == NULL || (loopback && !output))
            continue;
        if (is_any(&l->at) || loopback)
            rule(p, "meta nfproto %s %s redirect to :%u", family_name(i), ports,
                 addr_port(&l->at));
        else
            rule(p, "meta nfproto %s %s dnat %s to %s", family_name(i), ports, family[i],
                 target(l, text));
    }
}

static void redirect_chains(struct plan *p, const char *ports)
{
    if (p->redirect[0] == NULL && p->redirect[1] == NULL)
        return;
    chain_begin(p, "redirect_in", "nat hook prerouting", "dstnat");
    rule(p, "meta mark 0x%x return", ROUTE_MARK);
    rule(p, "fib daddr type { local, broadcast, anycast, multicast } return");
    interfaces_rule(p, false);
    redirect_rules(p, ports, false);
    chain_end(p);
    if (!p->o->local)
        return;
    chain_begin(p, "redirect_out", "nat hook output", "-100");
    rule(p, "meta mark 0x%x return", ROUTE_MARK);
    own_rules(p);
    redirect_rules(p, ports, true);
    chain_end(p);
}

/* Told at once that there is no way, browsers go back to TCP. */
static void quic_chains(struct plan *p)
{
    static const struct route_options only_443 = { .ports = { 443 }, .n_ports = 1 };
    char ports[PORTS_TEXT];

    if (p->c->quic == GATE_BYPASS)
        return;
    ports_write(ports, sizeof(ports), "udp", p->o->n_ports > 0 ? p->o : &only_443);
    chain_begin(p, "quic_through", "filter hook forward", "filter");
    interfaces_rule(p, false);
    rule(p, "%s reject with icmpx port-unreachable", ports);
    chain_end(p);
    if (!p->o->local)
        return;
    chain_begin(p, "quic_out", "filter hook output", "filter");
    own_rules(p);
    rule(p, "%s reject with icmpx port-unreachable", ports);
    chain_end(p);
}

/* FNV-1a: tells one ruleset from another, keeps nobody from anything. */
static void stamp_write(char to[24], struct mw_span text)
{
    uint64_t h = 0xcbf29ce484222325;

    for (size_t i = 0; i < text.len; i++)
        h = (h ^ text.data[i]) * 0x100000001b3;
    snprintf(to, 24, "stamp_%016llx", (unsigned long long)h);
}

static void routing_comment(struct buf *out, const struct plan *p)
{
    if (p->tproxy[0] == NULL && p->tproxy[1] == NULL)
        return;
    buf_str(out, "#\n# TPROXY needs this beside it (\"midwatch gate route --apply\" does it):\n");
    for (int i = 0; i < 2; i++) {
        const char *six = i == 0 ? "" : "-6 ";

        if (p->tproxy[i] == NULL)
            continue;
        buf_printf(out, "#   ip %srule add pref %d fwmark 0x%x lookup %d\n", six, ROUTE_TABLE,
                   ROUTE_MARK, ROUTE_TABLE);
        buf_printf(out, "#   ip %sroute replace local default dev lo table %d\n", six,
                   ROUTE_TABLE);
    }
}

static void head_write(struct buf *out, const struct plan *p)
{
    char file[256];

    snprintf(file, sizeof(file), "%s", p->c->file != NULL ? p->c->file : "built-in");
    buf_str(out, "# midwatch gate route: for nft -f.  Made from ");
    text_safe(out, span_str(file), 200);
    buf_str(out, "\n");
    routing_comment(out, p);
    for (int i = 0; i < 2; i++) {
        if (!taken(p, i))
            buf_printf(out, "# No listener for %s: such connections are not taken.\n",
                       i == 0 ? "IPv4" : "IPv6");
    }
}

struct route_facts route_rules_for(struct buf *out, const struct gate_config *c,
                                   const struct route_options *o)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(64 * 1024);
    struct plan p = { .c = c, .o = o, .out = &body };
    struct route_facts facts = { .rules = 0 };
    char ports[PORTS_TEXT];

    plan_listeners(&p);
    plan_user(&p);
    ports_write(ports, sizeof(ports), "tcp", o);
    if (taken(&p, 0) || taken(&p, 1)) {
        tproxy_chains(&p, ports);
        redirect_chains(&p, ports);
        quic_chains(&p);
    }
    facts.rules = p.rules;
    facts.tproxy_v4 = p.tproxy[0] != NULL;
    facts.tproxy_v6 = p.tproxy[1] != NULL;
    facts.v4 = taken(&p, 0);
    facts.v6 = taken(&p, 1);
    stamp_write(facts.stamp, buf_span(&body));
    head_write(out, &p);
    /* Made if it is not there, so that deleting it cannot fail: one transaction replaces it. */
    buf_printf(out, "table inet midwatch\ndelete table inet midwatch\ntable inet midwatch {\n"
                    "    chain %s {\n    }\n", facts.stamp);
    buf_add(out, buf_span(&body));
    buf_str(out, "}\n");
    if (buf_error(&body) != 0)
        out->error = out->error != 0 ? out->error : buf_error(&body);
    return facts;
}

void route_rules(struct buf *out, const struct gate_config *c)
{
    const struct route_options o = route_defaults();

    (void)route_rules_for(out, c, &o);
}

static bool is_interface(const char *s)
{
    size_t len = strlen(s);

    return len > 0 && len < 16 && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789_.-") == len;
}

int route_possible(const struct gate_config *c, const struct route_options *o, struct buf *error)
{
    struct plan p = { .c = c, .o = o };
    bool transparent = false;

    plan_listeners(&p);
    plan_user(&p);
    for (size_t i = 0; i < o->n_interfaces; i++) {
        if (!is_interface(o->interfaces[i])) {
            buf_printf(error, "\"%.40s\" is no name of an interface", o->interfaces[i]);
            return -EINVAL;
        }
    }
    for (size_t i = 0; i < c->n_listeners; i++)
        transparent = transparent || c->listeners[i].entrance == GATE_ENTRANCE_TPROXY ||
                      c->listeners[i].entrance == GATE_ENTRANCE_REDIRECT;
    if (!transparent)
        buf_printf(error, "%s: no tproxy:// or redirect:// listener, nothing to redirect to; "
                          "add one, such as: listen = \"tproxy://0.0.0.0:3129\"",
                   c->file != NULL ? c->file : "built-in");
    else if (!taken(&p, 0) && !taken(&p, 1))
        buf_printf(error, "a redirect:// listener on loopback is reached only from this computer: "
                          "listen on 0.0.0.0 or [::], or give --local");
    else if (o->local && p.user[0] == '\0')
        buf_printf(error, "there is no user \"%.60s\": with --local the gate's own connections "
                          "must be told from others by its user; create it, or set \"user\"",
                   c->user != NULL ? c->user : "");
    else
        return 0;
    return -EINVAL;
}
