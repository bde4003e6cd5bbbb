/*
 * The proxy that the environment asks for, as curl and most tools read it: https_proxy or
 * HTTPS_PROXY, then all_proxy or ALL_PROXY, unless no_proxy or NO_PROXY names the host.
 */
#ifndef PROBE_PROXY_ENV_H
#define PROBE_PROXY_ENV_H

#include <stdbool.h>
#include <stdint.h>

/* The environment, as a function so that tests can bring their own: getenv(3)'s contract. */
typedef const char *proxy_env_get(void *context, const char *name);

struct proxy_env {
    const char *url;            /* borrowed from the environment; NULL: none for this host */
    const char *from;           /* "HTTPS_PROXY", static */
    const char *excluded_by;    /* "NO_PROXY", if there is a proxy and the host is exempt */
};

/* get NULL: the process's environment.  host: A-labels or an address. */
struct proxy_env proxy_env_find(const char *host, uint16_t port, proxy_env_get *get,
                                void *context);

/* Does a no_proxy list cover the host?  Entries are separated by commas or spaces: "*" covers
 * all; "example.com" and ".example.com" cover the name and everything below; an address covers
 * itself, "192.0.2.0/24" and "2001:db8::/32" their networks; ":port" narrows an entry. */
bool no_proxy_covers(const char *list, const char *host, uint16_t port);

#endif
