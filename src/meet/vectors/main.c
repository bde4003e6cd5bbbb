/*
 * midwatch-vectors: runs the published test vectors of MLS, HPKE and SFrame, or anybody's own in
 * the same form.
 */
#include <errno.h>

#include "base/subcommand.h"
#include "meet/crypt/crypt.h"
#include "meet/vectors/file.h"

struct settings {
    const char *kind;
    bool list, help;
};

static const struct arg args[] = {
    { "kind", 'k', CONFIG_STRING, offsetof(struct settings, kind), 0, 0, "NAME",
      "what the files are, instead of telling it from their content", true },
    { "list", 'l', CONFIG_BOOL, offsetof(struct settings, list), 0, 0, NULL,
      "name the kinds that there are", true },
    { "help", 'h', CONFIG_BOOL, offsetof(struct settings, help), 0, 0, NULL, "this text", true },
};

static const struct subcommand command = {
    .name = "midwatch-vectors",
    .usage = "[--kind NAME] FILE...\n--list",
    .about = "Runs test vectors of MLS (RFC 9420), HPKE (RFC 9180) and SFrame (RFC 9605) in the\n"
             "JSON forms of their working groups.  Prints a line for each file and a total; says\n"
             "of every case that fails where and what differed.",
    .args = args,
    .n_args = ARRAY_LEN(args),
    .footer = "Exit status: 0 when nothing failed, 1 when a case failed or a file cannot be\n"
              "read, 2 when the command makes no sense.",
};

static void counts_print(const char *who, const char *kind, const struct run_counts *c)
{
    printf("%s: %s%s%zu run, %zu passed, %zu failed, %zu skipped\n", who, kind,
           kind[0] != '\0' ? ": " : "", c->passed + c->failed, c->passed, c->failed, c->skipped);
}

static int kinds_print(void)
{
    for (size_t i = 0; i < n_kinds; i++)
        puts(kinds[i].name);
    return 0;
}

static int files_run(struct run *r, const struct config_list *files, const struct kind *kind)
{
    struct run_counts total = { 0 };
    size_t unread = 0;

    for (size_t i = 0; i < files->count; i++) {
        if (vectors_file_run(r, files->items[i], kind) != 0) {
            unread++;
            continue;
        }
        counts_print(r->file, r->kind, &r->counts);
        total.passed += r->counts.passed;
        total.failed += r->counts.failed;
        total.skipped += r->counts.skipped;
    }
    counts_print("total", "", &total);
    if (unread > 0)
        printf("%zu of %zu files could not be run\n", unread, files->count);
    return unread > 0 || total.failed > 0;
}

static int vectors_run(const struct config_list *files, const void *settings, struct arena *arena)
{
    const struct settings *set = settings;
    CLEANUP(crypt_freep) struct mw_crypto *crypto = NULL;
    const struct kind *kind = NULL;
    struct run r = { .out = stdout, .random = mw_random_system() };
    int e;

    (void)arena;
    if (set->list)
        return kinds_print();
    if (files->count == 0)
        return subcommand_usage(&command, "no files given");
    if (set->kind != NULL) {
        kind = kind_find(set->kind);
        if (kind == NULL)
            return subcommand_usage(&command, "--kind: \"%.60s\" is none of those that --list "
                                    "names", set->kind);
    }
    e = mw_crypto_new(&crypto);
    if (e != 0)
        return subcommand_fail(&command, e == -ENOMEM ? "out of memory"
                                                      : "OpenSSL lacks an algorithm");
    r.crypto = crypto;
    return files_run(&r, files, kind);
}

int main(int argc, char **argv)
{
    struct settings set = { 0 };

    return subcommand_main(&command, argc, argv, &set, &set.help, vectors_run);
}
