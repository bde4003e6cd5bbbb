/*
 * What is odd about a configuration that is right: rules that never fit, exceptions that are
 * wide, doors that are open.
 */
#ifndef GATE_POLICY_LINT_H
#define GATE_POLICY_LINT_H

#include "gate/policy/config.h"

/* One line for each, with a place where there is one, each ended by "\n".  Returns how many. */
size_t gate_config_lint(const struct gate_config *c, struct mw_wall now, struct buf *out);

#endif
