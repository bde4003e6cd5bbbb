#include "check/exempt_ticket.h"

static void ticket_subject(struct buf *out, const struct exempt_request *r)
{
    buf_str(out, "Subject: Exception from TLS inspection for ");
    if (r->n_apps > 0)
        buf_add(out, r->apps[0].name);
    else
        buf_str(out, r->names[0].domain);
    if (r->n_apps == 0 && r->n_names > 1)
        buf_printf(out, " and %zu more", r->n_names - 1);
    buf_str(out, "\n\n");
}

static void ticket_names(struct buf *out, const struct exempt_request *r)
{
    buf_str(out, "Names to except (port 443):\n");
    for (size_t i = 0; i < r->n_names; i++)
        buf_printf(out, r->names[i].tree ? "  %s and *.%s\n" : "  %s\n", r->names[i].domain,
                   r->names[i].domain);
    buf_str(out, "\n");
}

static void ticket_sources(struct buf *out, const struct exempt_request *r)
{
    static const struct {
        const char *class, *means;
    } classes[] = {
        {"technical",    "does not work under inspection"                       },
        { "performance", "works under inspection, its maker asks to be left out"},
        { "privacy",     "left out for the people's sake"                       },
    };

    if (r->n_apps == 0)
        return;
    buf_str(out, "Who says so:\n");
    for (size_t i = 0; i < r->n_apps; i++) {
        const struct exempt_app *a = &r->apps[i];

        buf_printf(out, "  %.*s: %.*s", (int)a->domain.len, a->domain.data, (int)a->source.len,
                   a->source.data);
        for (size_t k = 0; k < ARRAY_LEN(classes); k++)
            if (span_eq(a->class, span_str(classes[k].class)))
                buf_printf(out, " (%s)", classes[k].means);
        if (a->note.len > 0)
            buf_printf(out, "; %.*s", (int)a->note.len, a->note.data);
        buf_str(out, "\n");
    }
    buf_str(out, "\n");
}

static void ticket_exception(struct buf *out, const struct exempt_request *r)
{
    if (r->form == NULL) {
        buf_str(out, "The exception in your gateway's language:\n"
                     "  midwatch exempt --for GATEWAY");
        for (size_t i = 0; i < r->n_names; i++)
            buf_printf(out, " %s", r->names[i].domain);
        buf_str(out, "      (--list shows the gateways)\n\n");
        return;
    }
    buf_printf(out, "%s\n(%s):\n\n", r->form->title, r->form->where);
    r->form->print(out, r->names, r->n_names);
    buf_str(out, "\n");
}

void exempt_ticket(struct buf *out, const struct exempt_request *r)
{
    ticket_subject(out, r);
    buf_str(out,
            "Hello,\n\n"
            "our network decrypts TLS and signs the connections below again with its own\n"
            "authority. The app at the other end checks whose certificate it gets. It then warns\n"
            "that the connection is not private, or, with nobody there to ask, refuses to\n"
            "connect. It is right to do so: it cannot tell our gateway from an attacker.\n\n"
            "Please leave these names out of TLS inspection, so that the server's own certificate\n"
            "reaches the app. The connection stays encrypted; you still see its name, time and\n"
            "volume, and may still block it.\n\n");
    ticket_names(out, r);
    ticket_sources(out, r);
    ticket_exception(out, r);
    buf_printf(out,
               "To see that it worked, run this on an affected computer:\n"
               "  midwatch check %s\n"
               "It should say PRIVATE. If it still says NOT PRIVATE, it names who signs.\n\n"
               "Please look at the exception again in a year: names of services change.\n",
               r->names[0].domain);
}
