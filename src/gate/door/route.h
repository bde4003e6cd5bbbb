/*
 * `midwatch gate route`: the nftables rules and routes that a transparent gateway needs.
 *
 * One table, `inet midwatch`, replaced as a whole; policy routing for TPROXY beside it.  What is
 * to be inspected and finds no listener is refused, never let through.  The gate's own user is
 * never redirected, or it would talk to itself.
 * Source: nft(8), ip-rule(8); Documentation/networking/tproxy.rst of the kernel.
 */
#ifndef GATE_DOOR_ROUTE_H
#define GATE_DOOR_ROUTE_H

#include "gate/policy/config.h"

enum {
    ROUTE_MARK = 0x4d57,        /* on packets for a TPROXY listener */
    ROUTE_OWN_MARK = 0x4d58,    /* on connections of the gate itself, with --local and TPROXY */
    ROUTE_TABLE = 19799,        /* the same number: of the routing table and its rule's place */
    ROUTE_MAX_PORTS = 64, ROUTE_MAX_INTERFACES = 32,
};

struct route_options {
    uint16_t ports[ROUTE_MAX_PORTS];    /* TCP ports to take; none: every port */
    size_t n_ports;
    const char *const *interfaces;      /* only what comes in there; none: everywhere */
    size_t n_interfaces;
    bool local;                         /* programs on this computer too */
};

/* Ports 80 and 443 of whatever passes through. */
struct route_options route_defaults(void);

/* argv[0] is "route".  The exit status. */
int route_command(int argc, char **argv);

/* The ruleset as `nft -f` takes it, with the defaults. */
void route_rules(struct buf *out, const struct gate_config *c);

/* What was written: how many rules, and by what name they can be told from others. */
struct route_facts {
    size_t rules;
    char stamp[24];             /* a chain without rules, named after the content of the rest */
    bool tproxy_v4, tproxy_v6;  /* needs policy routing */
    bool v4, v6;                /* connections of that family are taken */
};
struct route_facts route_rules_for(struct buf *out, const struct gate_config *c,
                                   const struct route_options *o);

/* -EINVAL, with `error`: a configuration or options that cannot work, and why. */
MW_MUST_CHECK int route_possible(const struct gate_config *c, const struct route_options *o,
                                 struct buf *error);

/* As root: 0, or > 0 with `error`.  route_apply() leaves nothing behind if it fails half-way. */
MW_MUST_CHECK int route_apply(const struct gate_config *c, const struct route_options *o,
                              struct buf *error);
MW_MUST_CHECK int route_remove(struct buf *error);

/* 0: these very rules are in force.  > 0: not, with `error` saying what is missing. */
MW_MUST_CHECK int route_check(const struct gate_config *c, const struct route_options *o,
                              struct buf *error);

/* "80,443", "all".  -EINVAL. */
MW_MUST_CHECK int route_ports_read(struct route_options *o, const char *text);

#endif
