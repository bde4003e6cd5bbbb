/*
 * `midwatch explain CODE`: what a finding means, and what to do about it.
 */
#ifndef CHECK_EXPLAIN_H
#define CHECK_EXPLAIN_H

int explain_command(int argc, char **argv);

#endif
