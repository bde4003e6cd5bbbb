/*
 * What this computer says about the way to a server: which interface the route takes, whether
 * a tunnel is up, and who listens where a loopback answer came from.  Nothing is sent.
 * Life:   local_new() -> local_look()* -> local_free()
 * Memory: strings live in the caller's arena.
 */
#ifndef PROBE_LOCAL_H
#define PROBE_LOCAL_H

#include <midwatch/trust.h>
#include <stdbool.h>

#include "base/arena.h"
#include "net/addr.h"

struct local;

MW_MUST_CHECK int local_new(struct local **out);
void local_free(struct local *l);       /* NULL ok */

struct local_query {
    const struct addr *peer;            /* who answered; NULL: nobody */
    bool asked_for_loopback;            /* the host or --connect is a loopback address */
    bool through_proxy;                 /* peer is the proxy */
};

/* Fills in looked, the tunnel and loopback fields and the listener; leaves the rest alone.
 * 0, or -ENOMEM. */
MW_MUST_CHECK int local_look(struct local *l, const struct local_query *query,
                             struct arena *arena, struct mw_local_facts *out);

/* "tun0", "wg0", "ppp0", "utun3", "ipsec0", …: names that tunnels have. */
bool local_is_tunnel_name(const char *interface);

#endif
