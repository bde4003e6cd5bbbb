/*
 * `midwatch gate ca`: for people and scripts.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/subcommand.h"
#include "base/text.h"
#include "gate/forge/ca.h"
#include "gate/forge/memory.h"

struct settings {
    const char *config, *state, *format;
    bool root, help;
};

/* The same that the gate itself reads when none is named. */
static const char DEFAULT_CONFIG[] = "/etc/midwatch/gate.conf";

#define AT(field) offsetof(struct settings, field)

static const struct arg args[] = {
    { "config", 'c', CONFIG_STRING, AT(config), 0, 0, "FILE", "the gate's configuration", true },
    { "state", 's', CONFIG_STRING, AT(state), 0, 0, "DIR",
      "the gate's state folder; the CA is in DIR/ca unless the configuration says otherwise",
      true },
    { "format", 'f', CONFIG_STRING, AT(format), 0, 0, "FORMAT",
      "export: pem (default) or der", true },
    { "root", 0, CONFIG_BOOL, AT(root), 0, 0, NULL,
      "rotate: the root too; every client has to install the new one", true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch gate ca",
    .usage = "init|show [OPTIONS]\nexport [--format pem|der] [OPTIONS]\nrotate [--root] [OPTIONS]",
    .about = "The gate's certificate authority. init makes it if there is none; export prints "
             "the root's certificate, which clients install, and makes the authority first if "
             "there is none; rotate makes the intermediates and the untrusted authority anew; "
             "show lists all of them. No private key is ever printed.",
    .args = args,
    .n_args = ARRAY_LEN(args),
    .footer = "Try:  midwatch gate ca export > ca.pem\n",
};

/* ------------------------------------------------------------------- configuration ---- */

static void quoted(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_str(out, "\\");
        buf_add(out, span_of(text, 1));
    }
}

/* The folder is meant from where the command is given. */
static int state_text(struct buf *out, const char *state)
{
    CLEANUP(own_free) char *here = NULL;

    if (state == NULL)
        return 0;
    buf_str(out, "state = \"");
    if (state[0] != '/') {
        here = getcwd(NULL, 0);
        if (here == NULL)
            return -errno;
        quoted(out, here);
        buf_str(out, "/");
    }
    quoted(out, state);
    buf_str(out, "\";\n");
    return buf_error(out);
}

static int settings_load(struct gate_config **out, const struct settings *s, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf extra = BUF_INIT(65536);
    struct gate_bundle *bundle = NULL;
    const char *config = s->config;
    int r = state_text(&extra, s->state);

    if (config == NULL && access(DEFAULT_CONFIG, R_OK) == 0)
        config = DEFAULT_CONFIG;
    if (r == 0)
        r = gate_bundle_read(&bundle, config, extra.len > 0 ? (const char *)extra.data : "",
                             error);
    if (r == 0)
        r = gate_config_load(out, bundle, error);
    gate_bundle_free(bundle);
    return r;
}

/* ------------------------------------------------------------------------ verbs ---- */

static int print(const struct buf *out)
{
    if (buf_error(out) < 0)
        return buf_error(out);
    return fwrite(out->data, 1, out->len, stdout) == out->len && fflush(stdout) == 0 ? 0 : -EIO;
}

static int run_export(const struct gate_config *c, const char *format, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf der = BUF_INIT(65536), out = BUF_INIT(1 << 17);
    int r = ca_ensure(c, error);

    if (r == 0)
        r = ca_root(c, &der, error);
    if (r != 0)
        return r;
    if (format != NULL && strcmp(format, "der") == 0)
        return print(&der);
    ca_write_pem(&out, buf_span(&der));
    return print(&out);
}

static void show_cert(struct buf *out, const char *what, const struct cert *c, struct mw_wall now)
{
    int64_t left_s = wall_diff_s(now, c->not_after);

    buf_printf(out, "%s\n  name     ", what);
    name_format(out, c->subject);
    buf_str(out, "\n  sha256   ");
    text_hex(out, span_of(c->sha256, sizeof(c->sha256)), ':');
    buf_str(out, "\n  valid    ");
    wall_format_date(out, c->not_before);
    buf_str(out, " to ");
    wall_format_date(out, c->not_after);
    if (left_s < 0)
        buf_str(out, ", over since ");
    else
        buf_str(out, ", ");
    span_of_time_format(out, left_s);
    buf_str(out, left_s < 0 ? "\n" : " left\n");
}

static int run_show(const struct gate_config *c, struct buf *error)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1 << 20);
    struct ca_place place = ca_place_of(c);
    struct mw_wall now = wall_now();
    struct ca ca;
    int r = ca_load_certs(&ca, &place, error);

    if (r < 0)
        return r;
    for (int part = 0; part < CA_PARTS; part++) {
        if (ca.members[part].cert != NULL)
            show_cert(&out, ca_part_file((enum ca_part)part), ca.members[part].cert, now);
        else
            buf_printf(&out, "%s\n  missing; run: midwatch gate ca init\n",
                       ca_part_file((enum ca_part)part));
    }
    for (size_t i = 0; i < ca.n_retired; i++)
        show_cert(&out, "retired", ca.retired[i], now);
    ca_deinit(&ca);
    return print(&out);
}

static int run_tend(const struct gate_config *c, enum ca_wish wish, struct buf *error)
{
    struct ca_place place = ca_place_of(c);
    int r;

    memory_harden();
    r = ca_tend(&place, wish, wall_now(), error);
    return r < 0 ? r : run_show(c, error);
}

static int run_verb(const char *verb, const struct gate_config *c, const struct settings *s,
                    struct buf *error)
{
    if (strcmp(verb, "export") == 0)
        return run_export(c, s->format, error);
    if (strcmp(verb, "show") == 0)
        return run_show(c, error);
    if (strcmp(verb, "init") == 0)
        return run_tend(c, CA_KEEP, error);
    return run_tend(c, s->root ? CA_ROTATE_ROOT : CA_ROTATE, error);
}

static int run(const struct config_list *words, const void *settings, struct arena *arena)
{
    static const char *const verbs[] = { "init", "export", "rotate", "show" };
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(8192);
    const struct settings *s = settings;
    const char *verb = words->count > 0 ? words->items[0] : NULL;
    struct gate_config *c = NULL;
    size_t known = 0;
    int r;

    (void)arena;
    while (verb != NULL && known < ARRAY_LEN(verbs) && strcmp(verbs[known], verb) != 0)
        known++;
    if (verb == NULL || known == ARRAY_LEN(verbs) || words->count > 1)
        return subcommand_usage(&command, "say one of init, export, rotate, show");
    if (s->format != NULL && strcmp(s->format, "pem") != 0 && strcmp(s->format, "der") != 0)
        return subcommand_usage(&command, "--format is pem or der");
    if ((s->format != NULL && known != 1) || (s->root && known != 2))
        return subcommand_usage(&command, "--format belongs to export, --root to rotate");
    r = settings_load(&c, s, &error);
    if (r == 0)
        r = run_verb(verb, c, s, &error);
    gate_config_unref(c);
    if (r == 0)
        return 0;
    return subcommand_fail(&command, "%s",
                           error.len > 0 ? (const char *)error.data
                                         : strerror(r < 0 ? -r : EINVAL));
}

int ca_command(int argc, char **argv)
{
    struct settings s = { .help = false };

    return subcommand_main(&command, argc, argv, &s, &s.help, run);
}
