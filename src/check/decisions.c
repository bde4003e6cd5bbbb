#include "check/decisions.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "check/state.h"

static struct mw_decision decision_of_row(sqlite3_stmt *row)
{
    return (struct mw_decision){
        .host = (const char *)sqlite3_column_text(row, 0),
        .port = (uint16_t)sqlite3_column_int(row, 1),
        .key = (const char *)sqlite3_column_text(row, 2),
        .key_is_ca = sqlite3_column_int(row, 3) != 0,
        .findings = (const char *)sqlite3_column_text(row, 4),
        .made = { sqlite3_column_int64(row, 5) },
        .until = { sqlite3_column_int64(row, 6) },
        .reason = (const char *)sqlite3_column_text(row, 7),
    };
}

int decisions_each(struct store *s, decision_each_fn *each, void *context)
{
    sqlite3_stmt *rows = store_prepare(
        s, "SELECT host, port, key, key_is_ca, findings, made, until, reason FROM decision"
           " ORDER BY host, port, made");
    int step, r = 0;

    if (rows == NULL)
        return SQLITE_ERROR;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct mw_decision d = decision_of_row(rows);

        r = each(context, &d);
        if (r != 0)
            break;
    }
    if (r == 0 && step != SQLITE_DONE)
        r = step;
    sqlite3_reset(rows);
    return r;
}

struct load {
    struct mw_policy *policy;
    struct mw_wall now;
};

static int load_one(void *context, const struct mw_decision *d)
{
    const struct load *load = context;

    if (wall_diff_s(d->until, load->now) > DECISION_KEEP_EXPIRED_S)
        return 0;
    return mw_policy_add_decision(load->policy, d);
}

int decisions_load(struct store *s, struct mw_wall now, struct mw_policy *p)
{
    struct load load = { p, now };

    return decisions_each(s, load_one, &load);
}

/* The row, with its line in the log. */
static int save_row(struct store *s, const struct mw_decision *d, const struct state_event *event)
{
    char port[8], made[24], until[24];
    const char *const values[] = {
        d->host, port, d->key, d->key_is_ca ? "1" : "0", d->findings, made, until, d->reason,
    };
    const struct state_sql row = {
        "INSERT OR REPLACE INTO decision"
        "(host, port, key, key_is_ca, findings, made, until, reason)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        values, ARRAY_LEN(values),
    };

    snprintf(port, sizeof(port), "%u", d->port);
    snprintf(made, sizeof(made), "%" PRId64, d->made.s);
    snprintf(until, sizeof(until), "%" PRId64, d->until.s);
    return state_change(s, &row, event);
}

int decisions_save(struct store *s, const struct mw_decision *d)
{
    CLEANUP(buf_deinit) struct buf detail = BUF_INIT(8192);
    char subject[300];
    struct state_event event = { .at = d->made, .what = "trust", .subject = subject };

    state_subject(subject, d->host, d->port);
    buf_printf(&detail, "accepted %s for %s %s until ", d->findings,
               d->key_is_ca ? "CA key" : "key", d->key);
    wall_format(&detail, d->until);
    if (d->reason != NULL && d->reason[0] != '\0')
        buf_printf(&detail, ", because: %s", d->reason);
    if (buf_error(&detail) != 0)
        return buf_error(&detail);
    event.detail = (const char *)detail.data;
    return save_row(s, d, &event);
}

int decisions_remove(struct store *s, struct mw_wall now, const char *host, uint16_t port,
                     size_t *n_removed)
{
    char port_text[8], when[24];
    const char *const values[] = { host, port_text, when };
    const struct state_sql log = {
        "INSERT INTO event(at, what, subject, detail)"
        " SELECT ?3, 'trust-remove',"
        " iif(instr(host, ':'), '[' || host || ']', host) || ':' || port, 'was: ' || findings"
        " FROM decision WHERE host = ?1 AND (?2 = '0' OR port = ?2)",
        values, 3,
    };
    const struct state_sql removal = {
        "DELETE FROM decision WHERE host = ?1 AND (?2 = '0' OR port = ?2)", values, 2,
    };

    snprintf(port_text, sizeof(port_text), "%u", port);
    snprintf(when, sizeof(when), "%" PRId64, now.s);
    return state_remove(s, &log, &removal, n_removed);
}
