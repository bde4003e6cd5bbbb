#include "lab/case.h"

#include <stdio.h>

#include "base/span.h"

static const struct case_table *const tables[] = {
    &cases_good,       &cases_name,         &cases_authority, &cases_chain,
    &cases_time,       &cases_revocation,   &cases_transparency, &cases_pin,
    &cases_parameters, &cases_middle,       &cases_reach,
};

size_t case_count(void)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        n += tables[i]->n;
    return n;
}

const struct lab_case *case_at(size_t at)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (at < tables[i]->n)
            return &tables[i]->cases[at];
        at -= tables[i]->n;
    }
    return NULL;
}

void case_host(const struct lab_case *c, char host[CASE_HOST_TEXT])
{
    if (c->host != NULL)
        snprintf(host, CASE_HOST_TEXT, "%s", c->host);
    else
        snprintf(host, CASE_HOST_TEXT, "%s.lab.test", c->name);
}

void case_server_name(const struct lab_case *c, char host[CASE_HOST_TEXT])
{
    if (c->a_labels != NULL)
        snprintf(host, CASE_HOST_TEXT, "%s", c->a_labels);
    else
        case_host(c, host);
}

static int case_named(const char *name)
{
    for (size_t i = 0; i < case_count(); i++)
        if (strcmp(case_at(i)->name, name) == 0)
            return (int)i;
    return -1;
}

int case_find(struct mw_span name)
{
    /* Clients send no server name for an address (RFC 6066 section 3). */
    if (name.len == 0)
        return case_named("ip-address");
    if (span_ends_nocase(name, SPAN_LIT(".fleet.lab.test")))
        return case_named("fleet");
    for (size_t i = 0; i < case_count(); i++) {
        char host[CASE_HOST_TEXT];

        case_server_name(case_at(i), host);
        if (span_eq_nocase(span_str(host), name))
            return (int)i;
    }
    return -1;
}

bool case_word(const char *words, struct mw_span word)
{
    struct mw_span rest = span_str(words), one;

    while (span_field(&rest, ' ', &one))
        if (span_eq(one, word))
            return true;
    return false;
}
