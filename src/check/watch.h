/*
 * `midwatch watch`: checks again and again, and speaks only when something changed.
 */
#ifndef CHECK_WATCH_H
#define CHECK_WATCH_H

int watch_command(int argc, char **argv);

#endif
