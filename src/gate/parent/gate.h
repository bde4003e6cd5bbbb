/*
 * `midwatch gate`: the parent process and the commands around it.
 */
#ifndef GATE_PARENT_GATE_H
#define GATE_PARENT_GATE_H

/* argv[0] is "gate".  The exit status. */
int gate_command(int argc, char **argv);

#endif
