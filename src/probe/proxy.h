/*
 * Proxies on the way to a server: HTTP CONNECT and SOCKS 5, as conversations without sockets.
 * Life:   proxy_parse() -> PROXY_TALK_INIT -> proxy_step()* -> talk_deinit() -> proxy_deinit()
 * Source: RFC 9110 section 9.3.6, RFC 7617 (Basic), RFC 1928, RFC 1929.
 */
#ifndef PROBE_PROXY_H
#define PROBE_PROXY_H

#include "net/addr.h"
#include "probe/talk.h"

enum proxy_kind { PROXY_HTTP, PROXY_SOCKS5, PROXY_SOCKS5H };

struct proxy {
    enum proxy_kind kind;
    char *host;                 /* without brackets */
    uint16_t port;
    char *user, *password;      /* decoded; NULL: none */
};

void proxy_deinit(struct proxy *p);

/* "http://[user:password@]host[:port]", "socks5://…" (names resolved here), "socks5h://…"
 * (resolved by the proxy); without a scheme it is http.  -EINVAL with one line in `error`
 * (256 bytes); it never repeats the password. */
MW_MUST_CHECK int proxy_parse(struct proxy *out, const char *url, char *error);

struct proxy_talk {
    struct talk talk;
    const struct proxy *proxy;
    const char *host;           /* the server: A-labels or an address */
    uint16_t port;
    struct addr addr;           /* PROXY_SOCKS5: the server's address */
};

#define PROXY_TALK_INIT(its_proxy, its_host, its_port) \
    { .talk = TALK_INIT, .proxy = (its_proxy), .host = (its_host), .port = (its_port) }

enum talk_state proxy_step(struct proxy_talk *p);

#endif
