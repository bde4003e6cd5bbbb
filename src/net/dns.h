/*
 * Asks the DNS, on the caller's loop: addresses through the hosts file and then the servers,
 * and any record type raw.  Answers are told apart by why there was none.
 * Life:   dns_new() -> dns_resolve()/dns_ask()* -> callbacks -> dns_free()
 *         dns_free() drops what is under way without callbacks; run the loop once more.  Not
 *         to be called from a callback.
 * Memory: answers are borrowed until the callback returns.
 * Bounds: one limit for each question; at most 64 addresses and 256 records are handed on.
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <uv.h>

#include "net/addr.h"

struct dns;
struct dns_question;

struct dns_options {
    const char *const *servers;     /* "addr[:port]"; none: the system's */
    size_t n_servers;
    const char *hosts_file;         /* NULL: /etc/hosts; "": none */
};

enum dns_state {
    DNS_OK,
    DNS_NO_NAME,                /* NXDOMAIN: the name does not exist */
    DNS_NO_DATA,                /* it exists, without such a record */
    DNS_NO_ANSWER,              /* no server answered in time */
    DNS_SERVER_FAILED,          /* SERVFAIL, REFUSED, …, or no server could be reached */
    DNS_BAD_ANSWER,             /* an answer that is no DNS message */
    DNS_BAD_NAME,               /* not a name that can be asked for */
};

/* One clause for a report: "the name does not exist", … */
const char *dns_state_text(enum dns_state state);

/* -EINVAL: a server or the hosts file does not parse, `error` (256 bytes, may be NULL) says
 * which and why. */
MW_MUST_CHECK int dns_new(struct dns **out, uv_loop_t *loop, const struct dns_options *options,
                          char *error);
void dns_free(struct dns *d);           /* NULL ok */

struct dns_addresses {
    enum dns_state state;
    const struct addr *items;   /* with the port asked for, in the order to try */
    size_t n;
    const char *hosts_file;     /* "/etc/hosts:12" if they stand there, else NULL */
};
typedef void dns_addresses_fn(void *context, const struct dns_addresses *answer);

enum dns_family { DNS_ANY, DNS_IPV4, DNS_IPV6 };

/* name: A-labels; an address is its own answer; "localhost" and names below it are the loopback
 * addresses unless the hosts file says otherwise (RFC 6761 section 6.3).
 * Never called back from within. *out may be NULL if it is never cancelled. */
MW_MUST_CHECK int dns_resolve(struct dns *d, const char *name, uint16_t port,
                              enum dns_family family, int64_t limit_ms,
                              dns_addresses_fn *on_done, void *context,
                              struct dns_question **out);

enum { DNS_TYPE_HTTPS = 65, DNS_TYPE_CAA = 257 };

/* The RDATA of the answer's records of the type asked for; aliases were followed by the
 * server.  RFC 1035 section 4.1.3. */
struct dns_records {
    enum dns_state state;
    const struct mw_span *items;
    size_t n;
    uint32_t ttl_s;             /* the least of them */
};
typedef void dns_records_fn(void *context, const struct dns_records *answer);

MW_MUST_CHECK int dns_ask(struct dns *d, const char *name, uint16_t type, int64_t limit_ms,
                          dns_records_fn *on_done, void *context, struct dns_question **out);

/* No callback comes.  Only before it did. */
void dns_cancel(struct dns_question *q);        /* NULL ok */

#endif
