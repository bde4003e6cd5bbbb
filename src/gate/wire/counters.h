/*
 * What a worker counts, in a page of memory that it shares with the scribe: reading costs the
 * worker nothing, and what it counted outlives it.
 * One writer a page; readers see each number whole, not all of the same instant.
 */
#ifndef GATE_WIRE_COUNTERS_H
#define GATE_WIRE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/compiler.h"

/* X(field, "prometheus_name", "labels", "help"), each a monotonic counter unless GAUGE. */
#define GATE_COUNTERS(X, GAUGE)                                                                    \
    X(accepted, "midwatch_connections_total", "", "Connections accepted")                          \
    GAUGE(open, "midwatch_sessions", "", "Sessions open now")                                      \
    X(inspected, "midwatch_sessions_total", "action=\"inspect\"", "Sessions by action")            \
    X(bypassed, "midwatch_sessions_total", "action=\"bypass\"", "Sessions by action")              \
    X(blocked, "midwatch_sessions_total", "action=\"block\"", "Sessions by action")                \
    X(refused, "midwatch_origins_refused_total", "", "Origins that were not trusted")              \
    X(hello_bad, "midwatch_failures_total", "at=\"hello\"", "Sessions that failed, by stage")      \
    X(door_bad, "midwatch_failures_total", "at=\"door\"", "Sessions that failed, by stage")        \
    X(dial_failed, "midwatch_failures_total", "at=\"dial\"", "Sessions that failed, by stage")     \
    X(judge_failed, "midwatch_failures_total", "at=\"judge\"", "Sessions that failed, by stage")   \
    X(forge_failed, "midwatch_failures_total", "at=\"forge\"", "Sessions that failed, by stage")   \
    X(greet_failed, "midwatch_failures_total", "at=\"greet\"", "Sessions that failed, by stage")   \
    X(bridge_failed, "midwatch_failures_total", "at=\"bridge\"", "Sessions that failed, by stage") \
    X(overloaded, "midwatch_overloads_total", "", "Connections over a limit")                      \
    X(handshakes_client, "midwatch_handshakes_total", "leg=\"client\",resumed=\"no\"",             \
      "TLS handshakes finished")                                                                   \
    X(resumed_client, "midwatch_handshakes_total", "leg=\"client\",resumed=\"yes\"",               \
      "TLS handshakes finished")                                                                   \
    X(handshakes_server, "midwatch_handshakes_total", "leg=\"server\",resumed=\"no\"",             \
      "TLS handshakes finished")                                                                   \
    X(resumed_server, "midwatch_handshakes_total", "leg=\"server\",resumed=\"yes\"",               \
      "TLS handshakes finished")                                                                   \
    X(reused_server, "midwatch_server_connections_reused_total", "",                               \
      "Sessions that went on with a server's connection")                                          \
    X(minted, "midwatch_leaves_minted_total", "", "Leaf certificates asked of the forge")          \
    X(mint_cached, "midwatch_leaves_cached_total", "", "Leaf certificates found in the cache")     \
    X(requests, "midwatch_requests_total", "", "HTTP requests passed on")                          \
    X(requests_blocked, "midwatch_requests_blocked_total", "", "HTTP requests answered by us")     \
    X(bytes_up, "midwatch_bytes_total", "direction=\"up\"", "Payload bytes passed on")             \
    X(bytes_down, "midwatch_bytes_total", "direction=\"down\"", "Payload bytes passed on")         \
    X(audit_lost, "midwatch_audit_lost_total", "", "Records the scribe could not be given")

struct gate_counters {
#define GATE_COUNTER_FIELD(field, name, labels, help) _Atomic uint64_t field;
    GATE_COUNTERS(GATE_COUNTER_FIELD, GATE_COUNTER_FIELD)
#undef GATE_COUNTER_FIELD
};

static inline void counter_add(_Atomic uint64_t *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static inline void counter_sub(_Atomic uint64_t *c, uint64_t n)
{
    atomic_fetch_sub_explicit(c, n, memory_order_relaxed);
}

/* A page in a memfd: *fd is to be handed to the others; map it with counters_map(). */
MW_MUST_CHECK int counters_new(int *fd);
MW_MUST_CHECK int counters_map(struct gate_counters **out, int fd);
void counters_unmap(struct gate_counters *c);   /* NULL ok */

#endif
