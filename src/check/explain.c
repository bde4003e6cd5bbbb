#include "check/explain.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/args.h"
#include "base/layout.h"
#include "base/own.h"
#include "check/exit.h"

struct explain_settings {
    bool json, help;
    const char *color;
};

static const struct arg explain_args[] = {
    { "json", 'j', CONFIG_BOOL, offsetof(struct explain_settings, json), 0, 0, NULL,
      "as JSON, one object a line (midwatch.explain/1)", true },
    { "color", 0, CONFIG_STRING, offsetof(struct explain_settings, color), 0, 0, "WHEN",
      "auto, always or never", true },
    { "help", 'h', CONFIG_BOOL, offsetof(struct explain_settings, help), 0, 0, NULL, "this text",
      true },
};

enum { EXPLAIN_ARENA_BYTES = 1 << 20, EXPLAIN_BYTES = 1 << 20 };

static enum tint severity_tint(enum mw_severity s)
{
    switch (s) {
    case MW_ERROR:
        return TINT_BAD;
    case MW_WARNING:
        return TINT_WARN;
    case MW_GOOD:
        return TINT_GOOD;
    case MW_NOTE:
        break;
    }
    return TINT_NONE;
}

static void explain_one(struct layout *l, const struct mw_code_info *info)
{
    layout_tint(l, severity_tint(info->severity), info->code);
    buf_str(l->out, "  ");
    layout_wrap(l, 4, strlen(info->code) + 2, info->title);
    buf_str(l->out, "\n");
    layout_row(l, "means", info->explanation);
    if (info->person != NULL && info->person[0] != '\0')
        layout_row(l, "do", info->person);
    if (info->it != NULL && info->it[0] != '\0')
        layout_row(l, "IT", info->it);
    layout_row(l, "group", mw_group_name(info->group));
    layout_row(l, "weight", mw_severity_name(info->severity));
}

static void explain_list(struct layout *l)
{
    for (int g = MW_GROUP_NAME; g <= MW_GROUP_DECISION; g++) {
        if (g > MW_GROUP_NAME)
            buf_str(l->out, "\n");
        layout_tint(l, TINT_BOLD, mw_group_name((enum mw_group)g));
        buf_str(l->out, "\n");
        for (int c = MW_CODE_NONE + 1; c < MW_CODES; c++) {
            const struct mw_code_info *info = mw_code_info((enum mw_code)c);
            size_t used = strlen(info->code);

            if (info->group != (enum mw_group)g)
                continue;
            buf_str(l->out, "  ");
            layout_tint(l, severity_tint(info->severity), info->code);
            buf_fill(l->out, ' ', used < 24 ? 24 - used : 1);
            layout_wrap(l, 26, 26, info->title);
        }
    }
}

static int explain_json(struct buf *out, const struct mw_code_info *info)
{
    json_t *o = json_pack("{ss ss ss ss ss ss s{ss* ss*}}", "schema", "midwatch.explain/1", "code",
                          info->code, "group", mw_group_name(info->group), "severity",
                          mw_severity_name(info->severity), "title", info->title, "explanation",
                          info->explanation, "advice", "person", info->person, "it", info->it);
    CLEANUP(own_free) char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;

    json_decref(o);
    if (text == NULL)
        return -1;
    buf_str(out, text);
    buf_str(out, "\n");
    return 0;
}

static int code_unknown(const char *word)
{
    const char *known[MW_CODES] = { NULL }, *near;

    for (int c = MW_CODE_NONE + 1; c < MW_CODES; c++)
        known[c] = mw_code_info((enum mw_code)c)->code;
    near = config_nearest(word, known, MW_CODES);
    if (near != NULL)
        fprintf(stderr, "midwatch explain: there is no finding \"%.60s\"; did you mean \"%s\"?\n",
                word, near);
    else
        fprintf(stderr,
                "midwatch explain: there is no finding \"%.60s\"; \"midwatch explain\" lists "
                "them\n",
                word);
    return CHECK_USAGE;
}

static int explain_words(struct layout *l, const struct explain_settings *set,
                         const struct config_list *words)
{
    for (size_t i = 0; i < words->count; i++) {
        const struct mw_code_info *info = mw_code_info(mw_code_find(words->items[i]));

        if (info == NULL)
            return code_unknown(words->items[i]);
        if (set->json && explain_json(l->out, info) != 0)
            return CHECK_USAGE;
        if (set->json)
            continue;
        if (i > 0)
            buf_str(l->out, "\n");
        explain_one(l, info);
    }
    if (words->count > 0)
        return 0;
    if (!set->json) {
        explain_list(l);
        return 0;
    }
    for (int c = MW_CODE_NONE + 1; c < MW_CODES; c++)
        if (explain_json(l->out, mw_code_info((enum mw_code)c)) != 0)
            return CHECK_USAGE;
    return 0;
}

int explain_command(int argc, char **argv)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(EXPLAIN_ARENA_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(EXPLAIN_BYTES), error = BUF_INIT(4096);
    struct explain_settings set = { .color = "auto" };
    struct config_list words;
    enum colour colour;
    struct layout l;
    int rc =
        args_parse(explain_args, ARRAY_LEN(explain_args), argc, argv, &set, &arena, &words, &error);

    if (rc == 0 && colour_parse(set.color, &colour) != 0) {
        buf_printf(&error, "--color takes auto, always or never, not \"%s\"", set.color);
        rc = CHECK_USAGE;
    }
    if (rc != 0) {
        fprintf(stderr, "midwatch explain: %s\n",
                error.len > 0 ? (const char *)error.data : "out of memory");
        return CHECK_USAGE;
    }
    l = layout_for(stdout, colour, &out);
    if (set.help) {
        buf_str(&out,
                "usage: midwatch explain [options] [CODE...]\n\n"
                "What a finding means and what to do about it; without CODE, all of them.\n\n");
        args_help(&out, explain_args, ARRAY_LEN(explain_args), l.width);
    } else {
        rc = explain_words(&l, &set, &words);
    }
    if (rc == 0 && out.len > 0)
        fwrite(out.data, 1, out.len, stdout);
    return rc;
}
