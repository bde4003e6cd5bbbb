/*
 * Runs the scenarios given, or all in tests/scenario. Exit: 0 all hold, 1 not.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/own.h"
#include "scenario.h"

enum { LEAST_FILES = 80 };

static const char folder[] = "tests/scenario";

static void scene_freep(struct scene **w)
{
    scene_free(*w);
}

/* false: told why. *expectations counts. */
static bool line_run(struct scene *w, struct mw_span text, const char *where, size_t number,
                     size_t *expectations)
{
    CLEANUP(buf_deinit) struct buf why = BUF_INIT(1 << 16);
    CLEANUP(line_deinit) struct line l;
    bool ok = true;

    if (!line_cut(&l, text)) {
        fprintf(stderr, "%s:%zu: cannot be read\n", where, number);
        return false;
    }
    if (l.n > 0)
        ok = scene_say(w, &l, &why);
    if (!ok)
        fprintf(stderr, "%s:%zu: %.*s: %s\n", where, number, (int)text.len, (const char *)text.data,
                why.len > 0 ? (const char *)why.data : "wrong");
    if (l.n > 0 && strcmp(l.words[0].key, "expect") == 0)
        ++*expectations;
    return ok;
}

static bool file_run(const char *path)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    CLEANUP(scene_freep) struct scene *w = NULL;
    size_t number = 0, expectations = 0;
    struct mw_span rest, line;

    if (file_read(path, &text) < 0 || scene_new(&w) < 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    rest = buf_span(&text);
    while (span_line(&rest, &line))
        if (!line_run(w, line, path, ++number, &expectations))
            return false;
    if (expectations == 0)
        fprintf(stderr, "%s: expects nothing\n", path);
    return expectations > 0;
}

static int is_scenario(const struct dirent *d)
{
    return span_ends_nocase(span_str(d->d_name), SPAN_LIT(".scn"));
}

static int all_run(void)
{
    struct dirent **list = NULL;
    int n = scandir(folder, &list, is_scenario, alphasort), bad = 0;

    for (int i = 0; i < n; i++) {
        char path[512];

        snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
        bad += !file_run(path);
        free(list[i]);
    }
    free(list);
    printf("%d scenarios, %d failed\n", n, bad);
    if (n < LEAST_FILES)
        fprintf(stderr, "%s: fewer than %d scenarios: run from the root of the tree\n", folder,
                LEAST_FILES);
    return bad > 0 || n < LEAST_FILES;
}

int main(int argc, char **argv)
{
    int bad = 0;

    if (argc < 2)
        return all_run();
    for (int i = 1; i < argc; i++)
        bad += !file_run(argv[i]);
    return bad > 0;
}
