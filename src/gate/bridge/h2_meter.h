/*
 * Counts what one side of an HTTP/2 connection sends, frame by frame, before anybody acts on it:
 * each kind of frame that costs us more than its sender has a budget, which what is useful fills
 * up again.  No clock: an honest peer's odd frames come with requests and bodies, or one by one.
 * Life:   h2_meter_init() -> (h2_meter_fed, h2_meter_take, h2_meter_earn)*
 * Source: RFC 9113 sections 4.1, 6 and 10.5; CVE-2023-44487 and CVE-2025-8671 (resets),
 *         CVE-2024-27316 (CONTINUATION), CVE-2019-9511 to 9518 (windows, pings, priorities,
 *         settings, empty frames).
 */
#ifndef GATE_BRIDGE_H2_METER_H
#define GATE_BRIDGE_H2_METER_H

#include "base/span.h"

enum h2_budget {
    H2_RESETS,                  /* streams ended before their time, by the peer's RST_STREAM or by
                                 * ours for what it did wrong */
    H2_SETTINGS,
    H2_PINGS,
    H2_WINDOWS,                 /* WINDOW_UPDATE */
    H2_EMPTY,                   /* DATA, HEADERS and CONTINUATION of no bytes */
    H2_OTHER,                   /* PRIORITY, unknown frames, acknowledgements */
    H2_BUDGETS,
};

enum { H2_FRAME_HEAD = 9, H2_CONTINUATIONS_MAX = 8, H2_BLOCK_MAX = 80 * 1024 };

struct h2_meter {
    bool from_client;
    uint8_t preface_left;
    uint8_t head[H2_FRAME_HEAD];
    uint8_t head_len;
    uint8_t type;
    size_t left;                /* payload of the frame that passes */
    unsigned continuations;
    size_t block;               /* bytes of the header block that passes */
    int budget[H2_BUDGETS];
    const char *why;            /* NULL: fine */
};

void h2_meter_init(struct h2_meter *m, bool from_client);

/* A read's worth of bytes begins. */
void h2_meter_fed(struct h2_meter *m);

/* How many of the bytes may be acted upon now: up to the end of the first frame that carries a
 * header block, or up to a frame that is too much (then m->why). */
size_t h2_meter_take(struct h2_meter *m, struct mw_span bytes);

/* false: that was one too many, see m->why. */
bool h2_meter_spend(struct h2_meter *m, enum h2_budget b);

/* Something useful happened: an exchange was completed; a DATA frame went out to this side. */
void h2_meter_earn_exchange(struct h2_meter *m);
void h2_meter_earn_data(struct h2_meter *m);

#endif
