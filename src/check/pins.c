#include "check/pins.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "check/state.h"

int pins_each(struct store *s, pin_each_fn *each, void *context)
{
    sqlite3_stmt *rows = store_prepare(
        s, "SELECT host, spki, tree, backup, until FROM pin ORDER BY host, backup, spki");
    int step, r = 0;

    if (rows == NULL)
        return SQLITE_ERROR;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct mw_pin pin = {
            .host = (const char *)sqlite3_column_text(rows, 0),
            .spki = (const char *)sqlite3_column_text(rows, 1),
            .tree = sqlite3_column_int(rows, 2) != 0,
            .backup = sqlite3_column_int(rows, 3) != 0,
            .until = { sqlite3_column_int64(rows, 4) },
        };

        r = each(context, &pin);
        if (r != 0)
            break;
    }
    if (r == 0 && step != SQLITE_DONE)
        r = step;
    sqlite3_reset(rows);
    return r;
}

static int load_one(void *policy, const struct mw_pin *pin)
{
    return mw_policy_add_pin(policy, pin);
}

int pins_load(struct store *s, struct mw_policy *p)
{
    return pins_each(s, load_one, p);
}

int pins_save(struct store *s, struct mw_wall now, const struct mw_pin *pin)
{
    CLEANUP(buf_deinit) struct buf detail = BUF_INIT(1024);
    struct state_event event = { .at = now, .what = "pin", .subject = pin->host };
    char until[24];
    const char *const values[] = {
        pin->host, pin->spki, pin->tree ? "1" : "0", pin->backup ? "1" : "0", until,
    };
    const struct state_sql row = {
        "INSERT OR REPLACE INTO pin(host, spki, tree, backup, until) VALUES(?, ?, ?, ?, ?)",
        values, ARRAY_LEN(values),
    };

    snprintf(until, sizeof(until), "%" PRId64, pin->until.s);
    buf_printf(&detail, "%s%s%s", pin->spki, pin->backup ? " backup" : "",
               pin->tree ? " tree" : "");
    if (pin->until.s != 0) {
        buf_str(&detail, " until ");
        wall_format(&detail, pin->until);
    }
    if (buf_error(&detail) != 0)
        return buf_error(&detail);
    event.detail = (const char *)detail.data;
    return state_change(s, &row, &event);
}

int pins_remove(struct store *s, struct mw_wall now, const char *host, const char *spki,
                size_t *n_removed)
{
    char when[24];
    const char *const values[] = { host, spki, when };
    const struct state_sql log = {
        "INSERT INTO event(at, what, subject, detail)"
        " SELECT ?3, 'pin-remove', host, spki FROM pin"
        " WHERE host = ?1 AND (?2 IS NULL OR spki = ?2)",
        values, 3,
    };
    const struct state_sql removal = {
        "DELETE FROM pin WHERE host = ?1 AND (?2 IS NULL OR spki = ?2)", values, 2,
    };

    snprintf(when, sizeof(when), "%" PRId64, now.s);
    return state_remove(s, &log, &removal, n_removed);
}
