#include "gate/walls/calls.h"

const struct calls_build *calls_build(void)
{
    static const struct calls_build build = { 0 };

    return &build;
}
