/*
 * Other people's clocks, asked once a run and shared by all targets.
 * Life:   clocks_new() -> clocks_get()* -> clocks_free()
 * Memory: readings live as long as the clocks.
 * Bounds: CLOCKS_MAX_SERVERS, CLOCKS_ATTEMPTS datagrams to each, limit_ms for all.
 */
#ifndef PROBE_CLOCKS_H
#define PROBE_CLOCKS_H

#include <midwatch/trust.h>
#include <uv.h>

#include "net/dns.h"
#include "probe/once.h"
#include "probe/roughtime.h"

enum { CLOCKS_MAX_SERVERS = 16, CLOCKS_ATTEMPTS = 3 };

/* "sntp:host[:port]" or "roughtime:host[:port]=BASE64KEY", cut apart. */
struct time_server {
    enum mw_clock_source source;        /* MW_CLOCK_SNTP or MW_CLOCK_ROUGHTIME */
    char host[256];
    uint16_t port;
    uint8_t key[ROUGHTIME_KEY_BYTES];   /* Roughtime only */
};

/* -EINVAL: anything else. */
MW_MUST_CHECK int time_server_parse(struct time_server *out, const char *text);

struct clocks;

/* built: no present is before it.  -EINVAL: a server does not parse. */
MW_MUST_CHECK int clocks_new(struct clocks **out, uv_loop_t *loop, struct dns *dns,
                             const char *const *servers, size_t n_servers, int64_t limit_ms,
                             struct mw_wall built);
void clocks_free(struct clocks *c);     /* NULL ok */

/* Asks, the first time.  0: *wait is told when clocks_readings() is complete; -EALREADY: it is
 * already (also when there is nobody to ask). */
MW_MUST_CHECK int clocks_get(struct clocks *c, struct once_wait **wait, once_fn *fn,
                             void *context);

/* One for each server, in their order. */
const struct mw_clock_reading *clocks_readings(const struct clocks *c, size_t *n);

#endif
