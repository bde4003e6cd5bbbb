/*
 * Our own examination of one complete or broken-off path: what browsers demand and OpenSSL
 * lets through, and what OpenSSL says no to.
 *
 * Two rules of strictness (docs/decisions/0003-strictness.md):
 *   public anchor   RFC 5280 and the CA/Browser Forum's Baseline Requirements to the letter
 *   anything else   only what browsers ask of anchors that somebody added; what merely breaks
 *                   a form is a NOTE
 *
 * A lint either writes findings or, with list == NULL, only counts errors: the search looks
 * at many paths and reports one.
 */
#ifndef TRUST_LINT_H
#define TRUST_LINT_H

#include "trust/judge.h"

struct lint {
    struct judge *j;
    const struct path *path;
    struct mw_wall at;
    struct finding_list *list;          /* NULL: only count */
    bool strict;                        /* held to the letter */
    bool anchor_vetted;                 /* the anchor is in the built-in list: Mozilla looked at
                                         * its form, and it cannot be reissued */
    size_t *work_left;                  /* name constraint comparisons */
    unsigned errors, time_errors;       /* time_errors: of those, EXPIRED and NOT_YET_VALID */
    unsigned notes;
    bool out_of_work;
};

/* Everything below, in order. */
void lint_path(struct lint *l);

/* An error whatever the anchor. */
void lint_error(struct lint *l, enum mw_code code, size_t cert, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* An error under a public anchor, a NOTE under any other. */
void lint_form(struct lint *l, enum mw_code code, size_t cert, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* With another severity than the code's own. */
void lint_as(struct lint *l, enum mw_severity severity, enum mw_code code, size_t cert,
             const char *format, ...) PRINTF_LIKE(5, 6);

bool lint_has(const struct lint *l, enum mw_code code);

enum { LINT_NO_CERT = MW_MAX_DEPTH + 1 };

/* Is certs[i] the trust anchor, whose form was accepted when it was added? */
bool lint_is_anchor(const struct lint *l, size_t i);

/* The parts. */
void lint_name(struct lint *l);                         /* lint_name.c: does it cover the host? */
void lint_names_form(struct lint *l, size_t i);         /* lint_name.c: SAN and CN syntax */
void lint_extensions(struct lint *l, size_t i);         /* lint_extension.c */
void lint_key(struct lint *l, size_t i);                /* lint_key.c: keys and signatures */
void lint_root_limits(struct lint *l);                  /* lint_root.c */
void lint_openssl(struct lint *l);                      /* verify.c: OpenSSL's opinion */

#endif
