#include "base/subcommand.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/layout.h"

enum { SUBCOMMAND_ARENA_BYTES = 16 << 20 };

static void complain(const struct subcommand *c, const char *format, va_list list,
                     const char *tail) PRINTF_LIKE(2, 0);

static void complain(const struct subcommand *c, const char *format, va_list list,
                     const char *tail)
{
    char line[1024];

    vsnprintf(line, sizeof(line), format, list);
    fprintf(stderr, "%s: %s%s\n", c->name, line, tail);
}

int subcommand_usage(const struct subcommand *c, const char *format, ...)
{
    char tail[128];
    va_list list;

    snprintf(tail, sizeof(tail), "; see %s --help", c->name);
    va_start(list, format);
    complain(c, format, list, tail);
    va_end(list);
    return SUBCOMMAND_USAGE;
}

int subcommand_fail(const struct subcommand *c, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    complain(c, format, list, "");
    va_end(list);
    return SUBCOMMAND_USAGE;
}

static void print_usage(const struct subcommand *c, struct buf *out)
{
    struct mw_span forms = span_str(c->usage), form;
    const char *before = "usage: ";

    while (span_line(&forms, &form)) {
        buf_printf(out, "%s%s %.*s\n", before, c->name, (int)form.len, form.data);
        before = "       ";
    }
}

static enum subcommand_next print_help(const struct subcommand *c)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(65536);
    size_t width = terminal_width(stdout);

    print_usage(c, &out);
    buf_printf(&out, "\n%s\n\n", c->about);
    args_help(&out, c->args, c->n_args, width != 0 ? width : LAYOUT_WIDTH);
    if (c->footer != NULL)
        buf_printf(&out, "\n%s\n", c->footer);
    if (buf_error(&out) != 0)
        return subcommand_fail(c, "out of memory"), SUBCOMMAND_BAD;
    fwrite(out.data, 1, out.len, stdout);
    return SUBCOMMAND_HELPED;
}

enum subcommand_next subcommand_read(const struct subcommand *c, int argc, char **argv,
                                     void *settings, const bool *help, struct arena *arena,
                                     struct config_list *operands)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    int r = args_parse(c->args, c->n_args, argc, argv, settings, arena, operands, &error);

    if (r < 0)
        return subcommand_fail(c, "out of memory"), SUBCOMMAND_BAD;
    if (r > 0)
        return subcommand_usage(c, "%.*s", (int)error.len, error.data), SUBCOMMAND_BAD;
    return *help ? print_help(c) : SUBCOMMAND_GO_ON;
}

int subcommand_main(const struct subcommand *c, int argc, char **argv, void *settings,
                    const bool *help, subcommand_fn *run)
{
    struct arena arena = ARENA_INIT(SUBCOMMAND_ARENA_BYTES);
    struct config_list words = { 0 };
    int status = 0;

    switch (subcommand_read(c, argc, argv, settings, help, &arena, &words)) {
    case SUBCOMMAND_GO_ON:
        status = run(&words, settings, &arena);
        break;
    case SUBCOMMAND_BAD:
        status = SUBCOMMAND_USAGE;
        break;
    case SUBCOMMAND_HELPED:
        break;
    }
    arena_deinit(&arena);
    return status;
}
