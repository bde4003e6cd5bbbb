/*
 * Authorities that nobody should follow.
 */
#include "base/compiler.h"
#include "lab/case.h"
#include "lab/mint.h"

static const struct lab_case cases[] = {
    {
        .name = "self-signed",
        .group = "authority",
        .wrong = "the certificate signed itself",
        .verdict = "untrusted",
        .must = "self-signed",
        .not_ = "name-mismatch",
        .cert = { .issuer = BY_ITSELF },
    },
    {
        .name = "untrusted-root",
        .group = "authority",
        .wrong = "the root is known to nobody",
        .verdict = "untrusted",
        .must = "unknown-authority",
        .not_ = "missing-intermediate name-mismatch",
        .cert = { .issuer = BY_UNKNOWN_CA },
    },
    {
        .name = "untrusted-root-sent",
        .group = "authority",
        .wrong = "an unknown root, and the server sends it",
        .verdict = "untrusted",
        .must = "unknown-authority",
        .not_ = "name-mismatch",
        .cert = { .mint = mint_unknown_root_sent },
    },
    {
        .name = "superfish",
        .group = "authority",
        .wrong = "signed by a root with the name of Superfish",
        .verdict = "untrusted",
        .must = "known-bad-root",
        .cert = { .issuer = BY_INTERCEPTOR,
                  .interceptor = "CN=Superfish\\, Inc.,O=Superfish\\, Inc.,L=SF,ST=CA,C=US",
                  .interceptor_trusted = true },
    },
    {
        .name = "edellroot",
        .group = "authority",
        .wrong = "signed by a root with the name of eDellRoot",
        .verdict = "untrusted",
        .must = "known-bad-root",
        .cert = { .issuer = BY_INTERCEPTOR, .interceptor = "CN=eDellRoot",
                  .interceptor_trusted = true },
    },
    {
        .name = "dsdtestprovider",
        .group = "authority",
        .wrong = "signed by a root with the name of DSDTestProvider",
        .verdict = "untrusted",
        .must = "known-bad-root",
        .cert = { .issuer = BY_INTERCEPTOR, .interceptor = "CN=DSDTestProvider",
                  .interceptor_trusted = true },
    },
    {
        .name = "webpack-dev-server",
        .group = "authority",
        .wrong = "a development server's self-signed certificate, whose key was published",
        .verdict = "untrusted",
        .must = "self-signed",
        .cert = { .leaf = { .subject = "CN=localhost",
                            .names = "DNS:webpack-dev-server.lab.test,DNS:localhost" },
                  .issuer = BY_ITSELF },
    },
    {
        .name = "preact-cli",
        .group = "authority",
        .wrong = "another development server's certificate, whose key was published",
        .verdict = "untrusted",
        .must = "self-signed",
        .cert = { .leaf = { .subject = "O=Acme Co" }, .issuer = BY_ITSELF },
    },
};

const struct case_table cases_authority = { cases, ARRAY_LEN(cases) };
