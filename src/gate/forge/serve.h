/*
 * The forge at work: answers each worker over its own channel.
 * Life:   serve_new() -> the loop runs -> serve_free()
 */
#ifndef GATE_FORGE_SERVE_H
#define GATE_FORGE_SERVE_H

#include <uv.h>

#include "gate/forge/answer.h"
#include "gate/wire/process.h"

struct serve;

struct serve_setup {
    const struct ca *ca;                /* borrowed; NULL: none that can be used */
    int64_t leaf_s, rate_per_minute;
    const int *workers;                 /* descriptors; owned from success on */
    size_t n_workers;                   /* at most PROCESS_MAX_WORKERS */
};

MW_MUST_CHECK int serve_new(struct serve **out, uv_loop_t *loop, const struct serve_setup *setup);
void serve_free(struct serve *s);       /* NULL ok */

/* New settings, for the asks to come. */
void serve_set(struct serve *s, int64_t leaf_s, int64_t rate_per_minute);

#endif
