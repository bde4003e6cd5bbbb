/*
 * One list of names, in the language of each gateway.  The forms follow the vendors'
 * documentation (docs/exempt.md says which); none was tried on a device of theirs.
 */
#ifndef CHECK_EXEMPT_FORMS_H
#define CHECK_EXEMPT_FORMS_H

#include <stdbool.h>

#include "base/buf.h"

struct exempt_name {
    const char *domain; /* A-labels, lower case: "meet.example.com" */
    bool tree;          /* and every name below it */
};

struct exempt_form {
    const char *id;             /* what --for takes */
    const char *const *aliases; /* other words for it, ended by NULL; NULL none */
    const char *title;          /* "Palo Alto Networks PAN-OS" */
    const char *where;          /* where it goes, one line */
    const char *comment;        /* how a comment line starts; NULL: the form has none */
    void (*print)(struct buf *out, const struct exempt_name *names, size_t n);
};

extern const struct exempt_form exempt_forms[];
extern const size_t n_exempt_forms;

/* By id or alias, without case; NULL: unknown. */
const struct exempt_form *exempt_form_find(const char *id);

#endif
