/*
 * Findings: collecting them and putting them in the order a report tells them.
 * Memory: items and texts live in the judgement's arena.
 * See also judge_add() and finding_add() in trust/judge.h.
 */
#ifndef TRUST_FINDING_H
#define TRUST_FINDING_H

#include "trust/judge.h"

/* Appends all of `more`, as they are. */
MW_MUST_CHECK int finding_append(struct judge *j, struct finding_list *list,
                                 const struct finding_list *more);

/* Errors first, then what weighs more: severity, the code's own rank, certainty.  Findings
 * that are alike in all three stay in the order they were made. */
void finding_sort(struct finding_list *list);

/* What was written to a buffer, as text.  "" when memory ran out, which the judgement
 * remembers, or when nothing was written. */
const char *judge_text(struct judge *j, const struct buf *b);

bool finding_has(const struct finding_list *list, enum mw_code code);
unsigned finding_count(const struct finding_list *list, enum mw_severity severity);

#endif
