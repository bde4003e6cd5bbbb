/*
 * An IP address and a port, by value.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"

struct addr {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa;
    socklen_t len;              /* 0: no address */
};

/* "192.0.2.1", "::1", "[::1]", each with an optional ":port" ("[::1]:443"; a bare IPv6 address
 * takes no port); default_port otherwise.  -EINVAL: anything else, a name included. */
MW_MUST_CHECK int addr_parse(struct addr *out, struct mw_span text, uint16_t default_port);

/* family AF_INET or AF_INET6; ip 4 or 16 bytes. */
struct addr addr_make(int family, const void *ip, uint16_t port);

uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
int addr_family(const struct addr *a);
struct mw_span addr_ip(const struct addr *a);       /* 4 or 16 bytes, borrowed */
bool addr_eq(const struct addr *a, const struct addr *b);

/* 127/8, ::1 and their IPv4-mapped form. */
bool addr_is_loopback(const struct addr *a);

/* "192.0.2.1" or "::1"; with port "192.0.2.1:443" or "[::1]:443". */
enum { ADDR_TEXT = 72 };
void addr_text(const struct addr *a, bool with_port, char text[ADDR_TEXT]);

/* "host", "host:port", "[v6]:port" or a bare IPv6 address, cut in two; *port is default_port if
 * the text has none.  host is borrowed, without brackets.  -EINVAL: empty or a bad port. */
MW_MUST_CHECK int host_port_split(struct mw_span text, uint16_t default_port,
                                  struct mw_span *host, uint16_t *port);

#endif
