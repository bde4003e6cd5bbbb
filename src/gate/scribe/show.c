/* `midwatch gate log show`. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/text.h"
#include "gate/scribe/command.h"
#include "gate/scribe/folder.h"
#include "gate/scribe/lines.h"

enum { LAST_DEFAULT = 50, LAST_MAX = 10000, SHOWN_BYTES = 8192, FOLLOW_MS = 300 };

/* ------------------------------------------------------------------- one line as text ---- */

static const json_t *at(const json_t *o, const char *a, const char *b)
{
    return json_object_get(json_object_get(o, a), b);
}

static const char *text_at(const json_t *o, const char *a, const char *b)
{
    return json_string_value(at(o, a, b));
}

/* What both formats say, each in its own place. */
struct shown {
    const char *client, *host, *action, *rule, *reason, *what, *error;
    int64_t at_ms, port, up, down;
    const json_t *own;
    bool session, note;
};

/* "2026-11-22T02:00:00.123Z" */
static int64_t time_of(const char *text)
{
    struct mw_wall t;

    return text != NULL && wall_parse(span_str(text), &t) == 0 ? t.s * 1000 : 0;
}

static void read_ecs(struct shown *s, const json_t *o)
{
    s->own = json_object_get(o, "midwatch");
    s->at_ms = time_of(json_string_value(json_object_get(o, "@timestamp")));
    s->client = text_at(o, "source", "ip");
    s->host = text_at(o, "destination", "address");
    s->port = json_integer_value(at(o, "destination", "port"));
    s->action = s->what = text_at(o, "event", "action");
    s->reason = text_at(o, "event", "reason");
    s->rule = text_at(o, "rule", "name");
    s->error = text_at(o, "error", "message");
    s->up = json_integer_value(at(o, "source", "bytes"));
    s->down = json_integer_value(at(o, "destination", "bytes"));
}

static void read_ocsf(struct shown *s, const json_t *o)
{
    s->own = at(o, "unmapped", "midwatch");
    s->at_ms = json_integer_value(json_object_get(o, "time"));
    s->client = text_at(o, "src_endpoint", "ip");
    s->host = text_at(o, "dst_endpoint", "hostname");
    if (s->host == NULL)
        s->host = text_at(o, "dst_endpoint", "ip");
    s->port = json_integer_value(at(o, "dst_endpoint", "port"));
    s->action = text_at(o, "firewall_rule", "type");
    s->what = json_string_value(json_object_get(o, "activity_name"));
    s->reason = json_string_value(json_object_get(o, "message"));
    s->rule = text_at(o, "firewall_rule", "name");
    s->error = json_string_value(json_object_get(o, "status_detail"));
    s->up = json_integer_value(at(o, "traffic", "bytes_out"));
    s->down = json_integer_value(at(o, "traffic", "bytes_in"));
}

static bool host_fits(const char *host, const char *want)
{
    struct mw_span h = span_str(host), w = span_str(want);

    if (w.len > 0 && w.data[0] == '.')
        return span_ends_nocase(h, w) || span_eq_nocase(h, span_cut(w, 1, w.len));
    return span_eq_nocase(h, w);
}

static bool fits(const struct shown *s, const struct log_filter *f)
{
    if (s->at_ms < f->since_ms || (s->note && !f->notes))
        return false;
    if (f->host != NULL && (s->host == NULL || !host_fits(s->host, f->host)))
        return false;
    return f->client == NULL || (s->client != NULL && strcmp(s->client, f->client) == 0);
}

static void add(struct buf *out, const char *before, const char *s)
{
    if (s == NULL || s[0] == '\0')
        return;
    buf_str(out, before);
    text_safe(out, span_str(s), 300);
}

static void size_text(struct buf *out, int64_t n)
{
    static const char units[] = "BkMGTP";
    double v = (double)n;
    size_t u = 0;

    while (v >= 1000 && u + 2 < sizeof(units)) {
        v /= 1000;
        u++;
    }
    buf_printf(out, u == 0 || v >= 10 ? "%.0f%c" : "%.1f%c", v, units[u]);
}

static void print_session(struct buf *out, const struct shown *s)
{
    const char *outcome = json_string_value(json_object_get(s->own, "outcome"));
    const char *verdict = json_string_value(json_object_get(s->own, "verdict"));
    const json_t *codes = json_object_get(s->own, "findings"), *code;
    size_t i;

    buf_printf(out, "%-15s ", s->client != NULL ? s->client : "-");
    text_safe(out, span_str(s->host != NULL ? s->host : "-"), 260);
    buf_printf(out, ":%" PRId64, s->port);
    add(out, "  ", s->action != NULL ? s->action : "-");
    add(out, " ", outcome);
    add(out, " ", json_string_value(json_object_get(s->own, "protocol")));
    buf_str(out, "  ");
    size_text(out, s->up);
    buf_str(out, " up ");
    size_text(out, s->down);
    buf_str(out, " down");
    add(out, "  ", verdict);
    json_array_foreach(codes, i, code)
        add(out, i == 0 ? " (" : ", ", json_string_value(code));
    buf_str(out, json_array_size(codes) > 0 ? ")" : "");
    add(out, "  ", s->rule);
    add(out, ": ", s->reason);
    add(out, "; ", s->error);
}

bool log_line_show(struct buf *out, struct mw_span line, const struct log_filter *filter)
{
    json_t *o = json_loadb((const char *)line.data, line.len, 0, NULL);
    struct shown s = { .at_ms = 0 };
    bool fit;

    if (json_object_get(o, "class_uid") != NULL)
        read_ocsf(&s, o);
    else
        read_ecs(&s, o);
    s.session = json_object_get(s.own, "outcome") != NULL;
    s.note = json_object_get(s.own, "log") != NULL;
    fit = s.own != NULL && fits(&s, filter);
    if (fit) {
        wall_format(out, (struct mw_wall){ s.at_ms / 1000 });
        buf_str(out, "  ");
        if (s.session) {
            print_session(out, &s);
        } else {
            add(out, "* ", s.what);
            add(out, ": ", s.reason);
        }
        buf_u8(out, '\n');
    }
    json_decref(o);
    return fit;
}

/* ----------------------------------------------------------------------------- options ---- */

struct settings {
    struct log_where where;
    const char *host, *client;
    int64_t since_s, last;
    bool follow, all, json, help;
};

#define AT(field) offsetof(struct settings, field)

static const struct arg args[] = {
    { "host", 0, CONFIG_STRING, AT(host), 0, 0, "NAME",
      "this server only; .NAME: and everything below", true },
    { "client", 0, CONFIG_STRING, AT(client), 0, 0, "ADDRESS", "this client only", true },
    { "since", 0, CONFIG_SECONDS, AT(since_s), 1, 10LL * 365 * 86400, "TIME",
      "not older than this: 10min, 2h, 7d", true },
    { "last", 'n', CONFIG_NUMBER, AT(last), 1, LAST_MAX, "N", "how many, default 50", true },
    { "follow", 'f', CONFIG_BOOL, AT(follow), 0, 0, NULL, "go on with what comes", true },
    { "all", 'a', CONFIG_BOOL, AT(all), 0, 0, NULL, "what the log says of itself too", true },
    { "json", 0, CONFIG_BOOL, AT(json), 0, 0, NULL, "the lines as they are", true },
    { "state", 's', CONFIG_STRING, AT(where.state), 0, 0, "DIR", "the gate's state folder", true },
    { "config", 'c', CONFIG_STRING, AT(where.config), 0, 0, "FILE",
      "the configuration that names it", true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch gate log show",
    .usage = "[--host NAME] [--client ADDRESS] [--since TIME] [--follow]",
    .about = "The latest sessions of the audit log, oldest first. Whether it is whole, "
             "`midwatch gate log verify` says.",
    .args = args,
    .n_args = ARRAY_LEN(args),
};

/* -------------------------------------------------------------------------------- show ---- */

/* The last lines of one file that fit, in a ring. */
struct ring {
    struct ring *newer;
    char **lines;
    size_t room, n, next;
};

static void ring_free(struct ring *r)
{
    for (size_t i = 0; r->lines != NULL && i < r->room; i++)
        free(r->lines[i]);
    free(r->lines);
    free(r);
}

static struct ring *ring_new(size_t room, struct ring *newer)
{
    struct ring *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    *r = (struct ring){ .newer = newer, .room = room };
    r->lines = calloc(room, sizeof(*r->lines));
    if (r->lines != NULL)
        return r;
    free(r);
    return NULL;
}

static int ring_add(struct ring *r, struct buf *text)
{
    char *line = buf_steal(text);

    if (line == NULL)
        return -ENOMEM;
    free(r->lines[r->next]);
    r->lines[r->next] = line;
    r->next = (r->next + 1) % r->room;
    r->n += r->n < r->room ? 1 : 0;
    return 0;
}

static void ring_print(const struct ring *r)
{
    for (size_t i = 0; i < r->n; i++)
        fputs(r->lines[(r->next + r->room - r->n + i) % r->room], stdout);
}

static bool shown_line(struct buf *out, struct mw_span line, const struct settings *s,
                       const struct log_filter *filter)
{
    if (!log_line_show(out, line, filter))
        return false;
    if (s->json) {
        buf_truncate(out, 0);
        buf_add(out, line);
        buf_u8(out, '\n');
    }
    return true;
}

/* What fits in the rest of the file goes into the ring, or (NULL) to standard output. */
static int take_file(struct lines *l, struct ring *ring, const struct settings *s,
                     const struct log_filter *filter)
{
    struct mw_span line;
    bool newline;
    int r;

    while ((r = lines_next(l, &line, &newline, false)) > 0) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(SHOWN_BYTES + 2 * LOG_LINE_MAX);

        if (!shown_line(&out, line, s, filter))
            continue;
        if (ring == NULL)
            fwrite(out.data, 1, out.len, stdout);
        else if ((r = ring_add(ring, &out)) < 0)
            return r;
    }
    return r;
}

struct show {
    const struct settings *s;
    struct log_filter filter;
    const char *folder;
    struct folder list;
    struct lines lines;         /* of the newest file */
    uint64_t number;            /* its number; 0: none is open */
};

static int open_file(struct show *w, const struct folder_file *file)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s", w->folder, file->name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    return lines_open(&w->lines, path);
}

/* One file into a ring of its own, put before those of newer files. */
static int ring_file(struct show *w, const struct folder_file *file, size_t room,
                     struct ring **oldest)
{
    struct ring *ring = ring_new(room, *oldest);
    int r = ring != NULL ? open_file(w, file) : -ENOMEM;

    if (ring != NULL)
        *oldest = ring;
    return r == 0 ? take_file(&w->lines, ring, w->s, &w->filter) : r;
}

/* Newest file first, until there are enough lines; printed oldest first.  The newest stays open, to
 * be followed. */
static int show_files(struct show *w, size_t wanted)
{
    struct ring *oldest = NULL;
    struct lines newest = { .fd = -1 };
    int r = 0;

    for (size_t i = w->list.n; r == 0 && i-- > 0 && wanted > 0;) {
        r = ring_file(w, &w->list.files[i], wanted, &oldest);
        if (r == -ENOENT)
            r = 0; /* its time was over just now */
        else if (r == 0)
            wanted -= oldest->n;
        if (i + 1 == w->list.n) {
            newest = w->lines;
            w->number = w->list.files[i].number;
        } else {
            lines_close(&w->lines);
        }
        w->lines = (struct lines){ .fd = -1 };
    }
    w->lines = newest;
    while (oldest != NULL) {
        struct ring *newer = oldest->newer;

        if (r == 0)
            ring_print(oldest);
        ring_free(oldest);
        oldest = newer;
    }
    return r;
}

static int follow(struct show *w)
{
    int r = 0;

    while (r == 0) {
        struct folder list = { 0 };

        fflush(stdout);
        if (ferror(stdout))
            return 0;
        poll(NULL, 0, FOLLOW_MS);
        if (w->number != 0)
            r = take_file(&w->lines, NULL, w->s, &w->filter);
        if (r == 0)
            r = folder_list(&list, w->folder);
        for (size_t i = 0; r == 0 && i < list.n; i++)
            if (list.files[i].number > w->number) {
                if (w->number != 0)
                    lines_close(&w->lines);
                r = open_file(w, &list.files[i]);
                w->number = list.files[i].number;
                if (r == 0)
                    r = take_file(&w->lines, NULL, w->s, &w->filter);
            }
        folder_deinit(&list);
    }
    return r;
}

static int run(const struct config_list *operands, const void *settings, struct arena *arena)
{
    const struct settings *s = settings;
    struct log_place place;
    struct show w = { .s = s, .lines = { .fd = -1 } };
    int r;

    (void)arena;
    if (operands->count > 0)
        return subcommand_usage(&command, "\"%.60s\" is one word too many", operands->items[0]);
    r = log_place_find(&place, &s->where, &command);
    if (r != 0)
        return r;
    w.folder = place.audit;
    w.filter = (struct log_filter){ .host = s->host, .client = s->client, .notes = s->all };
    if (s->since_s > 0)
        w.filter.since_ms = (wall_now().s - s->since_s) * 1000;
    r = folder_list(&w.list, w.folder);
    if (r == 0)
        r = show_files(&w, s->last > 0 ? (size_t)s->last : LAST_DEFAULT);
    if (r == 0 && s->follow)
        r = follow(&w);
    lines_close(&w.lines);
    folder_deinit(&w.list);
    if (r < 0)
        return subcommand_fail(&command, "%s: %s", place.audit, strerror(-r));
    return fflush(stdout) == 0 ? 0 : subcommand_fail(&command, "standard output: %s",
                                                     strerror(errno));
}

int log_show_command(int argc, char **argv)
{
    struct settings s = { .last = 0 };

    return subcommand_main(&command, argc, argv, &s, &s.help, run);
}
