/*
 * A target's settings, understood: what is resolved, through which proxy, and what is said.
 * Life:   dial_plan_make() -> reads -> dial_plan_deinit()
 * Memory: owns copies of everything; the target may go.
 */
#ifndef PROBE_DIAL_PLAN_H
#define PROBE_DIAL_PLAN_H

#include "net/dns.h"
#include "probe/probe.h"
#include "probe/proxy.h"

struct dial_plan {
    char host[256];             /* asked for: A-labels or an address */
    char *server_name;          /* SNI; NULL: none */
    char *alpn;                 /* NULL: none */
    char *to_host;              /* where the connection goes: host, or connect_to's */
    uint16_t to_port;
    enum probe_starttls starttls;
    enum dns_family family;
    bool has_proxy;
    struct proxy proxy;
};

/* -EINVAL with one line in `error` (256 bytes): which setting, why, what to write. */
MW_MUST_CHECK int dial_plan_make(struct dial_plan *out, const struct probe_target *target,
                                 char *error);
void dial_plan_deinit(struct dial_plan *p);

#endif
