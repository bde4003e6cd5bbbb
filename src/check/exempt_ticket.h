/*
 * The text a person sends to IT: what breaks, why, what to except, and how to see that it
 * worked.  Plain text for a ticket or a mail.
 */
#ifndef CHECK_EXEMPT_TICKET_H
#define CHECK_EXEMPT_TICKET_H

#include "check/exempt_apps.h"
#include "check/exempt_forms.h"

struct exempt_request {
    const struct exempt_name *names;
    size_t n_names;
    const struct exempt_app *apps; /* the catalogue entries behind them */
    size_t n_apps;
    const struct exempt_form *form; /* NULL: IT's gateway is not known */
};

void exempt_ticket(struct buf *out, const struct exempt_request *request);

#endif
