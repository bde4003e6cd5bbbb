/* `midwatch gate log`, and its word `verify`. */
#include "gate/scribe/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "gate/policy/config.h"
#include "gate/scribe/log.h"
#include "gate/scribe/verify.h"

enum { KEYS_MAX_BYTES = 64 * 1024, SHOWN_MAX = 50 };

/* ------------------------------------------------------------------------- which log ---- */

static int from_config(struct log_place *out, const char *path, struct buf *error)
{
    struct gate_bundle *bundle = NULL;
    struct gate_config *config = NULL;
    int r;

    if (path == NULL && access(LOG_DEFAULT_CONFIG, R_OK) == 0)
        path = LOG_DEFAULT_CONFIG;
    r = gate_bundle_read(&bundle, path, "", error);
    if (r == 0)
        r = gate_config_load(&config, bundle, error);
    if (r == 0) {
        snprintf(out->state, sizeof(out->state), "%s", config->state_folder);
        snprintf(out->audit, sizeof(out->audit), "%s", config->audit.folder);
    }
    gate_config_unref(config);
    gate_bundle_free(bundle);
    return r;
}

int log_place_find(struct log_place *out, const struct log_where *where,
                   const struct subcommand *c)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);

    if (where->state != NULL) {
        if (snprintf(out->state, sizeof(out->state), "%s", where->state) >=
                (int)sizeof(out->state) ||
            snprintf(out->audit, sizeof(out->audit), "%s/audit", where->state) >=
                (int)sizeof(out->audit))
            return subcommand_fail(c, "%.60s…: the path is too long", where->state);
        return 0;
    }
    if (from_config(out, where->config, &error) != 0)
        return subcommand_fail(c, "%s; or say which log with --state DIR",
                               error.len > 0 ? (const char *)error.data : "out of memory");
    return 0;
}

/* ---------------------------------------------------------------------------- verify ---- */

struct verify_settings {
    struct log_where where;
    const char *key;
    bool quiet, help;
};

#define AT(field) offsetof(struct verify_settings, field)

static const struct arg verify_args[] = {
    { "state", 's', CONFIG_STRING, AT(where.state), 0, 0, "DIR", "the gate's state folder", true },
    { "config", 'c', CONFIG_STRING, AT(where.config), 0, 0, "FILE",
      "the configuration that names it", true },
    { "key", 'k', CONFIG_STRING, AT(key), 0, 0, "FILE",
      "public keys (PEM) to verify with, as kept elsewhere; default STATE/audit.pub, which "
      "whoever changed the log could have changed too",
      true },
    { "quiet", 'q', CONFIG_BOOL, AT(quiet), 0, 0, NULL, "say nothing but what is wrong", true },
    { "help", 'h', CONFIG_BOOL, AT(help), 0, 0, NULL, "this text", true },
};

static const struct subcommand verify_command = {
    .name = "midwatch gate log verify",
    .usage = "[--state DIR] [--key FILE]\nFILE... [--key FILE]",
    .about = "Finds lines of the audit log that were changed, dropped, moved, inserted or cut "
             "off. Exit status: 0 the log is whole, 1 it is not, 2 it could not be looked at.",
    .args = verify_args,
    .n_args = ARRAY_LEN(verify_args),
    .footer = "Files alone are verified with --key, or with audit.pub in the folder above theirs.",
};

static void print_problem(void *context, const char *file, uint64_t line, const char *why)
{
    uint64_t *shown = context;

    if ((*shown)++ >= SHOWN_MAX)
        return;
    if (line > 0)
        printf("%s:%" PRIu64 ": %s\n", file, line, why);
    else
        printf("%s: %s\n", file, why);
}

static int read_keys(struct verifier **out, const struct verify_settings *s,
                     const struct log_place *place, const struct config_list *files)
{
    CLEANUP(buf_deinit) struct buf pem = BUF_INIT(KEYS_MAX_BYTES), error = BUF_INIT(1024);
    char path[PATH_MAX + 16];
    int r;

    if (s->key != NULL) {
        snprintf(path, sizeof(path), "%s", s->key);
    } else if (files->count > 0 && s->where.state == NULL) {
        const char *slash = strrchr(files->items[0], '/');
        int len = slash != NULL ? (int)(slash - files->items[0]) : 0;

        snprintf(path, sizeof(path), "%.*s%saudit.pub", len, files->items[0],
                 slash != NULL ? "/../" : "../");
    } else {
        snprintf(path, sizeof(path), "%s/audit.pub", place->state);
    }
    r = file_read(path, &pem);
    if (r < 0)
        return subcommand_fail(&verify_command, "%s: %s; --key FILE names the public key", path,
                               strerror(-r));
    if (verifier_read(out, buf_span(&pem), &error) < 0)
        return subcommand_fail(&verify_command, "%s: %s", path,
                               error.len > 0 ? (const char *)error.data : "out of memory");
    return 0;
}

static void print_result(const struct verify *v)
{
    if (v->problems > 0) {
        if (v->problems > SHOWN_MAX)
            printf("… and %" PRIu64 " more\n", v->problems - SHOWN_MAX);
        printf("NOT WHOLE: %" PRIu64 " problems in %" PRIu64 " lines of %" PRIu64 " files\n",
               v->problems, v->lines, v->files);
        return;
    }
    printf("whole: %" PRIu64 " lines in %" PRIu64 " files", v->lines, v->files);
    if (v->torn > 0)
        printf(", %" PRIu64 " torn by a crash and closed off", v->torn);
    if (v->unsigned_tail > 0)
        printf("; the last %" PRIu64 " are not signed yet", v->unsigned_tail);
    printf("\n");
}

static int run_verify(const struct config_list *files, const void *settings, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf error = BUF_INIT(4096);
    const struct verify_settings *s = settings;
    struct log_place place = { .state = "" };
    struct verifier *keys = NULL;
    uint64_t shown = 0;
    struct verify v = { .on_problem = print_problem, .context = &shown };
    int r = 0;

    (void)arena;
    if (files->count == 0 || s->where.state != NULL)
        r = log_place_find(&place, &s->where, &verify_command);
    if (r == 0)
        r = read_keys(&keys, s, &place, files);
    if (r != 0)
        return r;
    v.keys = keys;
    r = files->count > 0 ? verify_files(&v, files->items, files->count, &error)
                         : verify_folder(&v, place.audit, &error);
    verifier_free(keys);
    if (r < 0)
        return subcommand_fail(&verify_command, "%s",
                               error.len > 0 ? (const char *)error.data : strerror(-r));
    if (!s->quiet)
        print_result(&v);
    return v.problems > 0 ? 1 : 0;
}

int log_verify_command(int argc, char **argv)
{
    struct verify_settings s = { .quiet = false };

    return subcommand_main(&verify_command, argc, argv, &s, &s.help, run_verify);
}

/* ------------------------------------------------------------------------------- words ---- */

static const struct word {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} words[] = {
    { "verify", log_verify_command, "is the audit log whole?" },
    { "show", log_show_command, "the latest sessions, as a person reads them" },
    { "unlock", log_unlock_command, "write TLS secrets down for a while" },
};

int log_command(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i].name, word) == 0)
            return words[i].run(argc - 1, argv + 1);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        printf("usage: midwatch gate log COMMAND [OPTIONS]\n\n");
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            printf("  %-8s %s\n", words[i].name, words[i].summary);
        printf("\nEach has its own --help.\n");
        return 0;
    }
    fprintf(stderr, "midwatch gate log: %s%.40s%s; verify, show or unlock\n",
            word[0] != '\0' ? "there is no command \"" : "which command", word,
            word[0] != '\0' ? "\"" : "?");
    return SUBCOMMAND_USAGE;
}
