#include "probe/dial_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "trust/name.h"

void dial_plan_deinit(struct dial_plan *p)
{
    free(p->server_name);
    free(p->alpn);
    free(p->to_host);
    proxy_deinit(&p->proxy);
    *p = (struct dial_plan){ .to_port = 0 };
}

static int complain(char *error, const char *setting, const char *value, const char *advice)
{
    CLEANUP(buf_deinit) struct buf shown = BUF_INIT(256);

    text_safe(&shown, span_str(value), 100);
    if (error != NULL)
        snprintf(error, 256, "%s \"%s\": %s", setting,
                 buf_error(&shown) == 0 && shown.len > 0 ? (const char *)shown.data : "", advice);
    return -EINVAL;
}

static int dup_to(char **out, const char *text)
{
    *out = strdup(text);
    return *out != NULL ? 0 : -ENOMEM;
}

static int plan_server_name(struct dial_plan *p, const struct probe_target *t,
                            const struct host *host, char *error)
{
    struct host sni;

    if (t->server_name == NULL)
        return host->kind == HOST_DNS ? dup_to(&p->server_name, host->text) : 0;
    if (t->server_name[0] == 0)
        return 0;
    /* RFC 6066 section 3: never an address. */
    if (host_parse(&sni, t->server_name) != 0 || sni.kind != HOST_DNS)
        return complain(error, "server name", t->server_name,
                        "not a DNS name; write it as www.example.com");
    return dup_to(&p->server_name, sni.text);
}

static int plan_connect_to(struct dial_plan *p, const struct probe_target *t, char *error)
{
    struct mw_span host;
    struct host understood;
    char *text;
    int r;

    if (t->connect_to == NULL) {
        p->to_port = t->port;
        return dup_to(&p->to_host, p->host);
    }
    if (host_port_split(span_str(t->connect_to), t->port, &host, &p->to_port) != 0)
        return complain(error, "connect address", t->connect_to,
                        "write it as 192.0.2.1:443, [2001:db8::1]:443 or host:443");
    text = span_dup(host);
    if (text == NULL)
        return -ENOMEM;
    r = host_parse(&understood, text);
    free(text);
    if (r != 0)
        return complain(error, "connect address", t->connect_to, "neither a name nor an address");
    return dup_to(&p->to_host, understood.text);
}

static int plan_alpn(struct dial_plan *p, const struct probe_target *t, char *error)
{
    const char *list = t->alpn;
    struct mw_span rest, name;

    if (list == NULL)
        list = t->starttls == PROBE_TLS_DIRECT ? "h2,http/1.1" : "";
    if (list[0] == 0)
        return 0;
    rest = span_str(list);
    while (span_field(&rest, ',', &name)) {
        if (name.len == 0 || name.len > 255)
            return complain(error, "ALPN", list, "write it as h2,http/1.1");
    }
    return dup_to(&p->alpn, list);
}

static int plan_fill(struct dial_plan *p, const struct probe_target *t, char *error)
{
    static const enum dns_family families[] = { [PROBE_ANY] = DNS_ANY, [PROBE_IPV4] = DNS_IPV4,
                                                [PROBE_IPV6] = DNS_IPV6 };
    struct host host;
    int r;

    if (t->host == NULL || host_parse(&host, t->host) != 0 || host.kind == HOST_NONE)
        return complain(error, "host", t->host != NULL ? t->host : "",
                        "neither a host name nor an address; write it as example.com");
    if (t->port == 0)
        return complain(error, "port of", t->host, "write a number from 1 to 65535");
    if ((unsigned)t->starttls > PROBE_STARTTLS_MYSQL)
        return complain(error, "STARTTLS for", t->host, "unknown protocol");
    snprintf(p->host, sizeof(p->host), "%s", host.text);
    p->starttls = t->starttls;
    p->family = families[t->family];
    r = plan_server_name(p, t, &host, error);
    if (r == 0)
        r = plan_connect_to(p, t, error);
    if (r == 0)
        r = plan_alpn(p, t, error);
    if (r == 0 && t->proxy != NULL) {
        r = proxy_parse(&p->proxy, t->proxy, error);
        p->has_proxy = r == 0;
    }
    return r;
}

int dial_plan_make(struct dial_plan *out, const struct probe_target *target, char *error)
{
    CLEANUP(dial_plan_deinit) struct dial_plan p = { .to_port = 0 };
    int r = plan_fill(&p, target, error);

    if (r < 0)
        return r;
    *out = p;
    p = (struct dial_plan){ .to_port = 0 };
    return 0;
}
