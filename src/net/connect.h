/*
 * Connects to the first of several addresses that answers: the next one is tried when one
 * fails, or after a pause, and the first to answer wins (after RFC 8305 section 5).
 * Life:   connect_begin() -> callback once -> gone; or connect_cancel() before that.
 * Memory: addresses are copied.  The socket handed over belongs to the callback.
 */
#ifndef NET_CONNECT_H
#define NET_CONNECT_H

#include <uv.h>

#include "net/addr.h"
#include "net/io.h"

enum {
    CONNECT_MAX_ADDRESSES = 16,     /* more are left out */
    CONNECT_STAGGER_MS = 250,       /* RFC 8305 section 8 */
};

struct connect_result {
    int fd;                     /* connected, or -1 */
    enum sock_error error;      /* the most telling one of all addresses: refused, then timed
                                 * out, then no route */
    struct addr peer;           /* who answered, or whose error it is */
    int64_t connect_us;         /* this address's SYN to its SYN-ACK */
    size_t tried;
};

struct connecting;

/* Never called from within connect_begin(). */
typedef void connect_fn(void *context, const struct connect_result *result);

/* limit_ms is for each address.  -EINVAL: no address. */
MW_MUST_CHECK int connect_begin(struct connecting **out, uv_loop_t *loop,
                                const struct addr *addrs, size_t n_addrs, int64_t limit_ms,
                                connect_fn *on_done, void *context);
void connect_cancel(struct connecting *c);      /* NULL ok */

#endif
