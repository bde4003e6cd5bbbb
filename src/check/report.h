/*
 * A verdict as text for a person: one line that says who can read the connection, then why,
 * what it is not, what they see, and what to do.
 */
#ifndef CHECK_REPORT_H
#define CHECK_REPORT_H

#include <midwatch/trust.h>

#include "base/layout.h"

struct report_options {
    bool quiet;                 /* only the verdict line */
    bool verbose;               /* every finding, the parameters, what would disprove */
    bool certs, pem;
};

/* The whole report on one target.  0 or -ENOMEM. */
MW_MUST_CHECK int report_text(struct layout *l, const struct report_options *options,
                              const struct mw_evidence *ev, const struct mw_verdict *v);

/* One line of the table of many hosts: verdict, host:port, the first reason.  0 or -ENOMEM. */
MW_MUST_CHECK int report_line(struct layout *l, const struct mw_evidence *ev,
                              const struct mw_verdict *v);

/* "host:port", with brackets around IPv6. */
void report_host(struct buf *out, const struct mw_verdict *v);

#endif
