/*
 * How the gate does TLS, once for a process: a context for clients and one for servers, the keys
 * of its session tickets, and what it remembers to resume with servers.
 * Life:   sides_init() -> legs -> sides_deinit()
 * Source: RFC 8446 sections 4.6.1 and C.4, RFC 5077; NIST SP 800-52r2 for suites.
 */
#ifndef GATE_WORKER_SIDES_H
#define GATE_WORKER_SIDES_H

#include <openssl/ssl.h>

#include "gate/worker/leg.h"

enum { TICKET_SEED = 32, TICKET_KEYS = 2 };

/* Keys of one period; every worker derives the same from the parent's seed. */
struct ticket_key {
    uint8_t name[16], cipher[32], mac[32];
    bool set;
};

/* A session with a server is offered for keeping: the callback takes a reference, or not. */
typedef void sides_session_fn(struct leg *server, SSL_SESSION *session);

struct sides {
    struct leg_context legs;                    /* first: the contexts' app data */
    SSL_CTX *to_client, *to_server;
    struct ticket_key keys[TICKET_KEYS];        /* the period's, and the one before */
    EVP_CIPHER *cipher;
    sides_session_fn *on_session;
};

/* library: struct algorithms' context, which outlives this. */
MW_MUST_CHECK int sides_init(struct sides *s, OSSL_LIB_CTX *library,
                             sides_session_fn *on_session);
void sides_deinit(struct sides *s);

/* Seed and period as GATE_TICKET_SEED carries them.  0 or -ENOMEM. */
MW_MUST_CHECK int sides_seed(struct sides *s, struct mw_span seed, uint64_t period);

#endif
