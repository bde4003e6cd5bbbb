#include "trust/ct_logs.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "trust/policy.h"
#include "trust/sign.h"
#include "trust/memory.h"

enum { MAX_JSON_BYTES = 8 << 20, MAX_OPERATORS_BEFORE = 8 };

static const char *const state_names[] = {
    [CT_PENDING] = "pending",   [CT_QUALIFIED] = "qualified", [CT_USABLE] = "usable",
    [CT_READONLY] = "readonly", [CT_RETIRED] = "retired",     [CT_REJECTED] = "rejected",
};

const char *ct_log_state_name(enum ct_log_state state)
{
    return state_names[state];
}

static void log_deinit(struct ct_log *log)
{
    EVP_PKEY_free(log->key);
    free((char *)log->name);
    free((char *)log->operator_);
    for (size_t i = 0; i < log->n_before; i++)
        free((char *)log->before[i].name);
    free(log->before);
}

void ct_logs_free(struct ct_logs *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n; i++)
        log_deinit(&l->logs[i]);
    free(l->logs);
    free(l);
}

static void ct_logs_freep(struct ct_logs **at)
{
    ct_logs_free(*at);
}

static void json_freep(json_t **at)
{
    json_decref(*at);
}

/* What the parser is at, for its message. */
struct parse {
    struct ct_logs *logs;
    size_t room;
    struct buf *error;
};

static int fail(struct parse *p, const char *name, const char *what)
{
    buf_str(p->error, "log list: ");
    if (name != NULL)
        text_safe(p->error, span_str(name), 60);
    buf_printf(p->error, "%s%s", name != NULL ? ": " : "", what);
    return MW_E_SYNTAX;
}

static struct mw_wall time_of(const json_t *text)
{
    struct mw_wall t = { 0 };

    if (wall_parse(span_str(json_string_value(text)), &t) != 0)
        return (struct mw_wall){ 0 };
    return t;
}

/* "state": { "usable": { "timestamp": "…" } }; none means that the list says nothing yet. */
static bool state_read(struct ct_log *log, json_t *state)
{
    if (state == NULL)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        json_t *here = json_object_get(state, state_names[i]);

        if (here == NULL)
            continue;
        log->state = (enum ct_log_state)i;
        log->since = time_of(json_object_get(here, "timestamp"));
        return log->state != CT_RETIRED || log->since.s != 0;
    }
    return false;
}

static int before_read(struct ct_log *log, json_t *list)
{
    size_t n = json_array_size(list);

    if (n == 0 || n > MAX_OPERATORS_BEFORE)
        return 0;
    log->before = calloc(n, sizeof(*log->before));
    if (log->before == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(one, "name"));

        if (name == NULL)
            continue;
        log->before[log->n_before].name = strdup(name);
        log->before[log->n_before].end = time_of(json_object_get(one, "end_time"));
        if (log->before[log->n_before++].name == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int key_read(struct parse *p, struct ct_log *log, json_t *from)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(4096);
    CLEANUP(buf_deinit) struct buf id = BUF_INIT(64);
    struct mw_span key_text = span_str(json_string_value(json_object_get(from, "key")));
    struct mw_span id_text = span_str(json_string_value(json_object_get(from, "log_id")));

    if (key_text.len == 0 || text_unbase64(&key, key_text) != 0 || buf_error(&key) != 0)
        return key.error == -ENOMEM ? -ENOMEM : fail(p, log->name, "\"key\" is not Base64");
    SHA256(key.data, key.len, log->id);
    if (id_text.len == 0 || text_unbase64(&id, id_text) != 0 || buf_error(&id) != 0)
        return id.error == -ENOMEM ? -ENOMEM : fail(p, log->name, "\"log_id\" is not Base64");
    if (!span_eq(buf_span(&id), span_of(log->id, sizeof(log->id))))
        return fail(p, log->name, "\"log_id\" is not the hash of its key");
    log->key = sign_key(buf_span(&key));
    if (log->key == NULL)
        return memory_or(0) < 0 ? -ENOMEM : fail(p, log->name, "\"key\" is not a public key");
    return 0;
}

static int log_read(struct parse *p, const char *operator_, json_t *from)
{
    struct ct_log *log = &p->logs->logs[p->logs->n];
    const char *name = json_string_value(json_object_get(from, "description"));

    if (name == NULL)
        return fail(p, operator_, "a log without \"description\"");
    p->logs->n++; /* from here on ct_logs_free() tidies up */
    log->name = strdup(name);
    log->operator_ = strdup(operator_);
    if (log->name == NULL || log->operator_ == NULL)
        return -ENOMEM;
    if (!state_read(log, json_object_get(from, "state")))
        return fail(p, name, "a \"state\" that is none of the known ones, or not dated");
    int r = before_read(log, json_object_get(from, "previous_operators"));
    return r != 0 ? r : key_read(p, log, from);
}

static int logs_read(struct parse *p, const char *operator_, json_t *list)
{
    size_t n = json_array_size(list);
    int r = 0;

    if (n > p->room - p->logs->n) {
        buf_printf(p->error, "log list: more than %d logs", CT_MAX_LOGS);
        return MW_E_TOO_MANY;
    }
    for (size_t i = 0; i < n && r == 0; i++)
        r = log_read(p, operator_, json_array_get(list, i));
    return r;
}

static int operators_read(struct parse *p, json_t *operators)
{
    size_t n = json_array_size(operators);
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++) {
        json_t *one = json_array_get(operators, i);
        const char *name = json_string_value(json_object_get(one, "name"));

        if (name == NULL)
            return fail(p, NULL, "an operator without \"name\"");
        r = logs_read(p, name, json_object_get(one, "logs"));
        if (r == 0)
            r = logs_read(p, name, json_object_get(one, "tiled_logs"));
    }
    return r;
}

static size_t logs_count(json_t *operators)
{
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(operators); i++) {
        json_t *one = json_array_get(operators, i);

        n += json_array_size(json_object_get(one, "logs"));
        n += json_array_size(json_object_get(one, "tiled_logs"));
    }
    return n;
}

static int log_cmp(const void *a, const void *b)
{
    return memcmp(((const struct ct_log *)a)->id, ((const struct ct_log *)b)->id, 32);
}

int ct_logs_parse(struct ct_logs **out, struct mw_span json, struct buf *error)
{
    CLEANUP(ct_logs_freep) struct ct_logs *logs = calloc(1, sizeof(*logs));
    CLEANUP(json_freep) json_t *root = NULL;
    struct parse p = { .logs = logs, .error = error };
    json_error_t where;
    json_t *operators;
    int r;

    if (logs == NULL)
        return -ENOMEM;
    if (json.len > MAX_JSON_BYTES)
        return fail(&p, NULL, "larger than 8 MiB");
    root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &where);
    operators = json_object_get(root, "operators");
    if (root == NULL) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT(512);

        text_safe(&text, span_str(where.text), 200);
        buf_printf(error, "log list: line %d: %s", where.line,
                   text.data != NULL ? (const char *)text.data : "not JSON");
        return MW_E_SYNTAX;
    }
    if (!json_is_array(operators))
        return fail(&p, NULL, "no \"operators\": give the log_list.json of schema version 3");
    p.room = logs_count(operators) < CT_MAX_LOGS ? logs_count(operators) : CT_MAX_LOGS;
    logs->logs = calloc(p.room + 1, sizeof(*logs->logs));
    if (logs->logs == NULL)
        return -ENOMEM;
    r = operators_read(&p, operators);
    if (r != 0)
        return r;
    qsort(logs->logs, logs->n, sizeof(*logs->logs), log_cmp);
    logs->dated = time_of(json_object_get(root, "log_list_timestamp"));
    *out = own_steal(&logs);
    return 0;
}

const struct ct_log *ct_logs_find(const struct ct_logs *l, struct mw_span id)
{
    struct ct_log key = { .name = NULL };

    if (id.len != sizeof(key.id) || l->n == 0)
        return NULL;
    memcpy(key.id, id.data, id.len);
    return bsearch(&key, l->logs, l->n, sizeof(*l->logs), log_cmp);
}

const char *ct_log_operator(const struct ct_log *log, struct mw_wall at)
{
    const char *name = log->operator_;
    int64_t nearest = INT64_MAX;

    for (size_t i = 0; i < log->n_before; i++) {
        if (at.s < log->before[i].end.s && log->before[i].end.s < nearest) {
            nearest = log->before[i].end.s;
            name = log->before[i].name;
        }
    }
    return name;
}

int mw_policy_set_ct_logs(struct mw_policy *p, struct mw_span json)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(400);
    struct ct_logs *logs = NULL;
    int r = ct_logs_parse(&logs, json, &error);

    if (r > 0)
        return policy_fail(p, r, "%s", error.data != NULL ? (const char *)error.data : "log list");
    if (r < 0)
        return policy_fail(p, r, "log list: out of memory");
    ct_logs_free(p->ct_logs);
    p->ct_logs = logs;
    return 0;
}
