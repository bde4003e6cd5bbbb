/*
 * Systems that have no common way to ask who listens on a port.
 */
#include "probe/local_system.h"

enum mw_seen local_listener_find(const struct addr *at, char program[LOCAL_PROGRAM_TEXT])
{
    (void)at;
    program[0] = '\0';
    return MW_COULD_NOT_LOOK;
}
