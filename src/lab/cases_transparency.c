/*
 * Certificate Transparency.
 */
#include "base/compiler.h"
#include "lab/case.h"

static const struct lab_case cases[] = {
    {
        .name = "no-sct",
        .group = "transparency",
        .wrong = "no receipt from a Certificate Transparency log",
        .verdict = "private",
        .must = "sct-missing",
        .not_ = "sct-invalid",
        .options = "--ct-logs {dir}/ct-logs.json",
        .cert = { .scts = SCTS_NONE },
    },
    {
        .name = "invalid-sct",
        .group = "transparency",
        .wrong = "a receipt whose signature is wrong",
        .verdict = "private",
        .must = "sct-invalid",
        .options = "--ct-logs {dir}/ct-logs.json",
        .cert = { .scts = SCTS_BROKEN },
    },
    {
        .name = "one-sct",
        .group = "transparency",
        .wrong = "one receipt where two are asked for",
        .verdict = "private",
        .must = "sct-too-few",
        .not_ = "sct-missing sct-invalid",
        .options = "--ct-logs {dir}/ct-logs.json",
        .cert = { .scts = SCTS_ONE },
    },
    {
        .name = "one-operator",
        .group = "transparency",
        .wrong = "two receipts, both from logs of one operator",
        .verdict = "private",
        .must = "sct-too-few",
        .not_ = "sct-missing sct-invalid",
        .options = "--ct-logs {dir}/ct-logs.json",
        .cert = { .scts = SCTS_ONE_OPERATOR },
    },
    {
        .name = "unknown-log",
        .group = "transparency",
        .wrong = "a receipt from a log that nobody knows",
        .verdict = "private",
        .must = "sct-unknown-log",
        .not_ = "sct-invalid",
        .options = "--ct-logs {dir}/ct-logs.json",
        .cert = { .scts = SCTS_UNKNOWN_LOG },
    },
    {
        .name = "sct-in-tls",
        .group = "transparency",
        .wrong = "nothing: the receipts come in the handshake",
        .verdict = "private",
        .not_ = "sct-missing sct-too-few sct-invalid",
        .options = "--ct-logs {dir}/ct-logs.json",
        .cert = { .scts = SCTS_IN_TLS },
    },
};

const struct case_table cases_transparency = { cases, ARRAY_LEN(cases) };
