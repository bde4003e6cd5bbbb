/*
 * Connections to servers whose last answer ended cleanly, kept for a few seconds: the next session
 * of the same client to the same server goes on with one, and saves both a handshake.
 * Life:   kept_put() as a session ends -> kept_reserve() when the next one wants to dial ->
 *         kept_use() once its hello shows that it fits, or kept_free()
 * Bounds: KEPT_MAX for a worker, KEPT_EACH of one client and server, KEPT_LIFE_MS from the
 *         handshake on, and upstream.reuse each time.
 * Trust:  what the server's certificates were judged goes along, and policy has its say about it
 *         anew, before the client is greeted.  See docs/decisions/0046.
 */
#ifndef GATE_WORKER_KEPT_H
#define GATE_WORKER_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The protocols a server was offered. */
struct offered {
    uint8_t len;
    uint8_t names[];
};

struct kept;
struct session;
struct worker;

enum { KEPT_MAX = 256, KEPT_EACH = 8, KEPT_LIFE_MS = 300 * 1000 };

struct kept_list {
    struct kept *newest;
    size_t n;
};

/* May this session's server go on with another one? */
bool kept_may(const struct session *s);

/* Takes the server's side away from a session that ends, if it may. */
void kept_put(struct session *s);

/* Before the server is dialled: finds one that serves if the hello says the same again; it is the
 * session's from then on (s->kept), and so is its address. */
bool kept_reserve(struct session *s);

/* After the hello: is it alive, and for this very hello? */
bool kept_fits(const struct session *s);

/* The session's server's side, with what was judged of it. */
void kept_use(struct session *s);

void kept_free(struct kept *k);                 /* NULL ok */

/* The server closed it, or said something. */
void kept_wake(struct kept *k);

/* Those whose time is over; all of them (a new policy, an unlock, the end). */
void kept_sweep(struct worker *w, int64_t now_ms);
void kept_drop(struct worker *w);

#endif
