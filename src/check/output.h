/*
 * Where results go: the terminal, JSON lines, the HTML page, JUnit, and the questions to ask.
 * Life:   output_init() -> output_on_result()* -> output_end() -> output_deinit()
 */
#ifndef CHECK_OUTPUT_H
#define CHECK_OUTPUT_H

#include "base/layout.h"
#include "check/ask.h"
#include "check/html.h"
#include "check/junit.h"
#include "check/progress.h"
#include "check/run.h"

struct output {
    const struct check_options *options;
    struct layout layout;       /* writes to `text` */
    struct buf text;            /* printed and emptied after every result */
    struct buf details;         /* reports of a run over many hosts, printed at its end */
    struct buf html;
    struct junit junit;
    struct progress progress;
    struct ask ask;
    size_t done, odd;           /* odd: not private */
    size_t counts[MW_UNREACHABLE + 1];  /* by outcome */
    bool table;                 /* many hosts: a line each, then details */
    bool details_cut;
    int exit;                   /* the worst so far */
    int error;                  /* < 0: the first failure of ours */
};

void output_init(struct output *out, const struct check_options *o);
void output_deinit(struct output *out);

/* A run_result_fn; context is the output. */
void output_on_result(void *context, const struct run_result *r);

/* Prints what was kept for the end and writes the files.  0; < 0 -errno; > 0 with a line. */
MW_MUST_CHECK int output_end(struct output *out, const struct run_end *end, struct buf *error);

#endif
