/*
 * What the control socket asks of the parent, by way of the scribe.
 */
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "gate/parent/parent.h"
#include "gate/wire/control.h"

static json_t *processes(const struct parent *p)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < p->n_children; i++) {
        const struct child *c = &p->children[i];
        char name[32];

        (void)json_array_append_new(
            list, json_pack("{s:s, s:i, s:b, s:i, s:I}", "name", child_name(c, name), "pid",
                            c->running ? (int)c->process.pid : 0, "running", c->running ? 1 : 0,
                            "restarts", (int)c->deaths, "since_ms",
                            (json_int_t)((int64_t)uv_now(&p->loop) - c->began_ms)));
    }
    return json_pack("{s:o}", "processes", list);
}

static json_t *reload(struct parent *p)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    int r = parent_reload(p, &error);

    if (r == 0)
        return json_pack("{s:s}", "reload", "done");
    return json_pack("{s:s, s:s}", "reload", "refused", "error",
                     error.len > 0 ? (const char *)error.data : "out of memory");
}

void parent_asked(struct child *scribe, struct mw_span message)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(CHANNEL_MAX_MESSAGE);
    struct parent *p = scribe->parent;
    json_t *question, *found = NULL;
    struct mw_span text;
    const char *ask;
    char *words;
    uint64_t id;

    if (message.data[0] != GATE_QUERY || control_read(&id, &text, message) < 0)
        return;
    question = json_loadb((const char *)text.data, text.len, 0, NULL);
    ask = json_string_value(json_object_get(question, "ask"));
    if (ask != NULL && strcmp(ask, "processes") == 0)
        found = processes(p);
    else if (ask != NULL && strcmp(ask, "reload") == 0)
        found = reload(p);
    else if (ask != NULL && strcmp(ask, "drain") == 0) {
        parent_end(p);
        found = json_pack("{s:s}", "drain", "begun");
    } else
        found = json_object();
    words = json_dumps(found, JSON_COMPACT);
    if (words != NULL) {
        control_write(&answer, GATE_QUERY_ANSWER, id, span_str(words));
        if (buf_error(&answer) != 0 || channel_send(scribe->talk, buf_span(&answer)) < 0)
            log_warning("gate: an answer to the control socket was lost");
    }
    free(words);
    json_decref(found);
    json_decref(question);
}
