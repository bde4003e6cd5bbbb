#include "gate/control/question.h"

#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 20 };

static enum question_kind kind_of(const char *ask)
{
    static const struct {
        const char *ask;
        enum question_kind kind;
    } known[] = {
        { "top", QUESTION_TOP },          { "why", QUESTION_WHY },
        { "processes", QUESTION_PARENT }, { "reload", QUESTION_PARENT },
        { "upgrade", QUESTION_PARENT },   { "drain", QUESTION_PARENT },
        { "status", QUESTION_STATUS },
    };

    for (size_t i = 0; i < ARRAY_LEN(known) && ask != NULL; i++)
        if (strcmp(known[i].ask, ask) == 0)
            return known[i].kind;
    return QUESTION_UNKNOWN;
}

bool question_init(struct question *q, uint64_t id, unsigned workers, struct mw_span text)
{
    json_t *o = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);

    *q = (struct question){ .id = id, .workers = workers };
    q->kind = kind_of(json_string_value(json_object_get(o, "ask")));
    json_decref(o);
    return q->kind != QUESTION_UNKNOWN;
}

void question_deinit(struct question *q)
{
    json_decref(q->parent);
    q->parent = NULL;
    for (unsigned i = 0; i < q->workers; i++) {
        json_decref(q->worker[i]);
        q->worker[i] = NULL;
    }
}

static bool asks_workers(const struct question *q)
{
    return q->kind == QUESTION_TOP || q->kind == QUESTION_WHY;
}

int64_t question_limit_ms(const struct question *q)
{
    return asks_workers(q) ? QUESTION_WORKERS_MS : QUESTION_PARENT_MS;
}

static unsigned missing(const struct question *q)
{
    unsigned n = 0;

    if (!asks_workers(q))
        return q->parent == NULL;
    for (unsigned i = 0; i < q->workers; i++)
        n += q->worker[i] == NULL && !q->gone[i];
    return n;
}

bool question_gone(struct question *q, unsigned worker)
{
    if (worker >= q->workers)
        return false;
    q->gone[worker] = true;
    return missing(q) == 0;
}

bool question_take(struct question *q, int from, struct mw_span text)
{
    json_t **place, *o;

    if (from >= (int)q->workers || (from >= 0) != asks_workers(q))
        return false;
    place = from < 0 ? &q->parent : &q->worker[from];
    o = json_loadb((const char *)text.data, text.len, 0, NULL);
    if (!json_is_object(o) || *place != NULL) {
        json_decref(o);
        return false;
    }
    *place = o;
    return missing(q) == 0;
}

json_t *question_error(const char *text)
{
    return json_pack("{ss}", "error", text);
}

static json_int_t when(const json_t *attempt)
{
    return json_integer_value(json_object_get(attempt, "at_ms"));
}

static int newer_first(const void *a, const void *b)
{
    json_int_t x = when(*(json_t *const *)a), y = when(*(json_t *const *)b);

    return x < y ? 1 : x > y ? -1 : 0;
}

/* The workers' lists called `key`, one behind the other; each element says whose it is. */
static json_t *joined(struct question *q, const char *key)
{
    json_t *all = json_array();

    for (unsigned i = 0; i < q->workers; i++) {
        json_t *list = json_object_get(q->worker[i], key);

        for (size_t k = 0; k < json_array_size(list); k++) {
            json_t *one = json_array_get(list, k);

            if (json_object_set_new(one, "worker", json_integer(i)) < 0 ||
                json_array_append(all, one) < 0) {
                json_decref(all);
                return NULL;
            }
        }
    }
    return all;
}

/* The WHY_MAX newest of them. */
static json_t *newest(json_t *all)
{
    size_t n = json_array_size(all);
    json_t **sorted = calloc(n + 1, sizeof(json_t *)), *out = json_array();

    for (size_t i = 0; i < n && sorted != NULL; i++)
        sorted[i] = json_array_get(all, i);
    if (sorted != NULL && n > 0)
        qsort(sorted, n, sizeof(json_t *), newer_first);
    for (size_t i = 0; i < n && i < WHY_MAX && sorted != NULL; i++)
        if (json_array_append(out, sorted[i]) < 0) {
            json_decref(out);
            out = NULL;
            break;
        }
    if (sorted == NULL) {
        json_decref(out);
        out = NULL;
    }
    free(sorted);
    json_decref(all);
    return out;
}

json_t *question_answer(struct question *q)
{
    json_t *list;

    switch (q->kind) {
    case QUESTION_TOP:
        list = joined(q, "sessions");
        return json_pack("{so si}", "sessions", list, "missing", (int)missing(q));
    case QUESTION_WHY:
        list = newest(joined(q, "attempts"));
        return json_pack("{so si}", "attempts", list, "missing", (int)missing(q));
    default:
        break;
    }
    if (q->parent == NULL)
        return question_error("the gate's parent process did not answer in time");
    return json_incref(q->parent);
}
