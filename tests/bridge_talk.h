/*
 * A bridge with what it said to both sides, and a session that rules as told; for tests.
 * Life: talk_start() -> talk_say() / talk_end() … -> talk_stop()
 */
#ifndef TESTS_BRIDGE_TALK_H
#define TESTS_BRIDGE_TALK_H

#include "gate/bridge/bridge.h"

struct talk {
    struct bridge *b;
    struct buf got[2];          /* what was sent to each side */
    size_t step;                /* feed pieces of so many bytes; 0: as many as there is room */
    bool stuck[2];              /* that side reads nothing */
    /* the session */
    enum bridge_ruling ruling;
    const char *type;           /* of an answer; NULL: text/plain */
    bool sync_origin;           /* bridge_origin() at once */
    unsigned asked, origins, fresh, wakes;
    struct buf last, origin;    /* "METHOD scheme authority path[ upgrade]", "host:port" */
    char code[64];              /* of the last block */
};

/* stages may be NULL.  Fails the test if it cannot. */
void talk_start(struct talk *t, enum bridge_kind kind, const struct content_row *stages);
/* HTTP/1.1 over a server's connection that served others before. */
void talk_start_second_hand(struct talk *t, const struct content_row *stages);
void talk_stop(struct talk *t);

/* All of text, as fast as there is room and the others read; what there never is room for is
 * left: the return value. */
size_t talk_say(struct talk *t, enum bridge_side from, struct mw_span text);
void talk_end(struct talk *t, enum bridge_side from, bool cut);

/* What is in bridge_out() goes to got[]. */
void talk_take(struct talk *t);

/* Fails the test unless exactly this was sent to that side; forgets it. */
void talk_expect(struct talk *t, enum bridge_side to, const char *text);

#endif
