/*
 * The pages people see: why something was stopped, how to install the CA, the PAC file.  HTML
 * without script and without anything fetched, readable on a phone; every word from outside is
 * escaped.
 */
#ifndef GATE_DOOR_PAGE_H
#define GATE_DOOR_PAGE_H

#include "gate/policy/decide.h"

/* A site stopped by policy. */
void page_blocked(struct buf *html, const struct gate_config *c, const char *host,
                  const struct gate_decision *d);

/* An origin that was not trusted: which cause, the certificates, whom to ask; consent: the path of
 * the "continue anyway" form (POST), NULL: there is none. */
void page_untrusted(struct buf *html, const struct gate_config *c, const struct mw_verdict *v,
                    enum mw_code cause, const char *consent);

/* An exchange stopped by a content stage, or an origin that could not be reached. */
void page_stopped(struct buf *html, const struct gate_config *c, int status, const char *title,
                  const char *reason);

/* What such a page may be at most, whatever the origin showed. */
enum { PAGE_MAX_BYTES = 256 * 1024 };

/* What the gateway's own name answers: "/", "/ca.pem", "/ca.crt" (DER), "/ca.mobileconfig",
 * "/proxy.pac", "/install".  The whole HTTP response, head included ("Connection: close").
 * ca: DER of the root, empty: none yet.  at: the listener's address as the client sees it. */
void page_local(struct buf *response, const struct gate_config *c, struct mw_span ca,
                const char *path, const struct addr *at);

/* The same response as HEAD gets it (RFC 9110 section 9.3.2). */
void page_head_only(struct buf *response);

#endif
