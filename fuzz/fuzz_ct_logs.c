/* A list of logs: refused with a reason, or each of its logs can be found by its id. */
#include <stdlib.h>

#include "fuzz.h"
#include "trust/ct_logs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(400);
    struct ct_logs *logs = NULL;
    int r = ct_logs_parse(&logs, span_of(data, len), &error);

    if (r > 0 && error.len == 0)
        abort();
    for (size_t i = 0; r == 0 && i < logs->n; i++)
        if (ct_logs_find(logs, span_of(logs->logs[i].id, 32)) == NULL ||
            ct_log_operator(&logs->logs[i], logs->dated) == NULL)
            abort();
    ct_logs_free(logs);
    return 0;
}
