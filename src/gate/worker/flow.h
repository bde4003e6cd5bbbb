/*
 * Bytes of a bypass on their way through a pipe, one direction.
 */
#ifndef GATE_WORKER_FLOW_H
#define GATE_WORKER_FLOW_H

#include "gate/worker/session.h"

struct flow {
    struct pipe_pair pipe;
    bool has_pipe, fin_in, fin_out;
    size_t held;
    uint64_t total;
};

#endif
