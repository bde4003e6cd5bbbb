/*
 * What the control socket asks of the parent, by way of the scribe; and what processes say of
 * themselves when they are up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/built.h"
#include "base/log.h"
#include "base/own.h"
#include "gate/parent/parent.h"
#include "gate/wire/control.h"

static json_t *list_of_processes(const struct parent *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->n_children; i++) {
        const struct child *c = &p->children[i];
        char name[32];
        int64_t since = (int64_t)uv_now(&p->loop) - c->began_ms;

        if (json_array_append_new(
                list, json_pack("{ss si sb si sI}", "name", child_name(c, name), "pid",
                                c->running ? (int)c->process.pid : 0, "running",
                                c->running && c->up, "restarts", (int)c->deaths, "since_ms",
                                (json_int_t)since)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *list_of_listeners(const struct parent *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->n_bounds; i++) {
        CLEANUP(buf_deinit) struct buf url = BUF_INIT(1024);

        listener_url(&url, p, i);
        if (buf_error(&url) != 0 ||
            json_array_append_new(list, json_string((const char *)url.data)) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *processes(struct parent *p)
{
    char text[128];
    int64_t since = (int64_t)uv_now(&p->loop) - p->began_ms;

    return json_pack("{ss si sI ss ss ss* ss ss sb so so ss*}", "version", built_version(), "pid",
                     (int)getpid(), "since_ms", (json_int_t)since, "name", p->config->name,
                     "config", p->config->file, "config_path", p->config_path, "config_extra",
                     p->extra, "state", p->config->state_folder, "draining", p->ending, "listeners",
                     list_of_listeners(p), "processes", list_of_processes(p), "not_ready",
                     parent_not_ready(p, text));
}

static json_t *refused(const struct buf *error)
{
    return json_pack("{ss}", "error",
                     error->len > 0 ? (const char *)error->data : "out of memory");
}

static json_t *reload(struct parent *p)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192);

    if (parent_reload(p, &error) != 0)
        return refused(&error);
    log_info("gate: the configuration was read anew");
    return json_pack("{ss}", "said", "The configuration was read anew.");
}

static json_t *upgrade(struct parent *p)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192);

    if (upgrade_begin(p, &error) != 0)
        return refused(&error);
    return json_pack("{ss}", "said", "The new gate is being started; midwatch gate status tells "
                                     "when it is there.");
}

static json_t *drain(struct parent *p)
{
    if (!p->ending)
        parent_end(p);
    return json_pack("{ss}", "said", "The gate accepts no more, and ends when its sessions have.");
}

static json_t *answer_to(struct parent *p, const char *ask)
{
    static const struct {
        const char *ask;
        json_t *(*answer)(struct parent *p);
    } known[] = {
        { "processes", processes }, { "reload", reload }, { "upgrade", upgrade },
        { "drain", drain },
    };

    for (size_t i = 0; i < ARRAY_LEN(known) && ask != NULL; i++)
        if (strcmp(known[i].ask, ask) == 0)
            return known[i].answer(p);
    return NULL;        /* for the workers */
}

static void answer(struct child *scribe, struct mw_span message)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(CHANNEL_MAX_MESSAGE);
    CLEANUP(own_free) char *text = NULL;
    json_t *question, *found;
    struct mw_span words;
    uint64_t id;

    if (control_read(&id, &words, message) < 0)
        return;
    question = json_loadb((const char *)words.data, words.len, 0, NULL);
    found = answer_to(scribe->parent, json_string_value(json_object_get(question, "ask")));
    text = found != NULL ? json_dumps(found, JSON_COMPACT) : NULL;
    json_decref(found);
    json_decref(question);
    if (text == NULL)
        return;
    control_write(&out, GATE_QUERY_ANSWER, id, span_str(text));
    if (buf_error(&out) != 0 || scribe->talk == NULL ||
        channel_send(scribe->talk, buf_span(&out)) < 0)
        log_warning("gate: an answer to the control socket was lost");
}

void parent_asked(struct child *c, struct mw_span message)
{
    switch (message.data[0]) {
    case GATE_QUERY_ANSWER:
        c->up = true;
        parent_look(c->parent);
        break;
    case GATE_QUERY:
        if (c->role == CHILD_SCRIBE)
            answer(c, message);
        break;
    default:
        break;
    }
}
