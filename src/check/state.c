#include "check/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/own.h"

static const char state_file[] = "state.db";

static const char *const migrations[] = {
    "CREATE TABLE decision("
    " host TEXT NOT NULL, port INTEGER NOT NULL, key TEXT NOT NULL, key_is_ca INTEGER NOT NULL,"
    " findings TEXT NOT NULL, made INTEGER NOT NULL, until INTEGER NOT NULL, reason TEXT,"
    " PRIMARY KEY(host, port, key)) STRICT;"
    "CREATE TABLE pin("
    " host TEXT NOT NULL, spki TEXT NOT NULL, tree INTEGER NOT NULL, backup INTEGER NOT NULL,"
    " until INTEGER NOT NULL, PRIMARY KEY(host, spki)) STRICT;"
    "CREATE TABLE watched("
    " host TEXT NOT NULL, port INTEGER NOT NULL, at INTEGER NOT NULL, summary TEXT NOT NULL,"
    " PRIMARY KEY(host, port)) STRICT;"
    "CREATE TABLE event("
    " id INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL,"
    " detail TEXT NOT NULL) STRICT;",
};

char *state_folder(const char *option)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(4096);
    const char *own = getenv("MIDWATCH_STATE");
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (option != NULL)
        buf_str(&path, option);
    else if (own != NULL && own[0] != '\0')
        buf_str(&path, own);
    else if (xdg != NULL && xdg[0] == '/')      /* relative ones are to be ignored, says XDG */
        buf_printf(&path, "%s/midwatch", xdg);
    else if (home != NULL && home[0] != '\0')
        buf_printf(&path, "%s/.local/state/midwatch", home);
    else
        return NULL;
    return buf_steal(&path);
}

int state_open(struct store **out, const char *folder, char *error)
{
    return store_open(out, folder, state_file, migrations, ARRAY_LEN(migrations), error);
}

int state_open_existing(struct store **out, const char *folder, char *error)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(4096);
    struct stat st;

    *out = NULL;
    buf_printf(&path, "%s/%s", folder, state_file);
    if (buf_error(&path) != 0) {
        snprintf(error, 256, "the name of the state folder is too long");
        return buf_error(&path);
    }
    if (stat((const char *)path.data, &st) < 0 && errno == ENOENT)
        return 0;
    return state_open(out, folder, error);
}

void state_subject(char out[300], const char *host, uint16_t port)
{
    snprintf(out, 300, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}

static int event_add(struct store *s, const struct state_event *event)
{
    char when[24];
    const char *const values[] = { when, event->what, event->subject, event->detail };

    snprintf(when, sizeof(when), "%" PRId64, event->at.s);
    return store_run(s, "INSERT INTO event(at, what, subject, detail) VALUES(?, ?, ?, ?)",
                     values, ARRAY_LEN(values));
}

/* Rows changed by the statement that ran last. */
static int rows_changed(struct store *s, size_t *out)
{
    sqlite3_stmt *row = store_prepare(s, "SELECT changes()");
    int step;

    if (row == NULL)
        return SQLITE_ERROR;
    step = sqlite3_step(row);
    if (step == SQLITE_ROW)
        *out = (size_t)sqlite3_column_int64(row, 0);
    sqlite3_reset(row);
    return step == SQLITE_ROW ? 0 : step;
}

static int sql_run(struct store *s, const struct state_sql *sql)
{
    return store_run(s, sql->text, sql->values, sql->n_values);
}

int state_change(struct store *s, const struct state_sql *change, const struct state_event *event)
{
    int end, r = store_begin(s);

    if (r != 0)
        return r;
    r = sql_run(s, change);
    if (r == 0 && event != NULL)
        r = event_add(s, event);
    end = store_end(s, r == 0);
    return r != 0 ? r : end;
}

int state_remove(struct store *s, const struct state_sql *log, const struct state_sql *removal,
                 size_t *n_removed)
{
    int end, r = store_begin(s);

    *n_removed = 0;
    if (r != 0)
        return r;
    r = sql_run(s, log);
    if (r == 0)
        r = sql_run(s, removal);
    if (r == 0)
        r = rows_changed(s, n_removed);
    end = store_end(s, r == 0);
    return r != 0 ? r : end;
}

int state_events(struct store *s, state_event_fn *each, void *context)
{
    sqlite3_stmt *rows =
        store_prepare(s, "SELECT at, what, subject, detail FROM event ORDER BY id");
    int step, r = 0;

    if (rows == NULL)
        return SQLITE_ERROR;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW && r == 0)
        r = each(context, (struct mw_wall){ sqlite3_column_int64(rows, 0) },
                 (const char *)sqlite3_column_text(rows, 1),
                 (const char *)sqlite3_column_text(rows, 2),
                 (const char *)sqlite3_column_text(rows, 3));
    if (r == 0 && step != SQLITE_DONE)
        r = step;
    sqlite3_reset(rows);
    return r;
}
