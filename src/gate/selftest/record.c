/*
 * What the gate under test recorded.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "gate/selftest/stand.h"

enum { LOG_MAX = 64 << 20, PAUSE_NS = 50000000, RECORD_WAIT_S = 20 };

const json_t *record_member(const json_t *record, const char *path)
{
    struct mw_span rest = span_str(path), key;

    while (record != NULL && span_field(&rest, '.', &key)) {
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)key.len, (const char *)key.data);
        record = json_object_get(record, name);
    }
    return record;
}

static bool is_about(const json_t *record, const char *host)
{
    const char *domain = json_string_value(record_member(record, "destination.domain"));
    const char *named = json_string_value(record_member(record, "dst_endpoint.hostname"));

    if (domain == NULL)
        domain = named;
    return domain != NULL && strcmp(domain, host) == 0;
}

/* The last that fits, of one file. */
static json_t *find_in(const char *path, const char *host, json_t *found)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(LOG_MAX);
    struct mw_span rest, line;

    if (file_read(path, &text) < 0)
        return found;
    rest = buf_span(&text);
    while (span_line(&rest, &line)) {
        json_t *one = json_loadb((const char *)line.data, line.len, 0, NULL);

        if (one != NULL && is_about(one, host)) {
            json_decref(found);
            found = json_incref(one);
        }
        json_decref(one);
    }
    return found;
}

static json_t *find(const struct gate *g, const char *host)
{
    char folder[PATH_MAX], path[PATH_MAX];
    struct dirent *e;
    json_t *found = NULL;
    DIR *d;

    if (snprintf(folder, PATH_MAX, "%s/audit", g->state) >= PATH_MAX)
        return NULL;
    d = opendir(folder);
    while (d != NULL && (e = readdir(d)) != NULL)
        if (strstr(e->d_name, ".jsonl") != NULL &&
            snprintf(path, PATH_MAX, "%s/%s", folder, e->d_name) < PATH_MAX)
            found = find_in(path, host, found);
    if (d != NULL)
        closedir(d);
    return found;
}

json_t *gate_record(const struct gate *g, const char *host)
{
    int64_t until = mono_now().ns + RECORD_WAIT_S * 1000000000LL;
    json_t *found = find(g, host);

    while (found == NULL && mono_now().ns < until) {
        nanosleep(&(struct timespec){ 0, PAUSE_NS }, NULL);
        found = find(g, host);
    }
    return found;
}
