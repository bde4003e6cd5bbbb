/*
 * Address ranges: "10.0.0.0/8", "2001:db8::/32", "192.0.2.7".
 */
#ifndef GATE_POLICY_NET_H
#define GATE_POLICY_NET_H

#include "base/ucl.h"
#include "net/addr.h"

struct net {
    uint8_t ip[16];             /* IPv4 in its mapped form */
    unsigned bits;              /* of 128 */
};

struct nets {
    const struct net *items;
    size_t n;
};

/* A list of ranges.  A range whose address goes beyond its prefix is refused: one of the two is a
 * slip. */
MW_MUST_CHECK int nets_read(struct nets *out, const struct ucl *node, struct arena *arena,
                            struct buf *error);

/* IPv4-mapped addresses are IPv4 ones.  false for an address of no family. */
bool nets_hold(const struct nets *n, const struct addr *a);

/* Is all of `inner` in `outer`? */
bool nets_cover(const struct nets *outer, const struct nets *inner);

#endif
