#include "gate/wire/process.h"

#include <errno.h>

#include "base/log.h"
#include "base/text.h"
#include "gate/wire/channel.h"
#include "gate/wire/control.h"

enum { MAX_LISTENERS = 1024 };

static int number(unsigned *out, const char *option, const char *text, unsigned min, unsigned max)
{
    int64_t n;

    if (text == NULL) {
        log_error("gate: %s needs a number after it", option);
        return -EINVAL;
    }
    if (text_number(span_str(text), min, max, &n) < 0) {
        log_error("gate: %s %s: not a number from %u to %u", option, text, min, max);
        return -EINVAL;
    }
    *out = (unsigned)n;
    return 0;
}

int process_args_read(struct process_args *out, int argc, char **argv)
{
    struct process_args a = { .workers = 1 };

    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        int r = 0;

        if (strcmp(argv[i], "--index") == 0)
            r = number(&a.index, argv[i], value, 0, PROCESS_MAX_WORKERS - 1);
        else if (strcmp(argv[i], "--workers") == 0)
            r = number(&a.workers, argv[i], value, 1, PROCESS_MAX_WORKERS);
        else if (strcmp(argv[i], "--listeners") == 0)
            r = number(&a.listeners, argv[i], value, 0, MAX_LISTENERS);
        else if (strcmp(argv[i], "--role") != 0 || value == NULL)
            r = -ENOENT;
        if (r == -ENOENT)
            log_error("gate: %s is no option of a process that the gate starts", argv[i]);
        if (r < 0)
            return -EINVAL;
    }
    if (a.index >= a.workers) {
        log_error("gate: --index %u of --workers %u: they count from 0", a.index, a.workers);
        return -EINVAL;
    }
    *out = a;
    return 0;
}

/* The answer to a question that nobody asked: number 0. */
void process_hello(struct channel *parent)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(64);

    control_write(&message, GATE_QUERY_ANSWER, 0, SPAN_LIT("{\"hello\":true}"));
    if (buf_error(&message) != 0 || channel_send(parent, buf_span(&message)) < 0)
        log_error("gate: the parent does not hear that this process is up");
}
