/*
 * Control hosts: other sites, contacted once a run over the same path, to compare their chains
 * with a target's.  The path is the proxy, if any: each proxy gets its own set.
 * Life:   controls_new() -> controls_get()* -> controls_free()
 * Memory: a set lives as long as the controls.
 * Bounds: CONTROLS_MAX_HOSTS, CONTROLS_MAX_SETS.
 */
#ifndef PROBE_CONTROLS_H
#define PROBE_CONTROLS_H

#include "probe/dial.h"
#include "probe/once.h"

enum { CONTROLS_MAX_HOSTS = 8, CONTROLS_MAX_SETS = 8 };

struct controls;
struct control_set;

/* hosts: "host[:port]".  -EINVAL: one does not parse. */
MW_MUST_CHECK int controls_new(struct controls **out, struct dialer *dialer,
                               const char *const *hosts, size_t n_hosts);
void controls_free(struct controls *c);         /* NULL ok */

/* 0: *wait is told when *set is complete; -EALREADY: it is; -ENOSPC: too many proxies. */
MW_MUST_CHECK int controls_get(struct controls *c, const char *proxy, struct control_set **set,
                               struct once_wait **wait, once_fn *fn, void *context);

const struct mw_control *control_set_list(const struct control_set *set, size_t *n);

#endif
