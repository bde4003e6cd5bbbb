/*
 * "Trust anyway", remembered: for one host and port, one key and exactly what was accepted.
 *
 * A decision never changes what is true: the outcome stays what it is, and unattended programs
 * never see it.  It only spares a person the same question.
 *
 * What needs accepting: every finding that is an error, and every warning that somebody is in
 * the middle.  A finding about chain[N] with N > 0 is its own finding: "expired" accepted for
 * the leaf says nothing of an intermediate.
 */
#ifndef TRUST_DECISION_H
#define TRUST_DECISION_H

#include <midwatch/trust.h>

#include "base/buf.h"

enum {
    DECISION_MAX = 4096,
    DECISION_DEFAULT_S = 7 * 86400,
};

/* Nobody may accept these: the certificate was withdrawn, everybody has the key, or somebody
 * said in advance that only other keys are right. */
bool decision_refused(enum mw_code code);

/* Does this finding have to be accepted before a person goes on? */
bool decision_needed(const struct mw_finding *f);

/* "code", or "code@N" for a finding about chain[N] with N > 0. */
void decision_item(const struct mw_finding *f, struct buf *out);

/* For a log: one line, safe to print. */
void decision_format(const struct mw_decision *d, struct buf *out);

#endif
