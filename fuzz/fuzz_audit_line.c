/* A file of the audit log as verify and show read it: whatever stands in a line, it is judged, and
 * a line that is whole is not also torn. */
#include <stdlib.h>

#include "base/reader.h"
#include "fuzz.h"
#include "gate/scribe/command.h"
#include "gate/scribe/line.h"
#include "gate/scribe/seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct log_filter all = { .notes = true };
    struct mw_span rest = span_of(data, len), line;

    while (span_line(&rest, &line)) {
        CLEANUP(buf_deinit) struct buf shown = BUF_INIT(64 * 1024);
        struct line_link link;

        if (line_read(&link, line) == 0 && line_is_torn(line))
            abort();
        seen_id_read(line_record(line));
        if (log_line_show(&shown, line, &all) && shown.data == NULL)
            abort();
        for (size_t i = 0; i + 1 < shown.len; i++) /* for a terminal */
            if (shown.data[i] < 0x20)
                abort();
    }
    return 0;
}
