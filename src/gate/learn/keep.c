/*
 * The learner's state in the store: exceptions and consents at once, evidence every few seconds.
 * What is read back is checked like a message: the file may have been written by anybody who
 * could, or half-restored from a backup.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "gate/learn/inside.h"

enum { MAX_EVENTS = 20000, MAX_SUCCESSES = 4096, SAVED_S = 3600, TEXT = 512 };

static const char *const migrations[] = {
    "CREATE TABLE exception("
    " number INTEGER PRIMARY KEY, ja4 TEXT NOT NULL, host TEXT NOT NULL, client TEXT NOT NULL,"
    " reason TEXT NOT NULL, state TEXT NOT NULL, accepted INTEGER NOT NULL,"
    " made INTEGER NOT NULL, until INTEGER NOT NULL, trial INTEGER NOT NULL,"
    " alerts TEXT NOT NULL, silent INTEGER NOT NULL, clients TEXT NOT NULL,"
    " first_failure INTEGER NOT NULL, last_failure INTEGER NOT NULL, renewed INTEGER NOT NULL,"
    " uses INTEGER NOT NULL, last_use INTEGER NOT NULL, UNIQUE(ja4, host)) STRICT;"
    "CREATE TABLE event("
    " at INTEGER NOT NULL, sign INTEGER NOT NULL, alert INTEGER NOT NULL, client TEXT NOT NULL,"
    " ja4 TEXT NOT NULL, host TEXT NOT NULL) STRICT;"
    "CREATE INDEX event_at ON event(at);"
    "CREATE TABLE success("
    " client TEXT NOT NULL, ja4 TEXT NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY(client, ja4)) STRICT;"
    "CREATE TABLE consent("
    " number INTEGER PRIMARY KEY, client TEXT NOT NULL, host TEXT NOT NULL,"
    " port INTEGER NOT NULL, key TEXT NOT NULL, findings TEXT NOT NULL, made INTEGER NOT NULL,"
    " until INTEGER NOT NULL) STRICT;",
};

int learner_store_open(struct store **out, const char *folder, char *error)
{
    return store_open(out, folder, "learned.db", migrations, ARRAY_LEN(migrations), error);
}

/* ---- writing ---- */

struct number {
    char text[24];
};

static const char *number(struct number *n, int64_t v)
{
    snprintf(n->text, sizeof n->text, "%" PRId64, v);
    return n->text;
}

static int alerts_write(const struct exception *x, struct buf *out)
{
    for (size_t i = 0; i < EXCEPTION_ALERTS && x->alerts[i].n > 0; i++)
        buf_printf(out, "%u=%u ", (unsigned)x->alerts[i].alert, x->alerts[i].n);
    return buf_error(out);
}

static int clients_write(const struct exception *x, struct buf *out)
{
    for (size_t i = 0; i < EXCEPTION_CLIENTS && x->clients[i][0] != '\0'; i++)
        buf_printf(out, "%s ", x->clients[i]);
    return buf_error(out);
}

static const char *text_of(const struct buf *b)
{
    return b->data != NULL ? (const char *)b->data : "";
}

int keep_exception(struct learner *l, struct exception *x)
{
    CLEANUP(buf_deinit) struct buf alerts = BUF_INIT(TEXT), clients = BUF_INIT(TEXT);
    struct number n[11];
    int rc = alerts_write(x, &alerts);

    if (rc == 0)
        rc = clients_write(x, &clients);
    if (rc == 0)
        rc = store_run(l->store,
                       "INSERT OR REPLACE INTO exception VALUES"
                       " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       (const char *const[]){
                           number(&n[0], x->number), x->ja4, x->host, x->client,
                           reason_name(x->reason), exception_state_name(x->state),
                           x->accepted ? "1" : "0", number(&n[1], x->made.s),
                           number(&n[2], x->until.s), number(&n[3], x->trial.s),
                           text_of(&alerts), number(&n[4], x->silent), text_of(&clients),
                           number(&n[5], x->first_failure.s), number(&n[6], x->last_failure.s),
                           number(&n[7], x->renewed), number(&n[8], (int64_t)x->uses),
                           number(&n[9], x->last_use.s) },
                       18);
    x->dirty = rc != 0;
    return rc;
}

int keep_exception_gone(struct learner *l, const struct exception *x)
{
    struct number n;

    return store_run(l->store, "DELETE FROM exception WHERE number = ?",
                     (const char *const[]){ number(&n, x->number) }, 1);
}

void keep_sign(struct learner *l, const struct learn_evidence *e)
{
    struct pending *p;

    /* A flood is not kept for a restart: what it would prove, it proves now. */
    if (l->n_pending == INSIDE_PENDING)
        return;
    p = &l->pending[l->n_pending++];
    *p = (struct pending){ .at = e->at, .sign = e->sign, .alert = e->alert };
    snprintf(p->client, sizeof p->client, "%s", e->client);
    snprintf(p->ja4, sizeof p->ja4, "%s", e->ja4);
    snprintf(p->host, sizeof p->host, "%s", e->host);
}

static int signs_flush(struct learner *l)
{
    struct number n[3];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < l->n_pending; i++) {
        const struct pending *p = &l->pending[i];

        rc = store_run(l->store, "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)",
                       (const char *const[]){ number(&n[0], p->at.s), number(&n[1], p->sign),
                                              number(&n[2], p->alert), p->client, p->ja4,
                                              p->host },
                       6);
    }
    return rc;
}

/* To the hour is enough for what is asked of them: within a day.  What was touched last stands
 * first. */
static int successes_flush(struct learner *l)
{
    struct number n;
    int rc = 0;

    for (struct recall_node *at = l->evidence.apps.newest; rc == 0 && at != NULL;
         at = at->older) {
        struct app *app = (struct app *)at;

        if (app->touched.s < l->flushed.s)
            break;
        if (app->last_used.s < app->saved.s + SAVED_S)
            continue;
        rc = store_run(l->store, "INSERT OR REPLACE INTO success VALUES (?, ?, ?)",
                       (const char *const[]){ app->client, strchr(at->name, '\n') + 1,
                                              number(&n, app->last_used.s) },
                       3);
        if (rc == 0)
            app->saved = app->last_used;
    }
    return rc;
}

static int old_drop(struct learner *l, struct mw_wall now)
{
    struct number n;
    int rc = store_run(l->store, "DELETE FROM event WHERE at <= CAST(? AS INTEGER)",
                       (const char *const[]){ number(&n, now.s - l->evidence.window_s) }, 1);

    if (rc == 0)
        rc = store_run(l->store,
                       "DELETE FROM event WHERE rowid <= (SELECT max(rowid) FROM event) - ?",
                       (const char *const[]){ number(&n, MAX_EVENTS) }, 1);
    if (rc != 0 || now.s - l->tidied.s < SAVED_S)
        return rc;
    l->tidied = now;
    rc = store_run(l->store, "DELETE FROM success WHERE at <= CAST(? AS INTEGER)",
                   (const char *const[]){ number(&n, now.s - EVIDENCE_DAY_S) }, 1);
    if (rc == 0)
        rc = store_run(l->store,
                       "DELETE FROM success WHERE rowid <= (SELECT max(rowid) FROM success) - ?",
                       (const char *const[]){ number(&n, MAX_SUCCESSES) }, 1);
    return rc;
}

static int exceptions_flush(struct learner *l)
{
    int rc = 0;

    if (l->rewrite) {
        rc = store_run(l->store, "DELETE FROM exception", NULL, 0);
        for (struct recall_node *n = l->exceptions.newest; n != NULL; n = n->older)
            exception_of(n)->dirty = true;
    }

    for (struct recall_node *n = l->exceptions.newest; rc == 0 && n != NULL; n = n->older)
        if (exception_of(n)->dirty)
            rc = keep_exception(l, exception_of(n));
    return rc;
}

int keep_flush(struct learner *l, struct mw_wall now)
{
    int rc = store_begin(l->store), ended;

    if (rc != 0)
        return rc;
    rc = signs_flush(l);
    if (rc == 0)
        rc = successes_flush(l);
    if (rc == 0)
        rc = exceptions_flush(l);
    if (rc == 0)
        rc = old_drop(l, now);
    ended = store_end(l->store, rc == 0);
    if (rc == 0)
        rc = ended;
    if (rc == 0) {
        l->n_pending = 0;
        l->rewrite = false;
        l->flushed = now;
    }
    l->tried = now;
    return rc;
}

int keep_consent(struct learner *l, const struct consent_item *c)
{
    struct number n[4];

    return store_run(l->store, "INSERT OR REPLACE INTO consent VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                     (const char *const[]){ number(&n[0], c->number), c->c.client, c->c.host,
                                            number(&n[1], c->c.port), c->c.key, c->c.findings,
                                            number(&n[2], c->made.s),
                                            number(&n[3], c->c.until.s) },
                     8);
}

int keep_consent_gone(struct learner *l, int64_t which)
{
    struct number n;

    return store_run(l->store, "DELETE FROM consent WHERE number = ?",
                     (const char *const[]){ number(&n, which) }, 1);
}

/* ---- reading ---- */

/* "" for what is too long or no plain text: such a row is passed over. */
static const char *words_column(sqlite3_stmt *st, int i, size_t most)
{
    const char *s = (const char *)sqlite3_column_text(st, i);

    if (s == NULL || strlen(s) > most)
        return "";
    for (const char *c = s; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            return "";
    return s;
}

static const char *column(sqlite3_stmt *st, int i, size_t most)
{
    const char *s = words_column(st, i, most);

    return strchr(s, ' ') == NULL ? s : "";
}

static void words_read(struct exception *x, const char *alerts, const char *clients)
{
    struct mw_span rest = span_str(alerts), word;
    size_t n = 0;

    while (n < EXCEPTION_ALERTS && span_field(&rest, ' ', &word)) {
        struct mw_span number = { NULL, 0 };
        int64_t alert, times;

        if (span_field(&word, '=', &number) && text_number(number, 0, 255, &alert) == 0 &&
            text_number(word, 1, 999999999, &times) == 0) {
            x->alerts[n].alert = (uint8_t)alert;
            x->alerts[n++].n = (unsigned)times;
        }
    }
    rest = span_str(clients);
    n = 0;
    while (n < EXCEPTION_CLIENTS && span_field(&rest, ' ', &word))
        if (word.len > 0 && word.len <= LEARN_MAX_CLIENT)
            snprintf(x->clients[n++], sizeof x->clients[0], "%.*s", (int)word.len,
                     (const char *)word.data);
}

static struct mw_wall time_column(sqlite3_stmt *st, int i)
{
    int64_t s = sqlite3_column_int64(st, i);

    return (struct mw_wall){ s >= 0 && s <= LEARN_LATEST_S ? s : 0 };
}

static int exception_read(struct learner *l, sqlite3_stmt *st)
{
    const char *ja4 = column(st, 1, LEARN_MAX_JA4), *host = column(st, 2, LEARN_MAX_HOST);
    char name[RECALL_NAME];
    const char *client = column(st, 3, LEARN_MAX_CLIENT);
    enum exception_state state;
    enum reason reason;
    struct exception *x;

    /* A client that cannot be read must not become everybody. */
    if (ja4[0] == '\0' || host[0] == '\0' || l->exceptions.n == INSIDE_EXCEPTIONS ||
        (client[0] == '\0' && sqlite3_column_bytes(st, 3) > 0) ||
        reason_find(column(st, 4, TEXT), &reason) != 0 ||
        exception_state_find(words_column(st, 5, TEXT), &state) != 0)
        return 0;
    recall_name(name, ja4, host);
    x = recall_get(&l->exceptions, name);
    if (x == NULL)
        return -ENOMEM;
    exception_name(x, sqlite3_column_int64(st, 0));
    snprintf(x->ja4, sizeof x->ja4, "%s", ja4);
    snprintf(x->host, sizeof x->host, "%s", host);
    snprintf(x->client, sizeof x->client, "%s", client);
    x->reason = reason;
    x->state = state;
    x->accepted = sqlite3_column_int(st, 6) != 0;
    x->made = time_column(st, 7);
    x->until = time_column(st, 8);
    x->trial = time_column(st, 9);
    x->silent = (unsigned)sqlite3_column_int(st, 11);
    words_read(x, words_column(st, 10, TEXT), words_column(st, 12, TEXT));
    x->first_failure = time_column(st, 13);
    x->last_failure = time_column(st, 14);
    x->renewed = (unsigned)sqlite3_column_int(st, 15);
    x->uses = (uint64_t)sqlite3_column_int64(st, 16);
    x->last_use = time_column(st, 17);
    if (x->number >= l->next_number)
        l->next_number = x->number + 1;
    return 0;
}

static int event_read(struct learner *l, sqlite3_stmt *st)
{
    int64_t sign = sqlite3_column_int64(st, 1);
    const struct learn_evidence e = {
        .at = time_column(st, 0),
        .sign = sign >= 0 && sign < LEARN_SIGNS ? (enum learn_sign)sign : LEARN_SIGNS,
        .alert = (uint8_t)sqlite3_column_int(st, 2),
        .client = column(st, 3, LEARN_MAX_CLIENT),
        .ja4 = column(st, 4, LEARN_MAX_JA4),
        .host = column(st, 5, LEARN_MAX_HOST),
    };

    if (e.sign == LEARN_SIGNS || e.client[0] == '\0' || e.ja4[0] == '\0' || e.host[0] == '\0')
        return 0;
    if (e.at.s > l->now.s)
        l->now = e.at;
    return evidence_take(&l->evidence, &e);
}

static int success_read(struct learner *l, sqlite3_stmt *st)
{
    const char *client = column(st, 0, LEARN_MAX_CLIENT), *ja4 = column(st, 1, LEARN_MAX_JA4);

    if (client[0] == '\0' || ja4[0] == '\0')
        return 0;
    return evidence_restore(&l->evidence, client, ja4, time_column(st, 2));
}

static int consent_row_read(struct learner *l, sqlite3_stmt *st)
{
    const struct gate_consent c = {
        .client = column(st, 1, LEARN_MAX_CLIENT),
        .host = column(st, 2, LEARN_MAX_HOST),
        .port = (uint16_t)sqlite3_column_int(st, 3),
        .key = column(st, 4, LEARN_MAX_KEY),
        .findings = column(st, 5, LEARN_MAX_FINDINGS),
        .until = time_column(st, 7),
    };
    struct consent_item *item;

    if (c.client[0] == '\0' || c.host[0] == '\0' || c.key[0] == '\0')
        return 0;
    return consents_put(l, sqlite3_column_int64(st, 0), time_column(st, 6), &c, &item);
}

typedef int row_fn(struct learner *l, sqlite3_stmt *st);

static int rows_read(struct learner *l, const char *sql, row_fn *read)
{
    sqlite3_stmt *st = store_prepare(l->store, sql);
    int rc = 0, step = SQLITE_DONE;

    if (st == NULL)
        return -ENOMEM;
    while (rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW)
        rc = read(l, st);
    sqlite3_reset(st);
    if (rc != 0)
        return rc;
    return step == SQLITE_DONE ? 0 : (step & 0xff) == SQLITE_NOMEM ? -ENOMEM : step;
}

int keep_load(struct learner *l)
{
    int rc = rows_read(l, "SELECT * FROM exception ORDER BY number", exception_read);

    if (rc == 0)
        rc = rows_read(l, "SELECT * FROM success ORDER BY at", success_read);
    if (rc == 0)
        rc = rows_read(l, "SELECT * FROM event ORDER BY at, rowid", event_read);
    if (rc == 0)
        rc = rows_read(l, "SELECT * FROM consent ORDER BY number", consent_row_read);
    return rc;
}
