/*
 * The part of local.h that differs between systems: twin files, one of which the build takes.
 */
#ifndef PROBE_LOCAL_SYSTEM_H
#define PROBE_LOCAL_SYSTEM_H

#include <midwatch/trust.h>

#include "net/addr.h"

enum { LOCAL_PROGRAM_TEXT = 64 };

/* The name of the program that listens on this address of ours, as far as we may know it.
 * MW_SEEN_YES: `program` is set; MW_SEEN_NO: nobody listens there; MW_COULD_NOT_LOOK. */
enum mw_seen local_listener_find(const struct addr *at, char program[LOCAL_PROGRAM_TEXT]);

#endif
