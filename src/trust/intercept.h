/*
 * Who is in the middle: what the files intercept*.c share while they weigh one connection.
 * Life: as long as intercept_judge() runs.
 */
#ifndef TRUST_INTERCEPT_H
#define TRUST_INTERCEPT_H

#include "trust/catalogue.h"
#include "trust/judge.h"
#include "trust/weigh.h"

struct middle {
    struct judge *j;
    struct weighing weighing;
    bool public_name;              /* host_is_public() */
    bool public_anchor;            /* the accepted path ends in the public set */
    const struct product *product; /* recognised; NULL: not */
    enum mw_certainty named;       /* that it is this product */
    bool genuine;                  /* its very key, and at home: some sites really use it */
    bool portal;                   /* a login page stands in the way */
};

/* Gives a finding its place on the scales: weight, certainty, disproof.  f may be NULL (out
 * of memory, which the judgement remembers). */
void middle_weigh(struct middle *m, struct mw_finding *f, int decibans);

/* Each looks at one kind of evidence. */
void intercept_names(struct middle *m);
void intercept_portal(struct middle *m);
MW_MUST_CHECK int intercept_controls(struct middle *m);
void intercept_certificate(struct middle *m); /* anchor, SCTs, lifetime, CAA */
void intercept_caa(struct middle *m);
void intercept_path(struct middle *m); /* proxy, hosts file, VPN, loopback, speed, ECH */
void intercept_echo(struct middle *m);

/* Where the reader sits, from what was found. */
void intercept_place(const struct middle *m, struct mw_reader *reader);

#endif
