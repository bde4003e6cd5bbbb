#include "gate/control/cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "gate/control/control.h"

enum { ANSWER_MAX = 8 << 20, ERROR_MAX = 8192, LABEL = 10 };

const char *cli_default_config(void)
{
    static const char path[] = "/etc/midwatch/gate.conf";

    return access(path, F_OK) == 0 ? path : NULL;
}

/* The state folder of a configuration, the caller's to free. */
static char *configured_folder(const char *config, struct buf *error)
{
    struct gate_bundle *b = NULL;
    struct gate_config *c = NULL;
    char *folder = NULL;

    if (gate_bundle_read(&b, config != NULL ? config : cli_default_config(), "", error) == 0 &&
        gate_config_load(&c, b, error) == 0)
        folder = strdup(c->state_folder);
    gate_config_unref(c);
    gate_bundle_free(b);
    return folder;
}

json_t *cli_ask(const struct subcommand *c, const struct cli *cli, json_t *question)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT(ANSWER_MAX), error = BUF_INIT(ERROR_MAX);
    CLEANUP(own_free) char *text = json_dumps(question, JSON_COMPACT), *folder = NULL;
    json_t *o = NULL;

    json_decref(question);
    folder = cli->state != NULL ? strdup(cli->state) : configured_folder(cli->config, &error);
    if (text == NULL || folder == NULL ||
        control_ask(folder, text, &answer, &error) != 0) {
        subcommand_fail(c, "%s", error.len > 0 ? (const char *)error.data : "out of memory");
        return NULL;
    }
    o = json_loadb((const char *)answer.data, answer.len, 0, NULL);
    if (!json_is_object(o)) {
        subcommand_fail(c, "the gate's answer is not one this command understands: are they of "
                           "the same version?");
    } else if (cli_text(o, "error")[0] != '\0') {
        subcommand_fail(c, "%s", cli_text(o, "error"));
    } else {
        return o;
    }
    json_decref(o);
    return NULL;
}

int cli_print_json(const struct subcommand *c, const json_t *answer)
{
    CLEANUP(own_free) char *text = json_dumps(answer, JSON_INDENT(2));

    if (text == NULL)
        return subcommand_fail(c, "out of memory");
    puts(text);
    return 0;
}

int cli_print(const struct subcommand *c, const struct buf *text)
{
    if (buf_error(text) != 0)
        return subcommand_fail(c, "out of memory");
    fwrite(text->data, 1, text->len, stdout);
    fflush(stdout);
    return 0;
}

void cli_row(struct layout *l, const char *label, const char *text)
{
    size_t used = strlen(label);

    buf_printf(l->out, "  %s", label);
    buf_fill(l->out, ' ', used < LABEL ? LABEL - used : 1);
    layout_wrap(l, LABEL + 2, LABEL + 2, text);
}

const char *cli_text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "";
}

int64_t cli_number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

void cli_count(struct buf *out, int64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, n < 0 ? 0 : n);

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf_str(out, ",");
        buf_printf(out, "%c", digits[i]);
    }
}

void cli_bytes(struct buf *out, int64_t n)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
    double v = n < 0 ? 0 : (double)n;
    size_t unit = 0;

    /* 999.5 would be printed as 1000. */
    for (; v >= 999.5 && unit + 1 < ARRAY_LEN(units); unit++)
        v /= 1000;
    buf_printf(out, unit == 0 || v >= 99.5 ? "%.0f %s" : "%.1f %s", v, units[unit]);
}

void cli_time(struct buf *out, int64_t ms)
{
    if (ms < 1000)
        buf_printf(out, "%" PRId64 " ms", ms < 0 ? 0 : ms);
    else
        span_of_time_format(out, ms / 1000);
}
