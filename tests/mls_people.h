/*
 * People who meet in an MLS group, for tests: each with keys, an application that can be told to
 * refuse, and a group of their own; and the relay that carries what they send.
 */
#ifndef TESTS_MLS_PEOPLE_H
#define TESTS_MLS_PEOPLE_H

#include <midwatch/mls_meeting.h>

#include "base/span.h"

#define PEOPLE_MAX 12
#define PEOPLE_NOW ((struct mw_wall){ 1760000000 })

struct person {
    struct mw_mls_app app;
    char name[16];
    struct mw_mls_bytes signing_key, signature_key;
    struct mw_mls_identity id;
    struct mw_mls_key_package *kp;
    struct mw_mls_group *g;             /* NULL: in none */
    unsigned refuses;                   /* 1 << enum mw_mls_change_kind: what allow() says no to */
    unsigned asked;                     /* how often allow() was asked */
    bool distrusts;                     /* judge() says no */
    bool strict;                        /* ... to who takes another's place */
    struct mw_span unwanted;            /* ... to whose credential this is, if anything */
    bool has_psk;                       /* find_psk() knows "psk" */
};

struct people {
    struct mw_crypto *crypto;
    uint64_t state;                     /* of the random numbers: the same in every run */
    uint16_t suite;
    struct person all[PEOPLE_MAX];
};

void people_open(struct people *p, uint16_t suite);
void people_close(struct people *p);
struct mw_random people_random(struct people *p);

/* A fresh key package of theirs, as bytes to add them with. */
struct mw_span person_package(struct person *who);
/* Another signature key and, with a name, credential. */
void person_renew(struct people *p, struct person *who, const char *name);

/* all[0] makes the group; extensions as they travel. */
void people_found(struct people *p, struct mw_span extensions);
/* Everybody but `from` gets the message: all must take it. */
void people_deliver(struct people *p, const struct person *from, const struct mw_mls_bytes *m);
/* `who` commits, all others follow, those added join by the Welcome.  Frees what was made. */
void people_commit(struct people *p, struct person *who, const struct mw_mls_commit_options *o);
/* all[0] adds all[1] to all[n - 1]. */
void people_gather(struct people *p, size_t n);
/* `who` proposes and all others get it. */
void people_propose(struct people *p, struct person *who, const struct mw_mls_proposal *what);
/* All who are in are in one epoch, and can talk to one another. */
void people_agree(struct people *p);
/* One says something, all others read it. */
void people_talk(struct people *p, struct person *who);

static inline struct mw_span bytes_span(const struct mw_mls_bytes *b)
{
    return (struct mw_span){ b->data, b->len };
}

#endif
