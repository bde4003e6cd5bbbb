/*
 * What each of the gate's processes finds when it starts: descriptors at fixed numbers, and its
 * bundle.  The parent executes its own binary again (`midwatch gate --role worker …`), so that
 * no process inherits another's memory.
 */
#ifndef GATE_WIRE_PROCESS_H
#define GATE_WIRE_PROCESS_H

#include "base/compiler.h"

enum {
    PROCESS_FD_BUNDLE = 3,      /* memfd: gate_bundle_encode()'s bytes */
    PROCESS_FD_PARENT = 4,      /* channel to the parent */
    PROCESS_FD_FIRST = 5,
    /* worker: 5 forge, 6 scribe, 7 counters, 8… one listening socket for each of the config's
     *         listeners, in order
     * forge:  5… one channel for each worker
     * scribe: 5… for each worker: channel, counters; after an upgrade also for the old gate's
     *         workers, whose channels end one day */
    PROCESS_MAX_WORKERS = 128,  /* during an upgrade: the old gate's and the new one's */
};

/* Each: argv[0] is "gate"; what the parent passed follows `--role NAME`.
 * `--index I`: worker number; `--workers N`; `--listeners L`.  The exit status. */
int worker_main(int argc, char **argv);
int forge_main(int argc, char **argv);
int scribe_main(int argc, char **argv);

struct process_args {
    unsigned index, workers, listeners;
};
/* Says to the parent that this process is up: behind its walls and at work. */
struct channel;
void process_hello(struct channel *parent);

/* -EINVAL with a line on standard error. */
MW_MUST_CHECK int process_args_read(struct process_args *out, int argc, char **argv);

#endif
