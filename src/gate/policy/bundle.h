/*
 * What a configuration is made of: texts and files, in the order in which they are read.
 */
#ifndef GATE_POLICY_BUNDLE_H
#define GATE_POLICY_BUNDLE_H

#include "base/arena.h"
#include "gate/policy/config.h"

enum bundle_kind {
    BUNDLE_SYSTEM,              /* settings that this system suggests */
    BUNDLE_FILE,                /* the config file */
    BUNDLE_EXTRA,               /* from the command line */
    BUNDLE_BYTES,               /* a file that one of these names */
};

struct bundle_part {
    enum bundle_kind kind;
    const char *name;
    struct mw_span bytes;
};

enum { BUNDLE_MAX_PARTS = 1024, BUNDLE_MAX_BYTES = 64 << 20, BUNDLE_MAX_TEXT = 4 << 20,
       BUNDLE_MAX_FILE = 16 << 20 };

struct gate_bundle {
    struct arena arena;
    struct bundle_part *parts;
    size_t n, room;
};

#endif
