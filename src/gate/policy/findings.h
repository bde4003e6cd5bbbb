/*
 * `on { ... }`: what is done about an origin's findings, and what is done if nobody says.
 */
#ifndef GATE_POLICY_FINDINGS_H
#define GATE_POLICY_FINDINGS_H

#include "gate/policy/rule.h"

extern const char *const gate_on_words[];       /* "refuse", … by enum gate_on_finding, NULL */

/* Keys are codes ("expired") and groups ("clock": all of its codes); a code goes before a group,
 * in whichever order they stand.  Adds to *on. */
MW_MUST_CHECK int findings_read(struct on_findings *on, const struct ucl *node, struct buf *error);

/* A list of codes and groups. */
MW_MUST_CHECK int findings_mark(bool marks[MW_CODES], const struct ucl *node, struct arena *arena,
                                struct buf *error);

void findings_none(struct on_findings *on);

/* What is done when the judge gives this code this severity and nobody said otherwise. */
enum gate_on_finding findings_default(enum mw_code code, enum mw_severity severity);

/* Revoked, everybody has its key, pins not met: no setting may let these pass. */
bool findings_always_refused(enum mw_code code);

#endif
