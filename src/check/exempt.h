/*
 * `midwatch exempt`: the exception IT needs, in the language of their gateway.
 */
#ifndef CHECK_EXEMPT_H
#define CHECK_EXEMPT_H

int exempt_command(int argc, char **argv);

#endif
