/*
 * Pinned keys.
 */
#include "base/compiler.h"
#include "lab/case.h"

static const struct lab_case cases[] = {
    {
        .name = "pinned",
        .group = "pin",
        .wrong = "nothing: the key is the pinned one",
        .verdict = "private",
        .not_ = "pin-mismatch",
        .options = "--pin pinned.lab.test={pin-pinned}",
        .cert = { .pin = "pinned" },
    },
    {
        .name = "pin-mismatch",
        .group = "pin",
        .wrong = "a good certificate, but not the pinned key",
        .verdict = "untrusted",
        .must = "pin-mismatch",
        .not_ = "unknown-authority",
        .options = "--pin pin-mismatch.lab.test={pin-pinned}",
    },
};

const struct case_table cases_pin = { cases, ARRAY_LEN(cases) };
