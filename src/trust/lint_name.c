/*
 * Does the leaf cover the name that was asked for, and if not, whose is it?
 * Source: RFC 9525; CA/Browser Forum Baseline Requirements 7.1.2.7.12 and 7.1.4.3.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libpsl.h>
#include <openssl/obj_mac.h>
#include <strings.h>

#include "base/text.h"
#include "trust/lint.h"

enum { SHOWN_NAMES = 3, TENANTS = 5, MAX_LABEL = 64 };

static void ip_format(struct buf *out, struct mw_span ip)
{
    char text[INET6_ADDRSTRLEN];

    if (inet_ntop(ip.len == 4 ? AF_INET : AF_INET6, ip.data, text, sizeof text) != NULL)
        buf_str(out, text);
}

/* "a.example, b.example and 3 more" */
static void names_format(struct buf *out, const struct cert *c)
{
    size_t shown = 0, n = 0;

    for (size_t i = 0; i < c->n_sans; i++) {
        const struct san *s = &c->sans[i];

        if (s->kind != SAN_DNS && s->kind != SAN_IP)
            continue;
        if (++n > SHOWN_NAMES)
            continue;
        buf_str(out, shown++ > 0 ? ", " : "");
        if (s->kind == SAN_DNS)
            text_safe(out, s->value, 80);
        else
            ip_format(out, s->value);
    }
    if (n > shown)
        buf_printf(out, " and %zu more", n - shown);
    if (n == 0)
        name_format_short(out, c->subject);
}

static bool same_ip(const struct host *h, const struct san *s)
{
    return s->kind == SAN_IP && span_eq(s->value, span_of(h->ip, h->ip_len));
}

/* The best any name of the certificate does for the host. */
static enum name_match names_match(const struct host *h, const struct cert *c)
{
    /* What explains most comes first. */
    static const int rank[] = {
        [NAME_MATCHES] = 4, [NAME_DIFFERS_WWW] = 3, [NAME_TOO_DEEP] = 2,
        [NAME_WILDCARD_REFUSED] = 1, [NAME_DIFFERS] = 0,
    };
    enum name_match best = NAME_DIFFERS;

    for (size_t i = 0; i < c->n_sans && best != NAME_MATCHES; i++) {
        enum name_match m = NAME_DIFFERS;

        if (h->kind == HOST_IP)
            m = same_ip(h, &c->sans[i]) ? NAME_MATCHES : NAME_DIFFERS;
        else if (c->sans[i].kind == SAN_DNS)
            m = name_match_dns(h, c->sans[i].value);
        if (rank[m] > rank[best])
            best = m;
    }
    return best;
}

/* A dNSName of the certificate as a host to reason about; wildcards by what they stand on. */
static bool san_host(const struct san *s, struct host *out)
{
    char text[256];
    struct mw_span v = s->value;

    if (s->kind == SAN_IP) {
        *out = (struct host){ .kind = HOST_IP, .ip_len = v.len };
        memcpy(out->ip, v.data, v.len <= sizeof out->ip ? v.len : 0);
        return true;
    }
    if (s->kind != SAN_DNS)
        return false;
    if (v.len > 2 && v.data[0] == '*' && v.data[1] == '.')
        v = span_cut(v, 2, v.len);
    if (v.len >= sizeof text || memchr(v.data, '\0', v.len) != NULL)
        return false;
    memcpy(text, v.data, v.len);
    text[v.len] = '\0';
    return host_parse(out, text) == 0;
}

/* Names that routers, firewalls, portals and the like give themselves. */
static bool is_gateway_word(struct mw_span label)
{
    static const char *const words[] = {
        "gateway", "firewall", "router", "captive", "captiveportal", "portal", "hotspot",
        "wifi", "guest", "securelogin", "login", "routerlogin", "tplinkwifi", "tplinkmodem",
        "fritz", "fritzbox", "fortigate", "fortinet", "pfsense", "opnsense", "sonicwall",
        "sonicos", "unifi", "ubnt", "ubiquiti", "mikrotik", "routeros", "openwrt", "draytek",
        "watchguard", "sophos", "checkpoint", "paloalto", "panos", "meraki", "aruba",
        "instant", "ruckus", "zyxel", "netgear", "linksys", "asusrouter", "speedport",
        "livebox", "easybox", "homerouter", "proxy", "squid", "barracuda", "cisco",
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (span_eq_nocase(label, span_str(words[i])))
            return true;
    return false;
}

/* Any label, or any word between hyphens and spaces of one. */
static bool has_gateway_word(struct mw_span text)
{
    size_t start = 0;

    for (size_t i = 0; i <= text.len; i++)
        if (i == text.len || strchr(".- _", text.data[i]) != NULL) {
            if (is_gateway_word(span_cut(text, start, i - start)))
                return true;
            start = i + 1;
        }
    return false;
}

/* Everything it names is private, or its first name is a gateway's. */
static bool looks_like_gateway(const struct cert *c)
{
    CLEANUP(buf_deinit) struct buf cn = BUF_INIT(4096);
    size_t names = 0, private_names = 0;
    bool word = false;

    for (size_t i = 0; i < c->n_sans && i < MAX_LABEL; i++) {
        struct host h;

        if (!san_host(&c->sans[i], &h))
            continue;
        names++;
        private_names += !host_is_public(&h);
        word = word || (c->sans[i].kind == SAN_DNS && has_gateway_word(c->sans[i].value));
    }
    name_format_short(&cn, c->subject);
    word = word || has_gateway_word(buf_span(&cn));
    return (names > 0 && private_names == names) || word;
}

/* The suffix below which unrelated customers register, if it is of the private section. */
static const char *tenancy_of(const struct host *h)
{
    const char *suffix = psl_unregistrable_domain(psl_builtin(), h->text);

    if (suffix == NULL || psl_is_public_suffix2(psl_builtin(), suffix, PSL_TYPE_ICANN))
        return NULL;
    return strchr(suffix, '.') != NULL ? suffix : NULL;
}

/* Another customer of the same host: a neighbour below a shared suffix, or a certificate for
 * many domains that have nothing to do with each other. */
static bool looks_like_other_tenant(const struct host *asked, const struct cert *c)
{
    const char *shared = asked->kind == HOST_DNS ? tenancy_of(asked) : NULL;
    char domains[TENANTS][256];
    size_t n = 0;

    for (size_t i = 0; i < c->n_sans && n < TENANTS && i < MAX_LABEL; i++) {
        struct host h;
        const char *theirs, *domain;
        bool seen = false;

        if (c->sans[i].kind != SAN_DNS || !san_host(&c->sans[i], &h))
            continue;
        theirs = tenancy_of(&h);
        if (shared != NULL && theirs != NULL && strcmp(shared, theirs) == 0)
            return true;
        domain = host_registrable(&h);
        for (size_t k = 0; k < n && domain != NULL; k++)
            seen = seen || strcmp(domains[k], domain) == 0;
        if (domain != NULL && !seen)
            snprintf(domains[n++], sizeof domains[0], "%s", domain);
    }
    return n >= TENANTS;
}

/* With no name to compare at all, the common name does not count (RFC 9525 section 2). */
static bool names_nothing(const struct cert *c)
{
    for (size_t i = 0; i < c->n_sans; i++)
        if (c->sans[i].kind == SAN_DNS || c->sans[i].kind == SAN_IP)
            return false;
    return true;
}

static enum mw_code mismatch_code(const struct host *h, const struct cert *c,
                                  enum name_match match)
{
    switch (match) {
    case NAME_DIFFERS_WWW:
        return MW_NAME_WWW;
    case NAME_TOO_DEEP:
        return MW_NAME_TOO_DEEP;
    case NAME_WILDCARD_REFUSED:
        return MW_NAME_WILDCARD;
    case NAME_MATCHES:
    case NAME_DIFFERS:
        break;
    }
    if (names_nothing(c))
        return MW_NAME_NO_SAN;
    if (host_is_public(h) && looks_like_gateway(c))
        return MW_NAME_GATEWAY;
    return looks_like_other_tenant(h, c) ? MW_NAME_OTHER_TENANT : MW_NAME_MISMATCH;
}

void lint_name(struct lint *l)
{
    const struct host *h = &l->j->host;
    const struct cert *c = l->path->certs[0];
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(8192);
    CLEANUP(buf_deinit) struct buf issuer = BUF_INIT(8192);
    enum name_match match;

    if (h->kind == HOST_NONE)
        return;
    match = names_match(h, c);
    if (match == NAME_MATCHES)
        return;
    names_format(&names, c);
    name_format_short(&issuer, c->issuer);
    if (names.error == -ENOMEM || issuer.error == -ENOMEM) {
        l->j->error = -ENOMEM;
        return;
    }
    lint_error(l, mismatch_code(h, c, match), 0,
               "asked for %s, the certificate is for %s, issued by %s", h->text,
               names.data != NULL ? (const char *)names.data : "nobody",
               issuer.data != NULL ? (const char *)issuer.data : "nobody");
}

/* Letters, digits and hyphens, no hyphen at the ends of a label (RFC 1034 3.5), and at most
 * one wildcard as the whole first label. */
static bool dns_form_is_right(struct mw_span s)
{
    size_t label = 0;

    if (s.len > 2 && s.data[0] == '*' && s.data[1] == '.')
        s = span_cut(s, 2, s.len);
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i], low = c | 0x20;
        bool hyphen = c == '-', end = i + 1 == s.len || s.data[i + 1] == '.';

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            continue;
        }
        if (!hyphen && !(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'z'))
            return false;
        if ((hyphen && (label == 0 || end)) || ++label >= MAX_LABEL)
            return false;
    }
    return label > 0;
}

static bool email_form_is_right(struct mw_span s)
{
    const uint8_t *at = s.len > 0 ? memchr(s.data, '@', s.len) : NULL;
    size_t host = at != NULL ? (size_t)(at - s.data) + 1 : 0;

    return host > 1 && dns_form_is_right(span_cut(s, host, s.len));
}

static bool common_name_is_san(const struct cert *c, struct mw_span cn)
{
    for (size_t i = 0; i < c->n_sans; i++) {
        CLEANUP(buf_deinit) struct buf ip = BUF_INIT(64);

        if (c->sans[i].kind == SAN_DNS && span_eq(c->sans[i].value, cn))
            return true;
        if (c->sans[i].kind != SAN_IP)
            continue;
        ip_format(&ip, c->sans[i].value);
        if (span_eq(buf_span(&ip), cn))
            return true;
    }
    return false;
}

/* Could somebody read this common name as a host name or an address?  One that has blanks, or
 * neither a dot nor a colon, is a title ("Intranet", "Web server 5") and misleads nobody; a bare
 * hexadecimal number is an address to some (inet_aton). */
static bool reads_as_name(struct mw_span cn)
{
    if (cn.len == 0 || memchr(cn.data, ' ', cn.len) != NULL)
        return false;
    return memchr(cn.data, '.', cn.len) != NULL || memchr(cn.data, ':', cn.len) != NULL ||
           span_eq_nocase(span_cut(cn, 0, 2), SPAN_LIT("0x"));
}

void lint_names_form(struct lint *l, size_t i)
{
    const struct cert *c = l->path->certs[i];
    CLEANUP(buf_deinit) struct buf cn = BUF_INIT(4096);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(4096);

    for (size_t k = 0; k < c->n_sans; k++) {
        const struct san *s = &c->sans[k];
        bool right = s->kind == SAN_DNS     ? dns_form_is_right(s->value)
                     : s->kind == SAN_EMAIL ? email_form_is_right(s->value)
                                            : true;

        if (!right) {
            text_safe(&text, s->value, 80);
            lint_form(l, MW_EXTENSION_RULE, i, "\"%s\" is no name a certificate may hold",
                      text.data != NULL ? (const char *)text.data : "");
            break;
        }
    }
    if (l->j->policy->purpose == MW_CLIENT_AUTH)
        return;
    name_attribute(&cn, c->subject, NID_commonName);
    if (reads_as_name(buf_span(&cn)) && !common_name_is_san(c, buf_span(&cn)))
        lint_form(l, MW_BAD_SUBJECT, i, "its common name \"%s\" is none of its alternative names",
                  (const char *)cn.data);
}
