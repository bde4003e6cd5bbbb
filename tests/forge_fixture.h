/*
 * A CA of the gate's and origins to copy, for tests of the forge.  One CA for all tests of a
 * program, since making its RSA keys takes long.
 */
#ifndef TESTS_FORGE_FIXTURE_H
#define TESTS_FORGE_FIXTURE_H

#include "gate/forge/answer.h"
#include "lab/mill.h"

enum { FORGE_DAY = 86400 };

/* 2026-11-21T12:00:00Z: the CA is made a minute before. */
struct mw_wall forge_now(void);

int forge_fixture_make(void **state);           /* for a cmocka group */
int forge_fixture_make_today(void **state);     /* for processes that read the clock */
int forge_fixture_remove(void **state);

struct ca *forge_ca(void);
const char *forge_ca_folder(void);

/* A leaf key, and its SubjectPublicKeyInfo in *spki (appended). */
EVP_PKEY *forge_key(enum mill_key kind, struct buf *spki);

/* An origin's leaf under some public authority; all-zero fields of the spec are filled in:
 * CN=www.shop.test with its name, valid from 30 days ago for 60. */
struct mill_cert *forge_origin(struct mill_spec spec);

#endif
