#include "check/watched.h"

#include <inttypes.h>
#include <stdio.h>

#include "check/state.h"

int watched_load(struct store *s, const char *host, uint16_t port, struct watch_summary *out,
                 bool *known)
{
    sqlite3_stmt *row =
        store_prepare(s, "SELECT summary FROM watched WHERE host = ?1 AND port = ?2");
    int step;

    *known = false;
    if (row == NULL)
        return SQLITE_ERROR;
    sqlite3_bind_text(row, 1, host, -1, SQLITE_STATIC);
    sqlite3_bind_int(row, 2, port);
    step = sqlite3_step(row);
    if (step == SQLITE_ROW)
        *known = watch_summary_parse(
                     out, span_str((const char *)sqlite3_column_text(row, 0))) == 0;
    sqlite3_reset(row);
    sqlite3_clear_bindings(row);
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : step;
}

int watched_save(struct store *s, struct mw_wall at, const char *host, uint16_t port,
                 const struct watch_summary *now, const char *changes)
{
    CLEANUP(buf_deinit) struct buf summary = BUF_INIT(SUMMARY_BYTES);
    char port_text[8], when[24], subject[300];
    const char *values[] = { host, port_text, when, NULL };
    const struct state_sql row = {
        "INSERT OR REPLACE INTO watched(host, port, at, summary) VALUES(?, ?, ?, ?)",
        values, ARRAY_LEN(values),
    };
    const struct state_event event = {
        .at = at, .what = "watch", .subject = subject, .detail = changes,
    };

    watch_summary_format(&summary, now);
    if (buf_error(&summary) != 0)
        return buf_error(&summary);
    values[3] = (const char *)summary.data;
    snprintf(port_text, sizeof(port_text), "%u", port);
    snprintf(when, sizeof(when), "%" PRId64, at.s);
    state_subject(subject, host, port);
    return state_change(s, &row, changes[0] != '\0' ? &event : NULL);
}
