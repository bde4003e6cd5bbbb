/*
 * Why an attempt came to what it came to, and what to change: the words of `gate why`.
 * Pure: an attempt of worker/history.c's JSON in, two texts out.
 */
#ifndef GATE_CONTROL_ADVICE_H
#define GATE_CONTROL_ADVICE_H

#include <jansson.h>

#include "base/buf.h"

/* Who has to act. */
enum advice_party { ADVICE_NOBODY, ADVICE_CLIENT, ADVICE_SERVER, ADVICE_POLICY, ADVICE_GATE };
const char *advice_party_name(enum advice_party p);     /* "the client", … */

struct advice {
    enum advice_party who;      /* failed, or decided */
    struct buf what;            /* happened: a sentence */
    struct buf change;          /* a line for each thing to do, empty: nothing; what begins with a
                                 * tab is to be copied as it is */
};
#define ADVICE_INIT                                                                                \
    {                                                                                              \
        .what = BUF_INIT(8192), .change = BUF_INIT(16384)                                          \
    }
void advice_deinit(struct advice *a);

/* gate_name: the gateway's own host name, where its page is. */
void advice_of(struct advice *a, const json_t *attempt, const char *gate_name);

/* "unknown CA": an alert's words (RFC 8446 section 6); "alert 200" for one without. */
const char *advice_alert(int alert, char text[32]);

#endif
