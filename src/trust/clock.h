/*
 * Is this computer's clock right, and would the true time change what is said of the chain?
 *
 * The clock is blamed only for what it did: a chain whose sole fault is time is judged once
 * more at the true time, and only if it passes there is the clock at fault.  The converse is
 * looked at too: a certificate that passes only because the clock is wrong.
 * Evidence: readings of other clocks (trust/reckon.h), and lower bounds that need no network:
 *         the program's build time, verified SCTs, authentic CRLs and OCSP responses.
 */
#ifndef TRUST_CLOCK_H
#define TRUST_CLOCK_H

#include "trust/judge.h"

/* The time to judge ages by: this computer's, corrected by what the clock stage found. */
struct mw_wall clock_true_now(const struct judge *j);

/* The two ends of what the time may be.  Unsigned time may come from anybody on the way, so it
 * can take trust away and never give it: what trust is granted until lapses by the latest, what
 * guards it until then (a pin) by the earliest.  Signed time leaves nothing between them. */
struct mw_wall clock_earliest(const struct judge *j);
struct mw_wall clock_latest(const struct judge *j);

#endif
