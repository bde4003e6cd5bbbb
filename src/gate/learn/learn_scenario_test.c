/*
 * Replays tests/learn/: what clients did, under a clock that is told, and what the learner is to
 * make of it.  A line is one of
 *
 *     set mode|failures|window|lifetime|unattended VALUE
 *     +TIME CLIENT JA4 HOST SIGN [ALERT]     after so much time ("10", "5min", "7d") this happened
 *     NxTIME CLIENT JA4 HOST SIGN [ALERT]    N times, as long apart; "%" in HOST is the number
 *     expect HOST JA4 CLIENT|any STATE REASON      expect none HOST JA4      expect nothing
 *     count N        exceptions that workers are told of
 *     most CLIENT N  no more than N are for this client
 *     watched HOST REASON                    no case, because of this
 *     refuses CLIENT                         is said not to trust the CA
 *     accept HOST    remove HOST    restart
 *
 * and SIGN is used, alert, other, closed, reset, unused, timeout, bypassed, untrusted.
 */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "gate/learn/inside.h"

enum { BEGIN_S = 1795300000, MAX_WORDS = 8, DAY_S = 86400 };

static const char scenarios[] = "tests/learn";

struct scene {
    const char *file;
    size_t line;
    char folder[64];
    struct store *store;
    struct gate_config config;
    const char *unattended[1];
    char unattended_text[64];
    struct learner *learner;
    struct mw_wall now;
    bool changed;
    size_t applied;             /* as workers know it: only by being told of a change */
};

static void fail_at(const struct scene *s, const char *what)
{
    fail_msg("%s:%zu: %s", s->file, s->line, what);
}

static void must(const struct scene *s, bool ok, const char *what)
{
    if (!ok)
        fail_at(s, what);
}

/* ---- life ---- */

static void scene_open(struct scene *s)
{
    char error[256];

    must(s, learner_store_open(&s->store, s->folder, error) == 0, "the store does not open");
    must(s, learner_new(&s->learner, s->store, &s->config) == 0, "no learner");
}

static void scene_close(struct scene *s)
{
    learner_free(s->learner);
    store_close(s->store);
}

static void scene_init(struct scene *s, const char *file)
{
    memset(s, 0, sizeof *s);
    s->file = file;
    s->now.s = BEGIN_S;
    s->config.learner.mode = GATE_LEARN_PROPOSE;
    s->config.learner.failures = 3;
    s->config.learner.window_s = 600;
    s->config.learner.lifetime_s = 7 * DAY_S;
    snprintf(s->folder, sizeof s->folder, "/tmp/mw-learn-XXXXXX");
    must(s, mkdtemp(s->folder) != NULL, "no folder");
    scene_open(s);
}

static void scene_deinit(struct scene *s)
{
    static const char *const files[] = { "learned.db", "learned.db-wal", "learned.db-shm" };
    char path[128];

    scene_close(s);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", s->folder, files[i]);
        unlink(path);
    }
    must(s, rmdir(s->folder) == 0, "the folder is not empty");
}

/* What workers were told last. */
static void workers_hear(struct scene *s)
{
    struct gate_learned *items;

    must(s, learner_learned(s->learner, s->now, &items, &s->applied) == 0, "no list");
    free(items);
}

/* ---- words ---- */

static int64_t time_of(const struct scene *s, const char *text)
{
    static const struct {
        const char *unit;
        int64_t s;
    } units[] = { { "", 1 }, { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", DAY_S } };
    char *end;
    long n = strtol(text, &end, 10);

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(end, units[i].unit) == 0)
            return n * units[i].s;
    fail_at(s, "no time");
    return 0;
}

static unsigned number_of(const struct scene *s, struct mw_span text)
{
    int64_t n = 0;

    must(s, text_number(text, 0, 1000000, &n) == 0, "no number");
    return (unsigned)n;
}

static void sign_of(const struct scene *s, struct learn_evidence *e, const char *sign,
                    const char *alert)
{
    static const struct {
        const char *word;
        enum learn_sign sign;
    } signs[] = {
        { "used", LEARN_USED },          { "alert", LEARN_ALERT_CERTIFICATE },
        { "other", LEARN_ALERT_OTHER },  { "closed", LEARN_CLOSED_AFTER_CERT },
        { "reset", LEARN_RESET_AFTER_CERT }, { "unused", LEARN_CLOSED_UNUSED },
        { "timeout", LEARN_TIMED_OUT },  { "bypassed", LEARN_BYPASS_WORKED },
        { "untrusted", LEARN_ALERT_CERTIFICATE },
    };

    e->alert = (uint8_t)(alert != NULL ? number_of(s, span_str(alert)) : 0);
    e->untrusted_leaf = strcmp(sign, "untrusted") == 0;
    for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
        if (strcmp(signs[i].word, sign) == 0) {
            e->sign = signs[i].sign;
            return;
        }
    }
    fail_at(s, "no sign");
}

static void happen(struct scene *s, char **w, size_t n, unsigned number)
{
    struct learn_evidence e = { .port = 443, .at = s->now };
    char host[256];
    const char *mark;
    bool changed, ticked = false;

    must(s, n >= 5, "too few words");
    e.client = w[1];
    e.ja4 = w[2];
    mark = strchr(w[3], '%');
    if (mark != NULL)
        snprintf(host, sizeof host, "%.*s%u%s", (int)(mark - w[3]), w[3], number, mark + 1);
    else
        snprintf(host, sizeof host, "%s", w[3]);
    e.host = host;
    sign_of(s, &e, w[4], n > 5 ? w[5] : NULL);
    must(s, learner_tick(s->learner, s->now, &ticked) == 0, "the learner failed");
    must(s, learner_take(s->learner, &e, &changed) == 0, "the learner failed");
    if (changed || ticked)
        workers_hear(s);
}

/* ---- what is expected ---- */

static struct exception *exception_at(const struct scene *s, const char *host)
{
    for (struct recall_node *n = s->learner->exceptions.newest; n != NULL; n = n->older)
        if (strcmp(exception_of(n)->host, host) == 0)
            return exception_of(n);
    fail_at(s, "nothing was learned of that host");
    return NULL;
}

static void expect_one(const struct scene *s, char **w)
{
    const struct exception *x = learner_exception(s->learner, w[2], w[1]);
    const char *client = strcmp(w[3], "any") == 0 ? "" : w[3];
    char state[32];

    if (x == NULL) {
        fail_at(s, "nothing was learned of it");
        return;
    }
    snprintf(state, sizeof state, "%s", exception_state_name(x->state));
    for (char *c = state; *c != '\0'; c++)
        *c = *c == ' ' ? '-' : *c;
    if (strcmp(state, w[4]) != 0 || strcmp(reason_name(x->reason), w[5]) != 0 ||
        strcmp(x->client, client) != 0)
        fail_msg("%s:%zu: it is %s, %s, for \"%s\"", s->file, s->line, state,
                 reason_name(x->reason), x->client);
}

static void expect(const struct scene *s, char **w, size_t n)
{
    if (n == 2 && strcmp(w[1], "nothing") == 0) {
        for (struct recall_node *at = s->learner->exceptions.newest; at != NULL; at = at->older)
            must(s, exception_of(at)->state == EXCEPTION_REMOVED, "something was learned");
    } else if (n == 4 && strcmp(w[1], "none") == 0) {
        must(s, learner_exception(s->learner, w[3], w[2]) == NULL, "it was learned");
    } else {
        must(s, n == 6, "expect what?");
        expect_one(s, w);
    }
}

static json_t *query(struct scene *s, const char *what, const char *id)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(8 << 20), text = BUF_INIT(1 << 12);
    json_t *o;
    bool changed;

    buf_printf(&text, "{\"ask\":\"learned\",\"do\":\"%s\",\"id\":\"%s\"}", what, id);
    must(s, learner_query(s->learner, s->now, buf_span(&text), &answer, &changed) == 0,
         "the question failed");
    if (changed)
        workers_hear(s);
    o = json_loadb((const char *)answer.data, answer.len, 0, NULL);
    must(s, o != NULL && json_object_get(o, "error") == NULL, "no good answer");
    return o;
}

/* Some object in the list has these two members. */
static void listed(struct scene *s, const char *list, const char *key, const char *value,
                   const char *also, const char *also_value)
{
    json_t *o = query(s, "list", ""), *item;
    bool found = false;
    size_t i;

    json_array_foreach(json_object_get(o, list), i, item) {
        const char *a = json_string_value(json_object_get(item, key));
        const char *b = also != NULL ? json_string_value(json_object_get(item, also)) : "";

        found = found || (a != NULL && strcmp(a, value) == 0 && b != NULL &&
                          (also == NULL || strcmp(b, also_value) == 0));
    }
    json_decref(o);
    must(s, found, "it is not listed so");
}

static void most(const struct scene *s, const char *client, size_t limit)
{
    size_t n = 0;

    for (struct recall_node *at = s->learner->exceptions.newest; at != NULL; at = at->older)
        n += strcmp(exception_of(at)->client, client) == 0;
    must(s, n <= limit, "too many");
}

/* ---- lines ---- */

static void set(struct scene *s, const char *what, const char *value)
{
    static const char *const modes[] = { "off", "propose", "apply" };

    if (strcmp(what, "mode") == 0) {
        for (size_t i = 0; i < ARRAY_LEN(modes); i++)
            if (strcmp(modes[i], value) == 0)
                s->config.learner.mode = (enum gate_learner_mode)i;
    } else if (strcmp(what, "failures") == 0) {
        s->config.learner.failures = number_of(s, span_str(value));
    } else if (strcmp(what, "window") == 0) {
        s->config.learner.window_s = time_of(s, value);
    } else if (strcmp(what, "lifetime") == 0) {
        s->config.learner.lifetime_s = time_of(s, value);
    } else {
        must(s, strcmp(what, "unattended") == 0, "set what?");
        snprintf(s->unattended_text, sizeof s->unattended_text, "%s", value);
        s->unattended[0] = s->unattended_text;
        s->config.learner.bypass_unattended = true;
        s->config.learner.unattended_ja4 = s->unattended;
        s->config.learner.n_unattended_ja4 = 1;
    }
    learner_reload(s->learner, &s->config);
    workers_hear(s);
}

static void person_does(struct scene *s, const char *what, const char *host)
{
    char id[EXCEPTION_ID];

    snprintf(id, sizeof id, "%s", exception_at(s, host)->id);
    json_decref(query(s, what, id));
}

static void line_run(struct scene *s, char **w, size_t n)
{
    const char *x = strchr(w[0], 'x');

    if (w[0][0] == '+') {
        s->now.s += time_of(s, w[0] + 1);
        happen(s, w, n, 0);
    } else if (w[0][0] >= '0' && w[0][0] <= '9' && x != NULL) {
        unsigned times = number_of(s, span_of(w[0], (size_t)(x - w[0])));

        for (unsigned i = 0; i < times; i++) {
            s->now.s += time_of(s, x + 1);
            happen(s, w, n, i);
        }
    } else if (strcmp(w[0], "set") == 0 && n == 3) {
        set(s, w[1], w[2]);
    } else if (strcmp(w[0], "expect") == 0) {
        expect(s, w, n);
    } else if (strcmp(w[0], "count") == 0 && n == 2) {
        must(s, s->applied == number_of(s, span_str(w[1])), "another number is in force");
    } else if (strcmp(w[0], "most") == 0 && n == 3) {
        most(s, w[1], number_of(s, span_str(w[2])));
    } else if (strcmp(w[0], "watched") == 0 && n == 3) {
        listed(s, "watched", "host", w[1], "reason", w[2]);
    } else if (strcmp(w[0], "refuses") == 0 && n == 2) {
        listed(s, "clients", "client", w[1], NULL, NULL);
    } else if ((strcmp(w[0], "accept") == 0 || strcmp(w[0], "remove") == 0) && n == 2) {
        person_does(s, w[0], w[1]);
    } else if (strcmp(w[0], "restart") == 0) {
        scene_close(s);
        scene_open(s);
        workers_hear(s);
    } else {
        fail_at(s, "not a line of this language");
    }
}

static void scene_run(struct scene *s, struct mw_span text)
{
    struct mw_span line;

    while (span_line(&text, &line)) {
        CLEANUP(own_free) char *copy = span_dup(line);
        char none[] = "", *w[MAX_WORDS], *rest = NULL;
        size_t n = 0;

        for (size_t i = 0; i < MAX_WORDS; i++)
            w[i] = none;
        s->line++;
        assert_non_null(copy);
        if (copy[0] == '#')
            continue;
        for (char *at = strtok_r(copy, " ", &rest); at != NULL && n < MAX_WORDS;
             at = strtok_r(NULL, " ", &rest))
            w[n++] = at;
        if (n > 0)
            line_run(s, w, n);
    }
}

static void replay(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 16);
    struct scene s;
    char path[512];

    snprintf(path, sizeof path, "%s/%s", scenarios, (const char *)*state);
    assert_int_equal(file_read(path, &text), 0);
    scene_init(&s, *state);
    scene_run(&s, buf_span(&text));
    scene_deinit(&s);
}

static int is_scenario(const struct dirent *e)
{
    return strstr(e->d_name, ".txt") != NULL;
}

int main(void)
{
    struct dirent **files;
    struct CMUnitTest tests[64];
    int n = scandir(scenarios, &files, is_scenario, alphasort), failed;

    if (n < 19 || n > (int)ARRAY_LEN(tests)) {
        fprintf(stderr, "%s: %d scenarios are not what is expected\n", scenarios, n);
        return EXIT_FAILURE;
    }
    for (int i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){ .name = files[i]->d_name,
                                        .test_func = replay,
                                        .initial_state = files[i]->d_name };
    failed = _cmocka_run_group_tests("learn", tests, (size_t)n, NULL, NULL);
    for (int i = 0; i < n; i++)
        free(files[i]);
    free(files);
    return failed;
}
