/*
 * What the tests of dialling share: one target dialled on a loop of its own, and servers with
 * minted certificates.
 */
#ifndef TESTS_DIAL_FIXTURE_H
#define TESTS_DIAL_FIXTURE_H

#include <openssl/ssl.h>

#include "lab/mill.h"
#include "probe/dial.h"

/* Dials and waits; the loop must be left without handles. */
struct dial_result *fixture_dial(const struct probe_target *target,
                                 const struct probe_limits *limits,
                                 const struct dial_options *options);
struct dial_result *fixture_dial_dns(const struct probe_target *target,
                                     const struct probe_limits *limits,
                                     const struct dial_options *options,
                                     const struct dns_options *dns);

/* A root, an intermediate and a leaf for "site.lab.test", and a server that sends the last two;
 * min and max are TLS versions, 0 for OpenSSL's own. */
struct fixture_site {
    struct mill_cert *root, *intermediate, *leaf;
    SSL_CTX *ctx;
};
void fixture_site_open(struct fixture_site *s, int min, int max);
void fixture_site_close(struct fixture_site *s);

/* A certificate under s->intermediate with `names` more names. */
struct mill_cert *fixture_wide_leaf(struct fixture_site *s, int names);

/* Does it hold, in the detail? */
void fixture_says(const struct dial_result *r, const char *words);

#endif
