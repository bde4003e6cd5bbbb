/*
 * `midwatch check`: who can read this connection, and why does an app warn?
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

int check_command(int argc, char **argv);

#endif
