/*
 * Names: what was asked for, and whether a certificate covers it.
 * Source: RFC 9525 (no CN fallback, wildcards as the whole leftmost label), RFC 5890 (IDNA),
 *         RFC 5280 4.2.1.6.
 */
#ifndef TRUST_NAME_H
#define TRUST_NAME_H

#include <midwatch/trust.h>
#include <stdbool.h>

#include "base/span.h"

enum host_kind { HOST_NONE, HOST_DNS, HOST_IP };

struct host {
    enum host_kind kind;
    char text[256];             /* A-labels in lower case without a final dot, or the address */
    uint8_t ip[16];
    size_t ip_len;              /* 4 or 16 */
};

/* DNS names in U-labels or A-labels, IPv4, IPv6 (with or without brackets).
 * 0, or MW_E_NAME with *out untouched. */
MW_MUST_CHECK int host_parse(struct host *out, const char *text);

/* Is this a name on the public internet, where only public authorities issue?  False for
 * single labels, private addresses and the names set aside for private use (.local, .internal,
 * .home.arpa, .lan, .corp, .home, .intranet, .private, .localhost).  The names set aside for
 * documentation and tests (.test, .example, .invalid, example.com) count as public: there they
 * stand in for public names. */
bool host_is_public(const struct host *h);

/* The registrable domain (public suffix plus one label), NULL when there is none or for an
 * address.  Borrowed from h->text. */
const char *host_registrable(const struct host *h);

enum name_match {
    NAME_MATCHES,
    NAME_DIFFERS,
    NAME_DIFFERS_WWW,           /* only "www." lies between */
    NAME_TOO_DEEP,              /* one label below what a wildcard covers */
    NAME_WILDCARD_REFUSED,      /* only by a wildcard nobody may use: *.com, f*o.example.com */
};

/* One dNSName pattern from a certificate against a DNS host. */
enum name_match name_match_dns(const struct host *h, struct mw_span pattern);

#endif
