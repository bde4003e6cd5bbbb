/*
 * Is plain HTTP answered by somebody else?  Asks, once a run, a URL that answers 204 with an
 * empty body: a redirect or a page instead is a captive portal, and a proxy's header fields
 * tell of a proxy.  The Date of the answer is a weak reading of the time.
 * Life:   portal_new() -> portal_get()* -> portal_free()
 */
#ifndef PROBE_PORTAL_H
#define PROBE_PORTAL_H

#include <midwatch/trust.h>
#include <uv.h>

#include "http/message.h"
#include "net/dns.h"
#include "probe/once.h"

struct portal_seen {
    enum mw_seen portal;
    const char *url;                    /* where it leads, safe to print; NULL: none */
    enum mw_seen tampered;              /* somebody's header fields */
    struct mw_clock_reading date;       /* source and server are set if ok */
};

struct portal;

/* url NULL: there is nothing to ask, and nothing will have been looked at. */
MW_MUST_CHECK int portal_new(struct portal **out, uv_loop_t *loop, struct dns *dns,
                             const char *url, int64_t limit_ms);
void portal_free(struct portal *p);     /* NULL ok */

/* As clocks_get(). */
MW_MUST_CHECK int portal_get(struct portal *p, struct once_wait **wait, once_fn *fn,
                             void *context);
const struct portal_seen *portal_seen(const struct portal *p);

/* Does this answer carry header fields of a proxy that is not the site's own CDN? */
bool portal_fields_tell(const struct http_message *m);

#endif
