/*
 * `midwatch gate selftest`: does a gate keep what a gate should promise?  A lab and a gate in
 * front of it, in a temporary folder on loopback, and fifty points that are tried on it with
 * clients and servers of its own (docs/conformance-gate.md).
 */
#ifndef GATE_SELFTEST_SELFTEST_H
#define GATE_SELFTEST_SELFTEST_H

/* argv[0] is "selftest".  The exit status: 0 all passed or argued, 1 a point failed, 2 it could
 * not be tried. */
int selftest_command(int argc, char **argv);

#endif
