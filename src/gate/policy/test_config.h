/*
 * `midwatch gate test-config`: is this configuration right, what does it say, what would it do?
 */
#ifndef GATE_POLICY_TEST_CONFIG_H
#define GATE_POLICY_TEST_CONFIG_H

#include "base/buf.h"

/* argv[0] is "test-config".  0: right; 2: not. */
int test_config_command(int argc, char **argv);

/* "FILE:LINE:COLUMN: message", and below it the line with a mark under the column.  text: of
 * FILE, to be cut out of. */
void error_show(struct buf *out, const char *error, struct mw_span text);

#endif
