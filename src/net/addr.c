#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "base/text.h"

struct addr addr_make(int family, const void *ip, uint16_t port)
{
    struct addr a = { .len = 0 };

    if (family == AF_INET) {
        a.sa.v4.sin_family = AF_INET;
        memcpy(&a.sa.v4.sin_addr, ip, 4);
        a.len = sizeof(a.sa.v4);
    } else {
        a.sa.v6.sin6_family = AF_INET6;
        memcpy(&a.sa.v6.sin6_addr, ip, 16);
        a.len = sizeof(a.sa.v6);
    }
    addr_set_port(&a, port);
    return a;
}

int addr_family(const struct addr *a)
{
    return a->len == 0 ? AF_UNSPEC : a->sa.any.sa_family;
}

uint16_t addr_port(const struct addr *a)
{
    return ntohs(addr_family(a) == AF_INET6 ? a->sa.v6.sin6_port : a->sa.v4.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (addr_family(a) == AF_INET6)
        a->sa.v6.sin6_port = htons(port);
    else
        a->sa.v4.sin_port = htons(port);
}

struct mw_span addr_ip(const struct addr *a)
{
    switch (addr_family(a)) {
    case AF_INET:
        return span_of(&a->sa.v4.sin_addr, 4);
    case AF_INET6:
        return span_of(&a->sa.v6.sin6_addr, 16);
    default:
        return (struct mw_span){ NULL, 0 };
    }
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_family(a) == addr_family(b) && addr_port(a) == addr_port(b) &&
           span_eq(addr_ip(a), addr_ip(b));
}

bool addr_is_loopback(const struct addr *a)
{
    struct mw_span ip = addr_ip(a);

    if (ip.len == 4)
        return ip.data[0] == 127;
    if (ip.len != 16)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&a->sa.v6.sin6_addr))
        return ip.data[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&a->sa.v6.sin6_addr);
}

void addr_text(const struct addr *a, bool with_port, char text[ADDR_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "";
    bool v6 = addr_family(a) == AF_INET6;

    if (a->len > 0)
        inet_ntop(addr_family(a), addr_ip(a).data, ip, sizeof(ip));
    if (with_port)
        snprintf(text, ADDR_TEXT, "%s%s%s:%u", v6 ? "[" : "", ip, v6 ? "]" : "", addr_port(a));
    else
        snprintf(text, ADDR_TEXT, "%s", ip);
}

int host_port_split(struct mw_span text, uint16_t default_port, struct mw_span *host,
                    uint16_t *port)
{
    const uint8_t *colon;
    struct mw_span name = text, rest = { NULL, 0 };
    int64_t number = default_port;

    if (text.len > 0 && text.data[0] == '[') {
        const uint8_t *close = memchr(text.data, ']', text.len);

        if (close == NULL)
            return -EINVAL;
        name = span_of(text.data + 1, (size_t)(close - text.data) - 1);
        rest = span_cut(text, name.len + 2, SIZE_MAX);
    } else {
        colon = text.len > 0 ? memchr(text.data, ':', text.len) : NULL;
        /* More than one colon: an IPv6 address without brackets, which takes no port. */
        if (colon != NULL && memchr(colon + 1, ':', text.len - (size_t)(colon + 1 - text.data)) ==
                                 NULL) {
            name = span_of(text.data, (size_t)(colon - text.data));
            rest = span_cut(text, name.len, SIZE_MAX);
        }
    }
    if (name.len == 0)
        return -EINVAL;
    if (rest.len > 0 &&
        (rest.data[0] != ':' || text_number(span_cut(rest, 1, SIZE_MAX), 1, 65535, &number) != 0))
        return -EINVAL;
    *host = name;
    *port = (uint16_t)number;
    return 0;
}

int addr_parse(struct addr *out, struct mw_span text, uint16_t default_port)
{
    struct mw_span host;
    uint16_t port;
    char ip[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    if (host_port_split(text, default_port, &host, &port) != 0 || host.len >= sizeof(ip))
        return -EINVAL;
    memcpy(ip, host.data, host.len);
    ip[host.len] = 0;
    if (inet_pton(AF_INET, ip, bytes) == 1 && text.data[0] != '[')
        *out = addr_make(AF_INET, bytes, port);
    else if (inet_pton(AF_INET6, ip, bytes) == 1)
        *out = addr_make(AF_INET6, bytes, port);
    else
        return -EINVAL;
    return 0;
}
