/*
 * Sends lines to a syslog collector as they are written: a second copy, out of reach of whoever
 * takes over this computer.
 * Life:   syslog_new() -> syslog_send()* -> syslog_free()
 * Memory: SYSLOG_QUEUE_BYTES wait at most; then the oldest go, and are counted.
 * Time:   connecting SYSLOG_CONNECT_MS at most; after a failure 1 s, then twice as long each time
 *         up to a minute.
 * Source: RFC 5424 (messages), RFC 5426 (UDP), RFC 6587 section 3.4.1 (octet counting over TCP),
 *         RFC 5425 (TLS).
 * There is no answer in any of them: what a collector did not store is not noticed here.
 */
#ifndef GATE_SCRIBE_SYSLOG_H
#define GATE_SCRIBE_SYSLOG_H

#include "net/dns.h"

enum {
    SYSLOG_QUEUE_BYTES = 8 << 20,
    SYSLOG_CONNECT_MS = 10000,
    SYSLOG_BACKOFF_MS = 1000,
    SYSLOG_BACKOFF_MAX_MS = 60000,
};

struct syslog;

struct syslog_options {
    const char *url;            /* "tls://host[:6514]", "tcp://host[:601]", "udp://host[:514]" */
    struct mw_span roots;       /* PEM, for tls:// */
    struct dns *dns;            /* outlives it */
    const char *hostname;       /* our own, for the messages */
    int64_t backoff_ms;         /* 0: SYSLOG_BACKOFF_MS */
};

/* 0; or < 0 with `error`: a URL or roots that cannot be used.  That nobody listens there is no
 * error: it is tried again. */
MW_MUST_CHECK int syslog_new(struct syslog **out, uv_loop_t *loop, const struct syslog_options *o,
                             struct buf *error);
void syslog_free(struct syslog *s);     /* NULL ok; not from a callback; run the loop once more */

/* One line, without a newline.  Sent when it can be. */
void syslog_send(struct syslog *s, struct mw_span line, struct mw_wall now);

struct syslog_state {
    bool up;
    uint64_t sent, lost;        /* messages handed to the network; dropped */
    size_t waiting;             /* messages */
    const char *why;            /* the last failure, one clause; "" none */
};
struct syslog_state syslog_state(const struct syslog *s);

#endif
