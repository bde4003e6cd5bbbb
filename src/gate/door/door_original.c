/*
 * Where a redirected connection was going.  ip(7) on IP_TRANSPARENT; the kernel's
 * linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h on the two options.
 */
#include <errno.h>

#include "base/own.h"
#include "gate/door/door.h"
#include "net/sock.h"

/* SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST, one number: the headers that define them cannot be
 * had beside netinet/in.h. */
enum { ORIGINAL_DST = 80 };

static int own_address(int fd, struct addr *out)
{
    struct addr a = { .len = sizeof(a.sa) };

    if (getsockname(fd, &a.sa.any, &a.len) != 0)
        return -errno;
    if (addr_family(&a) != AF_INET && addr_family(&a) != AF_INET6)
        return -EAFNOSUPPORT;
    *out = a;
    return 0;
}

/* A socket of IPv6 that carries IPv4 knows the original as IPv4. */
static int asked_address(int fd, const struct addr *own, struct addr *out)
{
    bool v6 = addr_family(own) == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&own->sa.v6.sin6_addr);
    struct addr a = { .len = v6 ? sizeof(a.sa.v6) : sizeof(a.sa.v4) };

    if (getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, ORIGINAL_DST, &a.sa.any, &a.len) != 0)
        return -errno;
    *out = a;
    return 0;
}

/* IPv4 in IPv6's clothes is IPv4: rules on addresses must see it. */
static struct addr unmapped(const struct addr *a)
{
    if (addr_family(a) == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->sa.v6.sin6_addr))
        return addr_make(AF_INET, a->sa.v6.sin6_addr.s6_addr + 12, addr_port(a));
    return *a;
}

/* An address of this computer.  With TPROXY, connections to those are not redirected, so that
 * somebody connected to the listener himself.  The kernel is asked which address it would send
 * from: to itself it sends from the very address.  Nothing is sent. */
static bool is_local(const struct addr *a)
{
    CLEANUP(own_close) int fd = -1;
    struct addr from = { .len = sizeof(from.sa) };

    if (addr_is_loopback(a))
        return true;
    if (sock_udp(&fd, a) != 0 || getsockname(fd, &from.sa.any, &from.len) != 0)
        return false;
    return span_eq(addr_ip(a), addr_ip(&from));
}

int door_original(int fd, enum gate_entrance entrance, struct addr *out)
{
    struct addr own = { .len = 0 }, asked = { .len = 0 };
    int r = own_address(fd, &own);

    if (r != 0)
        return r;
    own = unmapped(&own);
    if (entrance == GATE_ENTRANCE_TPROXY) {
        if (is_local(&own))
            return -ELOOP;
        *out = own;
        return 0;
    }
    if (entrance != GATE_ENTRANCE_REDIRECT)
        return -EINVAL;
    r = asked_address(fd, &own, &asked);
    if (r != 0)
        return r;
    asked = unmapped(&asked);
    if (addr_eq(&own, &asked))
        return -ELOOP;
    *out = asked;
    return 0;
}
