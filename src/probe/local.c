#include "probe/local.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "net/sock.h"
#include "probe/local_system.h"

/* Who listened where was last asked: hundreds of targets on one loopback port ask the same. */
struct local {
    struct addr at;
    enum mw_seen found;
    char program[LOCAL_PROGRAM_TEXT];
};

static void own_ifaddrs(struct ifaddrs **at)
{
    if (*at != NULL)
        freeifaddrs(*at);
}

int local_new(struct local **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? 0 : -ENOMEM;
}

void local_free(struct local *l)
{
    free(l);
}

bool local_is_tunnel_name(const char *interface)
{
    static const char *const prefixes[] = { "tun",      "tap",       "wg",  "ppp",
                                            "utun",     "ipsec",     "gpd", "cscotun",
                                            "nordlynx", "tailscale", "zt",  "gif" };

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t len = strlen(prefixes[i]);

        /* "tunnel-docs" is nobody's tunnel: digits follow, or nothing. */
        if (strncmp(interface, prefixes[i], len) == 0 &&
            (strspn(interface + len, "0123456789") == strlen(interface + len) ||
             strcmp(prefixes[i], "zt") == 0))
            return true;
    }
    return false;
}

static bool is_tunnel(const struct ifaddrs *i)
{
    return (i->ifa_flags & IFF_LOOPBACK) == 0 &&
           (local_is_tunnel_name(i->ifa_name) || (i->ifa_flags & IFF_POINTOPOINT) != 0);
}

static bool address_of(const struct ifaddrs *i, struct addr *out)
{
    if (i->ifa_addr == NULL)
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, i->ifa_addr, sizeof v4);
        *out = addr_make(AF_INET, &v4.sin_addr, 0);
        return true;
    }
    if (i->ifa_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, i->ifa_addr, sizeof v6);
        *out = addr_make(AF_INET6, &v6.sin6_addr, 0);
        return true;
    }
    return false;
}

/* macOS keeps idle tunnels with nothing but a link-local address. */
static bool is_link_local(const struct addr *a)
{
    struct mw_span ip = addr_ip(a);

    return ip.len == 16 ? ip.data[0] == 0xfe && (ip.data[1] & 0xc0) == 0x80
                        : ip.data[0] == 169 && ip.data[1] == 254;
}

/* Our own address on the way to `peer`: connecting a UDP socket sends nothing. */
static bool source_find(const struct addr *peer, struct addr *source)
{
    CLEANUP(own_close) int fd = -1;
    struct sockaddr_storage name;
    socklen_t len = sizeof name;

    if (sock_udp(&fd, peer) != 0) {
        fd = -1;
        return false;
    }
    if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
        return false;
    memset(source, 0, sizeof *source);
    memcpy(&source->sa, &name, len < sizeof source->sa ? len : sizeof source->sa);
    source->len = len;
    addr_set_port(source, 0);
    return true;
}

static int tunnels_look(const struct addr *peer, struct arena *arena, struct mw_local_facts *out)
{
    CLEANUP(own_ifaddrs) struct ifaddrs *all = NULL;
    struct addr source, own;
    bool routed = source_find(peer, &source);

    if (getifaddrs(&all) != 0) {
        out->looked = MW_COULD_NOT_LOOK;
        return 0;
    }
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        if ((i->ifa_flags & IFF_UP) == 0 || !is_tunnel(i) || !address_of(i, &own) ||
            is_link_local(&own))
            continue;
        if (!routed || !span_eq(addr_ip(&own), addr_ip(&source))) {
            out->vpn_up_elsewhere = true;
            continue;
        }
        out->vpn_interface = arena_strdup(arena, i->ifa_name);
        if (out->vpn_interface == NULL)
            return -ENOMEM;
    }
    if (out->vpn_interface != NULL)
        out->vpn_up_elsewhere = false;
    return 0;
}

static int listener_look(struct local *l, const struct addr *peer, struct arena *arena,
                         struct mw_local_facts *out)
{
    if (l->found == MW_NOT_LOOKED || !addr_eq(&l->at, peer)) {
        l->at = *peer;
        l->found = local_listener_find(peer, l->program);
    }
    if (l->found != MW_SEEN_YES)
        return 0;
    out->listener = arena_strdup(arena, l->program);
    return out->listener != NULL ? 0 : -ENOMEM;
}

int local_look(struct local *l, const struct local_query *query, struct arena *arena,
               struct mw_local_facts *out)
{
    int rc;

    out->looked = MW_SEEN_YES;
    if (query->peer == NULL)
        return 0;
    rc = tunnels_look(query->peer, arena, out);
    if (rc != 0 || !addr_is_loopback(query->peer))
        return rc;
    out->peer_is_loopback = !query->asked_for_loopback && !query->through_proxy;
    return out->peer_is_loopback || query->through_proxy ? listener_look(l, query->peer, arena, out)
                                                         : 0;
}
