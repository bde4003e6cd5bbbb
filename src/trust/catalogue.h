/*
 * The catalogue of products that end TLS connections to read them, and how their issuers look.
 * Columns and patterns: docs/catalogue.md.
 * Life:   catalogue_parse() or catalogue_builtin() -> matches -> catalogue_free()
 * Memory: owns a copy of the text; products live as long as the catalogue.
 * Bounds: text 1 MiB, 4096 products, 64 alternatives a product, 8 conditions an alternative;
 *         patterns are compared in one pass without backtracking, so hostile names cost no more
 *         than honest ones.
 */
#ifndef TRUST_CATALOGUE_H
#define TRUST_CATALOGUE_H

#include <midwatch/trust.h>

#include "base/buf.h"
#include "trust/cert.h"

struct catalogue;

/* How sure a match is: A such a certificate was seen, B from a browser's or scanner's list,
 * C a keyword, D only known to exist (never matches). */
enum catalogue_grade { GRADE_A, GRADE_B, GRADE_C, GRADE_D };

struct product {
    const char *name, *vendor, *source;
    const char *kind; /* as mw_reader.kind: one of a fixed set */
    enum catalogue_grade grade;
    bool bad_root;              /* nobody may trust it: harmful, or its key is public */
    bool also_genuine;          /* some sites really use this issuer */
    const char *example, *near; /* issuers that match and that do not; NULL: none */
    bool self_signed;           /* only self-signed certificates match */
    struct mw_wall ends;        /* only certificates that end on this day match; 0 any */
};

/* 0, -ENOMEM or MW_E_SYNTAX, MW_E_TOO_MANY with one line in `error` (line, column, what). */
MW_MUST_CHECK int catalogue_parse(struct catalogue **out, struct mw_span tsv, struct buf *error);

/* The one from data/interceptors.tsv. */
MW_MUST_CHECK int catalogue_builtin(struct catalogue **out);
void catalogue_free(struct catalogue *c); /* NULL ok */

size_t catalogue_size(const struct catalogue *c);
const struct product *catalogue_at(const struct catalogue *c, size_t i);

/* By the issuer of `cert`; its subject is never looked at, since a product's own web site has
 * the vendor as subject.  *out: the surest product, NULL: none.  0 or -ENOMEM. */
MW_MUST_CHECK int catalogue_match_issuer(const struct catalogue *c, const struct cert *cert,
                                         const struct product **out);

/* By the certificate's own fingerprint or key; `leaf` tells whether it is the server's own. */
const struct product *catalogue_match_key(const struct catalogue *c, const struct cert *cert,
                                          bool leaf);

/* The same by value: kind is "sha1", "sha256", "spki" or "leaf-spki". */
const struct product *catalogue_match_hash(const struct catalogue *c, const char *kind,
                                           struct mw_span hash);

/* The i-th hash a product is known by; false: no more. */
bool catalogue_hash_at(const struct catalogue *c, const struct product *p, size_t i,
                       const char **kind, struct mw_span *hash);

/* By the name of a request header that the product adds, as a server sees it. */
const struct product *catalogue_match_header(const struct catalogue *c, struct mw_span name);

#endif
