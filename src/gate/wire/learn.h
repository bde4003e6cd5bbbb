/*
 * Evidence for the pin learner and consents, between workers and the scribe.
 * Text is printable ASCII without spaces; anything else, and what is longer than the bounds
 * below, makes a writer's buf fail (-EMSGSIZE) and a reader answer -EINVAL.  Readers copy into
 * `arena`; an empty string is read back as "", or as NULL where NULL means "any".  -ENOMEM: the
 * arena is full.
 */
#ifndef GATE_WIRE_LEARN_H
#define GATE_WIRE_LEARN_H

#include "base/arena.h"
#include "gate/policy/decide.h"

enum {
    LEARN_MAX_ID = 32, LEARN_MAX_HOST = 255, LEARN_MAX_JA4 = 64, LEARN_MAX_CLIENT = 71,
    LEARN_MAX_KEY = 64, LEARN_MAX_FINDINGS = 1024,
    LEARN_MAX_LEARNED = 360,    /* the longest still fit into CHANNEL_MAX_MESSAGE */
    LEARN_MAX_CONSENTS = 1000,  /* and no more bytes than LEARN_CONSENTS_BYTES */
    LEARN_CONSENTS_BYTES = 150 * 1024,
};
enum { LEARN_TOLD_S = 600 };            /* the same LEARN_USED is told at most once in so long */
#define LEARN_LATEST_S INT64_C(253402300799)    /* the end of the year 9999 */

/* How a client's handshake with a forged leaf ended. */
enum learn_sign {
    LEARN_USED,                 /* application data came: this client takes our CA */
    LEARN_ALERT_CERTIFICATE,    /* bad_certificate 42, certificate_unknown 46, unknown_ca 48, … */
    LEARN_ALERT_OTHER,
    LEARN_CLOSED_AFTER_CERT,    /* FIN after our certificate, no alert */
    LEARN_RESET_AFTER_CERT,
    LEARN_CLOSED_UNUSED,        /* the handshake finished, then closed without a byte: pins
                                 * checked by the app itself */
    LEARN_TIMED_OUT,
    LEARN_BYPASS_WORKED,        /* a probe of a learned exception: see learner.h */
    LEARN_SIGNS,
};

struct learn_evidence {
    enum learn_sign sign;
    uint8_t alert;
    const char *client;         /* address, text */
    const char *ja4, *host;
    uint16_t port;
    bool untrusted_leaf;        /* the leaf was under the untrusted CA: proves nothing */
    struct mw_wall at;
};
void learn_write(struct buf *out, const struct learn_evidence *e);
MW_MUST_CHECK int learn_read(struct learn_evidence *e, struct mw_span message,
                             struct arena *arena);

void learned_write(struct buf *out, const struct gate_learned *items, size_t n);
MW_MUST_CHECK int learned_read(struct gate_learned **items, size_t *n, struct mw_span message,
                               struct arena *arena);

/* What one takes in a GATE_CONSENTS message. */
size_t consent_bytes(const struct gate_consent *c);

void consent_write(struct buf *out, const struct gate_consent *c);
MW_MUST_CHECK int consent_read(struct gate_consent *c, struct mw_span message,
                               struct arena *arena);
void consents_write(struct buf *out, const struct gate_consent *items, size_t n);
MW_MUST_CHECK int consents_read(struct gate_consent **items, size_t *n, struct mw_span message,
                                struct arena *arena);

#endif
