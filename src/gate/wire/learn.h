/*
 * Evidence for the pin learner and consents, between workers and the scribe.
 */
#ifndef GATE_WIRE_LEARN_H
#define GATE_WIRE_LEARN_H

#include "base/arena.h"
#include "gate/policy/decide.h"

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

void consent_write(struct buf *out, const struct gate_consent *c);
MW_MUST_CHECK int consent_read(struct gate_consent *c, struct mw_span message,
                               struct arena *arena);
void consents_write(struct buf *out, const struct gate_consent *items, size_t n);
MW_MUST_CHECK int consents_read(struct gate_consent **items, size_t *n, struct mw_span message,
                                struct arena *arena);

#endif
