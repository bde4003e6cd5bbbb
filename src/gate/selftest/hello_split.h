/*
 * Point 48: ClientHellos however they come.
 */
#ifndef GATE_SELFTEST_HELLO_SPLIT_H
#define GATE_SELFTEST_HELLO_SPLIT_H

#include "gate/selftest/points.h"

void hello_split(struct trial *t);

#endif
