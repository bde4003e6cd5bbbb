/*
 * `midwatch gate top`: what passes through a gate now, the busiest first.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "gate/control/cli.h"
#include "gate/control/control.h"

struct top_settings {
    struct cli cli;
    bool once;
};

enum { CLIENT_COLUMNS = 24, HOST_COLUMNS = 36 };

static const struct arg top_args[] = {
    { "once", '1', CONFIG_BOOL, offsetof(struct top_settings, once), 0, 0, NULL,
      "print the table once, not every second", true },
    CLI_ARGS,
};

static const struct subcommand top_subcommand = {
    .name = "midwatch gate top",
    .usage = "[OPTIONS]",
    .about = "The sessions that a running gate has open, those with the most bytes first. On a "
             "terminal the table is drawn anew every second until Ctrl-C.",
    .args = top_args,
    .n_args = ARRAY_LEN(top_args),
};

static int64_t bytes_of(const json_t *session)
{
    return cli_number(session, "bytes_up") + cli_number(session, "bytes_down");
}

static int busiest_first(const void *a, const void *b)
{
    int64_t x = bytes_of(*(json_t *const *)a), y = bytes_of(*(json_t *const *)b);

    return x < y ? 1 : x > y ? -1 : 0;
}

/* Text from the network, in so many columns, a space behind it. */
static void cell(struct buf *out, const char *text, size_t columns)
{
    CLEANUP(buf_deinit) struct buf safe = BUF_INIT(4096);
    size_t used;

    text_safe(&safe, span_str(text), columns - 1);
    buf_add(out, buf_span(&safe));
    used = text_columns(buf_span(&safe));
    buf_fill(out, ' ', used < columns ? columns - used : 1);
}

static void amount(struct buf *out, int64_t bytes)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(64);

    cli_bytes(&text, bytes);
    buf_fill(out, ' ', text.len < 9 ? 9 - text.len : 1);
    buf_add(out, buf_span(&text));
}

static void session_row(struct buf *out, const json_t *s)
{
    CLEANUP(buf_deinit) struct buf host = BUF_INIT(512), age = BUF_INIT(64);
    const char *protocol = cli_text(s, "protocol");
    int64_t port = cli_number(s, "port");

    buf_printf(&host, "%s", cli_text(s, "host"));
    if (port != 443 && port != 0)
        buf_printf(&host, ":%lld", (long long)port);
    cell(out, cli_text(s, "client"), CLIENT_COLUMNS);
    cell(out, host.len > 0 ? (const char *)host.data : "-", HOST_COLUMNS);
    cell(out, cli_text(s, "action")[0] != '\0' ? cli_text(s, "action") : "-", 9);
    cell(out, protocol[0] != '\0' ? protocol : "-", 10);
    amount(out, cli_number(s, "bytes_up"));
    amount(out, cli_number(s, "bytes_down"));
    cli_time(&age, cli_number(s, "age_ms"));
    buf_printf(out, "  %s\n", age.len > 0 ? (const char *)age.data : "");
}

/* rows 0: all. */
static int table(struct buf *out, json_t *answer, size_t rows)
{
    json_t *sessions = json_object_get(answer, "sessions");
    size_t n = json_array_size(sessions);
    json_t **sorted = calloc(n + 1, sizeof(json_t *));

    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        sorted[i] = json_array_get(sessions, i);
    if (n > 0)
        qsort(sorted, n, sizeof(json_t *), busiest_first);
    cli_count(out, (int64_t)n);
    buf_printf(out, " session%s open", n == 1 ? "" : "s");
    if (cli_number(answer, "missing") > 0)
        buf_printf(out, "; %lld workers did not answer",
                   (long long)cli_number(answer, "missing"));
    buf_str(out, "\n");
    if (n > 0) {
        cell(out, "CLIENT", CLIENT_COLUMNS);
        cell(out, "HOST", HOST_COLUMNS);
        buf_str(out, "ACTION   PROTOCOL         UP     DOWN  FOR\n");
    }
    for (size_t i = 0; i < n && (rows == 0 || i < rows); i++)
        session_row(out, sorted[i]);
    free(sorted);
    return buf_error(out);
}

/* Less what stands above the sessions and below them. */
static size_t rows_of_terminal(void)
{
    size_t height = terminal_height(stdout);

    return height > 4 ? height - 3 : 1;
}

static int draw(const struct top_settings *set, bool live, size_t rows)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(8 << 20);
    json_t *answer = cli_ask(&top_subcommand, &set->cli, json_pack("{ss}", "ask", "top"));
    int r = 0;

    if (answer == NULL)
        return SUBCOMMAND_USAGE;
    if (set->cli.json) {
        r = cli_print_json(&top_subcommand, answer);
    } else {
        if (live)       /* home, then clear what is below */
            buf_str(&out, "\033[H\033[J");
        r = table(&out, answer, rows) == 0 ? cli_print(&top_subcommand, &out)
                                           : subcommand_fail(&top_subcommand, "out of memory");
    }
    json_decref(answer);
    return r;
}

static int top_run(const struct config_list *words, const void *settings, struct arena *arena)
{
    const struct top_settings *set = settings;
    bool live = isatty(STDOUT_FILENO) && !set->once && !set->cli.json;
    int r;

    (void)arena;
    if (words->count > 0)
        return subcommand_usage(&top_subcommand, "it takes no words");
    do {
        r = draw(set, live, live ? rows_of_terminal() : 0);
    } while (r == 0 && live && sleep(1) == 0);
    return r;
}

int top_command(int argc, char **argv)
{
    struct top_settings set = { .once = false };

    return subcommand_main(&top_subcommand, argc, argv, &set, &set.cli.help, top_run);
}
