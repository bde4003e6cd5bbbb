/*
 * What makes the next connection to a server cheap: a session to resume, with the verdict its
 * certificates got when they were shown.
 * Life:   resume_init() -> resume_keep()/resume_take()* -> resume_deinit()
 * Bounds: RESUME_MAX servers, two sessions each.  A TLS 1.3 ticket is used once (RFC 8446 C.4).
 */
#ifndef GATE_WORKER_RESUME_H
#define GATE_WORKER_RESUME_H

#include <openssl/ssl.h>

#include "gate/worker/judge.h"
#include "gate/worker/lru.h"

enum { RESUME_MAX = 2048, RESUME_SESSIONS = 2 };

struct resume {
    struct lru servers;
};

MW_MUST_CHECK int resume_init(struct resume *r);
void resume_deinit(struct resume *r);

/* A new policy: what was judged under the one before says nothing any more. */
void resume_clear(struct resume *r);

/* The server's name in the table: what was asked for, and whom. */
enum { RESUME_NAME = 340 };
void resume_name(char name[RESUME_NAME], const char *host, const char *to, uint16_t port);

/* A session of `name`, and what its origin was judged (a reference each, the caller's); NULL:
 * none, or the verdict is too old. */
SSL_SESSION *resume_take(struct resume *r, const char *name, struct mw_wall now,
                         struct origin **origin);

/* Keeps a reference of each.  Without memory nothing is kept. */
void resume_keep(struct resume *r, const char *name, SSL_SESSION *session,
                 struct origin *origin);

/* Nothing of it is valid any more: a reload, or a server that refused. */
void resume_forget(struct resume *r, const char *name);

#endif
