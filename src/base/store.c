#include "base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"

enum { ERROR_BYTES = 256, BUSY_MS = 5000 };

/* A compiled statement, found again by its text. */
struct statement {
    struct statement *next;
    sqlite3_stmt *compiled;
};

struct store {
    sqlite3 *db;
    struct statement *statements;
    char error[ERROR_BYTES]; /* of the last call that failed: a rollback must not hide it */
};

static void say(char *error, const char *path, const char *what)
{
    if (error != NULL)
        snprintf(error, ERROR_BYTES, "%s: %s", path, what);
}

static int result(struct store *s, int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
        return 0;
    snprintf(s->error, sizeof(s->error), "%s", sqlite3_errmsg(s->db));
    return (code & 0xff) == SQLITE_NOMEM ? -ENOMEM : code;
}

static int run_script(struct store *s, const char *sql)
{
    return result(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

static int read_version(struct store *s, int64_t *version)
{
    sqlite3_stmt *get = NULL;
    int r = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &get, NULL);

    if (r == SQLITE_OK)
        r = sqlite3_step(get);
    if (r == SQLITE_ROW)
        *version = sqlite3_column_int64(get, 0);
    sqlite3_finalize(get);
    return result(s, r);
}

/* In one transaction that is taken for writing at once: of two programs that start together,
 * the second waits and then finds nothing left to do. */
static int migrate(struct store *s, const char *const *migrations, size_t n)
{
    char done[64];
    int64_t version = 0;
    int r = run_script(s, "BEGIN IMMEDIATE");

    if (r != 0)
        return r;
    r = read_version(s, &version);
    if (r == 0 && (version < 0 || (uint64_t)version > n))
        r = -EPROTO;
    for (size_t i = (size_t)version; r == 0 && i < n; i++)
        r = run_script(s, migrations[i]);
    if (r == 0 && (uint64_t)version < n) {
        snprintf(done, sizeof(done), "PRAGMA user_version = %zu", n);
        r = run_script(s, done);
    }
    if (r == 0)
        return run_script(s, "COMMIT");
    if (sqlite3_get_autocommit(s->db) == 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static int connect_file(struct store *s, const char *path)
{
    int r = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

    if (r != SQLITE_OK)
        return result(s, r);
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    /* synchronous=FULL: what was committed survives a power cut, not only a kill. */
    return run_script(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                         "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;");
}

/* SQLite would create the file with the umask's mode; it gives its -wal and -shm the same. */
static int create_private(const char *path)
{
    CLEANUP(own_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : 0;
}

/* What others may write to is not what this user decided; and what another user owns could
 * lead elsewhere by a symbolic link. */
static const char *folder_fault(const char *folder)
{
    struct stat st;

    if (stat(folder, &st) < 0)
        return strerror(errno);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return "belongs to another user; use a folder of your own";
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "other users may write to this folder; chmod 700 it";
    return NULL;
}

int store_open(struct store **out, const char *folder, const char *file,
               const char *const *migrations, size_t n_migrations, char *error)
{
    CLEANUP(store_closep) struct store *s = calloc(1, sizeof(*s));
    char path[PATH_MAX];
    const char *fault;
    int r;

    if (s == NULL) {
        say(error, folder, strerror(ENOMEM));
        return -ENOMEM;
    }
    if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path)) {
        say(error, folder, strerror(ENAMETOOLONG));
        return -ENAMETOOLONG;
    }
    r = file_make_folders(folder);
    fault = r == 0 ? folder_fault(folder) : NULL;
    if (fault != NULL) {
        say(error, folder, fault);
        return -EPERM;
    }
    if (r == 0)
        r = create_private(path);
    if (r < 0) {
        say(error, path, strerror(-r));
        return r;
    }
    r = connect_file(s, path);
    if (r == 0)
        r = migrate(s, migrations, n_migrations);
    if (r == -EPROTO)
        say(error, path, "written by a newer midwatch; update this one, or move the file away");
    else if (r != 0)
        say(error, path, r == -ENOMEM ? strerror(ENOMEM) : store_error(s));
    if (r == 0)
        *out = own_steal(&s);
    return r;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    while (s->statements != NULL) {
        struct statement *next = s->statements->next;

        sqlite3_finalize(s->statements->compiled);
        free(s->statements);
        s->statements = next;
    }
    sqlite3_close(s->db);
    free(s);
}

void store_closep(struct store **s)
{
    store_close(*s);
}

const char *store_error(const struct store *s)
{
    return s->error;
}

sqlite3_stmt *store_prepare(struct store *s, const char *sql)
{
    struct statement *new;
    int r;

    for (struct statement *st = s->statements; st != NULL; st = st->next) {
        if (strcmp(sqlite3_sql(st->compiled), sql) != 0)
            continue;
        sqlite3_reset(st->compiled);
        sqlite3_clear_bindings(st->compiled);
        return st->compiled;
    }
    new = calloc(1, sizeof(*new));
    if (new == NULL) {
        snprintf(s->error, sizeof(s->error), "%s", strerror(ENOMEM));
        return NULL;
    }
    r = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &new->compiled, NULL);
    if (result(s, r) != 0 || new->compiled == NULL) {
        free(new);
        return NULL;
    }
    new->next = s->statements;
    s->statements = new;
    return new->compiled;
}

int store_run(struct store *s, const char *sql, const char *const *values, size_t n_values)
{
    sqlite3_stmt *st = store_prepare(s, sql);
    int r = SQLITE_OK;

    if (st == NULL)
        return sqlite3_errcode(s->db) == SQLITE_OK ? -ENOMEM : sqlite3_errcode(s->db);
    if ((size_t)sqlite3_bind_parameter_count(st) != n_values)
        return -EINVAL;
    for (size_t i = 0; r == SQLITE_OK && i < n_values; i++)
        r = sqlite3_bind_text(st, (int)i + 1, values[i], -1, SQLITE_TRANSIENT);
    if (r == SQLITE_OK)
        r = sqlite3_step(st);
    r = result(s, r);
    sqlite3_reset(st);
    return r;
}

int store_begin(struct store *s)
{
    return run_script(s, "BEGIN IMMEDIATE");
}

int store_end(struct store *s, bool keep)
{
    int r = keep ? run_script(s, "COMMIT") : 0;

    /* A commit that could not be written leaves the transaction open: it is given up. */
    if (sqlite3_get_autocommit(s->db) == 0)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}
