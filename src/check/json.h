/*
 * A verdict for programs: one JSON object a line, "schema": "midwatch.check/1", as
 * docs/schema/midwatch.check-1.schema.json says.
 */
#ifndef CHECK_JSON_H
#define CHECK_JSON_H

#include "check/run.h"

struct json_options {
    bool pem;        /* certificates in PEM too */
    bool unattended; /* the run was --unattended */
    int exit;        /* what this target alone would exit with */
};

/* Appends the object and a newline.  0 or -ENOMEM. */
MW_MUST_CHECK int json_result(struct buf *out, const struct json_options *options,
                              const struct run_result *r);

#endif
