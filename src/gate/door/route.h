/*
 * `midwatch gate route`: the nftables rules and routes that a transparent gateway needs.
 */
#ifndef GATE_DOOR_ROUTE_H
#define GATE_DOOR_ROUTE_H

#include "gate/policy/config.h"

/* argv[0] is "route".  The exit status. */
int route_command(int argc, char **argv);

/* The ruleset as `nft -f` takes it. */
void route_rules(struct buf *out, const struct gate_config *c);

#endif
