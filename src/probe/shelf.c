#include "probe/shelf.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/own.h"
#include "base/text.h"
#include "probe/fetch.h"

struct entry;

struct shelf_wait {
    struct entry *entry;
    struct shelf_wait *next;
    shelf_fn *on_done;
    void *context;
};

struct entry {
    struct shelf_item item; /* first: shelf_release() is given its address */
    struct shelf *shelf;
    struct entry *next;
    enum shelf_kind kind;
    bool may_be_local;
    struct mw_wall asked; /* when it was fetched */
    char *url;
    char why[96];
    struct fetch *fetch; /* under way */
    struct shelf_wait *waits;
    unsigned users;
    struct arena arena;
};

struct shelf {
    uv_loop_t *loop;
    struct dns *dns;
    const char *folder;
    int64_t limit_ms;
    size_t max_bytes;
    int64_t kept_s, failed_s; /* 0: for ever */
    bool refuse_own;
    unsigned fetches;
    struct entry *entries; /* newest first */
};

int shelf_new(struct shelf **out, uv_loop_t *loop, struct dns *dns, const char *folder,
              int64_t limit_ms, size_t max_bytes)
{
    struct shelf *s = calloc(1, sizeof *s);

    if (s == NULL)
        return -ENOMEM;
    *s = (struct shelf){
        .loop = loop, .dns = dns, .folder = folder, .limit_ms = limit_ms, .max_bytes = max_bytes
    };
    *out = s;
    return 0;
}

static void entry_free(struct entry *e)
{
    fetch_cancel(e->fetch);
    while (e->waits != NULL) {
        struct shelf_wait *next = e->waits->next;

        free(e->waits);
        e->waits = next;
    }
    arena_deinit(&e->arena);
    free(e->url);
    free(e);
}

void shelf_free(struct shelf *s)
{
    if (s == NULL)
        return;
    while (s->entries != NULL) {
        struct entry *next = s->entries->next;

        entry_free(s->entries);
        s->entries = next;
    }
    free(s);
}

/* Drops the oldest of what nobody uses, beyond the bounds. */
static void shelf_trim(struct shelf *s)
{
    size_t kept = 0, items = 0;

    for (struct entry **at = &s->entries; *at != NULL;) {
        struct entry *e = *at;

        if (e->users == 0 && e->waits == NULL && e->fetch == NULL) {
            kept += e->arena.used_bytes;
            if (kept > SHELF_KEEP_BYTES || ++items > SHELF_KEEP_ITEMS) {
                *at = e->next;
                kept -= e->arena.used_bytes;
                entry_free(e);
                continue;
            }
        }
        at = &e->next;
    }
}

/* ---- the folder ---- */

static void folder_path(const struct entry *e, struct buf *path)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];

    SHA256((const uint8_t *)e->url, strlen(e->url), hash);
    buf_printf(path, "%s/crl-", e->shelf->folder);
    text_hex(path, span_of(hash, sizeof hash), 0);
}

/* true: the entry now holds what the folder had. */
static bool folder_read(struct entry *e, struct mw_wall now)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(4096);
    CLEANUP(buf_deinit) struct buf file = BUF_INIT(e->shelf->max_bytes + SHA256_DIGEST_LENGTH);
    uint8_t hash[SHA256_DIGEST_LENGTH];
    struct mw_span crl;

    if (e->shelf->folder == NULL || e->kind != SHELF_CRL)
        return false;
    folder_path(e, &path);
    if (buf_error(&path) != 0 || file_read((const char *)path.data, &file) != 0 ||
        file.len <= sizeof hash)
        return false;
    crl = span_cut(buf_span(&file), sizeof hash, SIZE_MAX);
    SHA256(crl.data, crl.len, hash);
    if (!span_eq(span_of(hash, sizeof hash), span_cut(buf_span(&file), 0, sizeof hash)) ||
        unwrap_crl(crl, &e->arena, &e->item.parts[0], &e->item.next_update) != 0 ||
        e->item.next_update.s <= now.s)
        return false;
    e->item.n_parts = 1;
    e->item.from_folder = true;
    return true;
}

/* A CRL without nextUpdate would be kept for ever: it is not kept. */
static void folder_write(const struct entry *e)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(4096);
    CLEANUP(buf_deinit) struct buf file = BUF_INIT(e->shelf->max_bytes + SHA256_DIGEST_LENGTH);
    uint8_t hash[SHA256_DIGEST_LENGTH];
    int rc;

    if (e->shelf->folder == NULL || e->item.next_update.s == 0)
        return;
    SHA256(e->item.parts[0].data, e->item.parts[0].len, hash);
    buf_add(&file, span_of(hash, sizeof hash));
    buf_add(&file, e->item.parts[0]);
    folder_path(e, &path);
    if (buf_error(&file) != 0 || buf_error(&path) != 0)
        return;
    rc = file_make_folders(e->shelf->folder);
    if (rc == 0)
        rc = file_replace((const char *)path.data, buf_span(&file), 0600);
    if (rc != 0)
        log_info("%s: a revocation list could not be kept: %s", e->shelf->folder, strerror(-rc));
}

/* ---- fetching ---- */

static void entry_finish(struct entry *e)
{
    e->users++;                /* held while callbacks may release */
    while (e->waits != NULL) { /* and may cancel the waits behind theirs */
        struct shelf_wait *wait = e->waits;

        e->waits = wait->next;
        e->users++;
        wait->on_done(wait->context, &e->item);
        free(wait);
    }
    shelf_release(e->shelf, &e->item);
}

static void body_take(struct entry *e, struct mw_span body)
{
    int rc;

    if (e->kind == SHELF_ISSUER) {
        rc = unwrap_certs(body, &e->arena, e->item.parts, &e->item.n_parts);
        if (rc == 0 && e->item.n_parts == 0)
            snprintf(e->why, sizeof e->why, "what came is no certificate");
    } else {
        rc = unwrap_crl(body, &e->arena, &e->item.parts[0], &e->item.next_update);
        if (rc > 0)
            snprintf(e->why, sizeof e->why, "what came is no revocation list");
        if (rc == 0) {
            e->item.n_parts = 1;
            folder_write(e);
        }
    }
    if (rc < 0)
        snprintf(e->why, sizeof e->why, "out of memory");
}

static void on_fetched(void *context, const struct fetch_result *result)
{
    struct entry *e = context;

    e->fetch = NULL;
    if (result->response == NULL)
        snprintf(e->why, sizeof e->why, "%s", result->why);
    else if (result->response->status != 200)
        snprintf(e->why, sizeof e->why, "HTTP status %d", result->response->status);
    else
        body_take(e, buf_span(&result->response->m.body));
    if (e->why[0] != '\0')
        e->item.why = e->why;
    entry_finish(e);
}

void shelf_refresh(struct shelf *s, int64_t kept_s, int64_t failed_s)
{
    s->kept_s = kept_s;
    s->failed_s = failed_s;
}

void shelf_refuse_own(struct shelf *s)
{
    s->refuse_own = true;
}

/* An old list would clear nobody: it is asked for anew like what did not come. */
static bool entry_is_old(const struct entry *e, struct mw_wall now)
{
    const struct shelf *s = e->shelf;
    struct mw_wall next = e->item.next_update;
    int64_t limit_s = s->kept_s;

    if (limit_s == 0 || e->fetch != NULL)
        return false;
    if (e->item.why != NULL || (next.s != 0 && next.s <= e->asked.s))
        limit_s = s->failed_s;
    else if (next.s != 0 && next.s - e->asked.s < limit_s)
        limit_s = next.s - e->asked.s;
    return now.s < e->asked.s || now.s - e->asked.s >= limit_s;
}

/* What is old and in nobody's hands goes; in somebody's hands, it is only not found. */
static struct entry *entry_find(struct shelf *s, enum shelf_kind kind, const char *url,
                                bool may_be_local, struct mw_wall now)
{
    for (struct entry **at = &s->entries; *at != NULL;) {
        struct entry *e = *at;

        if (e->kind == kind && e->may_be_local == may_be_local && strcmp(e->url, url) == 0) {
            if (!entry_is_old(e, now))
                return e;
            if (e->users == 0 && e->waits == NULL) {
                *at = e->next;
                entry_free(e);
                continue;
            }
        }
        at = &e->next;
    }
    return NULL;
}

/* On failure nothing is left of it. */
static int entry_new(struct entry **out, struct shelf *s, enum shelf_kind kind, const char *url,
                     bool may_be_local, struct mw_wall now)
{
    struct entry *e = calloc(1, sizeof *e);
    int rc = 0;

    if (e == NULL)
        return -ENOMEM;
    *e = (struct entry){ .shelf = s,
                         .kind = kind,
                         .may_be_local = may_be_local,
                         .asked = now,
                         .url = span_dup(span_str(url)),
                         .arena = ARENA_INIT(2 * s->max_bytes + 65536) };
    if (e->url == NULL)
        rc = -ENOMEM;
    if (rc == 0 && !folder_read(e, now)) {
        const struct fetch_request request = {
            .url = e->url,
            .max_bytes = s->max_bytes,
            .limit_ms = s->limit_ms,
            .max_redirects = FETCH_MAX_REDIRECTS,
            .may_be_local = may_be_local,
            .refuse_own = s->refuse_own,
        };

        rc = fetch_begin(&e->fetch, s->loop, s->dns, &request, on_fetched, e);
        s->fetches += rc == 0;
    }
    if (rc != 0) {
        entry_free(e);
        return rc;
    }
    e->next = s->entries;
    s->entries = e;
    *out = e;
    return 0;
}

int shelf_get(struct shelf *s, enum shelf_kind kind, const char *url, bool may_be_local,
              struct mw_wall now, const struct shelf_item **item, struct shelf_wait **wait,
              shelf_fn *on_done, void *context)
{
    struct entry *e = entry_find(s, kind, url, may_be_local, now);

    *item = NULL;
    *wait = NULL;
    if (e == NULL) {
        int rc = entry_new(&e, s, kind, url, may_be_local, now);

        if (rc != 0)
            return rc;
    }
    if (e->fetch == NULL) {
        e->users++;
        *item = &e->item;
        return 0;
    }
    *wait = calloc(1, sizeof **wait);
    if (*wait == NULL)
        return -ENOMEM;
    **wait =
        (struct shelf_wait){ .entry = e, .next = e->waits, .on_done = on_done, .context = context };
    e->waits = *wait;
    return 0;
}

void shelf_cancel(struct shelf_wait *wait)
{
    if (wait == NULL)
        return;
    for (struct shelf_wait **at = &wait->entry->waits; *at != NULL; at = &(*at)->next) {
        if (*at == wait) {
            *at = wait->next;
            free(wait);
            return;
        }
    }
}

void shelf_release(struct shelf *s, const struct shelf_item *item)
{
    for (struct entry *e = s->entries; item != NULL && e != NULL; e = e->next) {
        if (&e->item == item) {
            e->users--;
            break;
        }
    }
    shelf_trim(s);
}

unsigned shelf_fetches(const struct shelf *s)
{
    return s->fetches;
}
