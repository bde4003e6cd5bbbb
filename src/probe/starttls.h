/*
 * The conversations that lead to TLS on a port that begins in the clear.
 * Life:   STARTTLS_INIT(kind, host) -> starttls_step()* -> talk_deinit(&s.talk)
 * Source: SMTP RFC 3207, IMAP RFC 9051 6.2.1, POP3 RFC 2595 4, FTP RFC 4217 4, XMPP RFC 6120 5,
 *         LDAP RFC 4511 4.14, PostgreSQL's SSLRequest, MySQL's SSLRequest.
 *
 * Whatever arrived after the answer that ends the conversation, but before TLS, was not
 * protected and must not be taken for what comes after (CVE-2011-0411): TALK_BROKEN.
 */
#ifndef PROBE_STARTTLS_H
#define PROBE_STARTTLS_H

#include "probe/probe.h"
#include "probe/talk.h"

struct starttls {
    struct talk talk;
    enum probe_starttls kind;
    const char *host;           /* A-labels or an address; borrowed */
    bool offered;               /* a capability line said so */
};

#define STARTTLS_INIT(its_kind, its_host) \
    { .talk = TALK_INIT, .kind = (its_kind), .host = (its_host) }

/* With what is in talk.in so far, also when that is nothing yet. */
enum talk_state starttls_step(struct starttls *s);

/* "SMTP", … */
const char *starttls_name(enum probe_starttls kind);

/* The protocol whose greeting this looks like; PROBE_TLS_DIRECT: none we know. */
enum probe_starttls starttls_guess(struct mw_span greeting);

#endif
